//! Signing: what is written, and what is refused before anybody sees it.

use std::collections::BTreeMap;

use countersign_artifact::media_type;
use countersign_client::attest::attest_image;
use countersign_client::fulcio::FulcioError;
use countersign_client::material::{Place, Wanted, gather};
use countersign_client::registry::Repository;
use countersign_client::rekor::RekorError;
use countersign_client::services::Services;
use countersign_client::sign::{Destination, SignError, SignRequest, SigningIdentity, sign_image};
use countersign_trust::{
    PredicateType, PrivateKey, Shape, Signer, TimeSource, TrustRoot, VerifyError,
};

use crate::harness::without_referrers;
use crate::shop::{IDENTITY, Shop};

fn key() -> SigningIdentity {
    SigningIdentity::Key(Box::new(PrivateKey::generate().unwrap()))
}

#[tokio::test]
async fn keyless_bundles_have_everything() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity = shop.keyless();
    let signed = shop.sign(&image, &identity).await.unwrap();
    assert_eq!(Some(&signed.digest), image.digest());

    let evidence = signed.evidence.unwrap();
    let Signer::Certificate(found) = evidence.signer() else {
        panic!("signed with a key");
    };
    assert_eq!(found.subject(), Some(IDENTITY));
    assert_eq!(found.issuer(), Some(shop.issuer()));
    assert_eq!(
        found.claims().source_repository_uri(),
        Some("https://github.com/acme/shop")
    );
    assert_eq!(evidence.entries().len(), 1);
    assert_eq!(signed.log_indexes, [evidence.entries()[0].log_index()]);
    assert!(evidence.entries()[0].has_inclusion_proof());
    let by = |source: &TimeSource| matches!(source, TimeSource::TimestampAuthority { .. });
    assert_eq!(
        evidence
            .times()
            .iter()
            .filter(|time| by(time.source()))
            .count(),
        1
    );
    assert_eq!(evidence.times().len(), 2);

    let repository = Repository::of(&image);
    let listed = shop
        .client
        .referrers(&repository, &signed.digest)
        .await
        .unwrap();
    let [entry] = &listed.descriptors[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(entry.digest, signed.pushed.unwrap().digest);
    assert_eq!(entry.artifact_type.as_deref(), Some(media_type::BUNDLE_V03));
    let kind = entry.annotations.get("dev.sigstore.bundle.predicateType");
    assert_eq!(kind.unwrap(), "https://sigstore.dev/cosign/sign/v1");
}

#[tokio::test]
async fn a_key_with_and_without_witnesses() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity = key();
    let logged = shop.sign(&image, &identity).await.unwrap();
    assert_eq!(logged.evidence.unwrap().entries().len(), 1);
    let request = SignRequest {
        services: &Services::default(),
        trust_root: None,
        ..shop.request(&identity)
    };
    let annotations = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    let plain = sign_image(&shop.client, &image, &annotations, &request)
        .await
        .unwrap();
    assert!(plain.log_indexes.is_empty());
    assert!(plain.evidence.unwrap().times().is_empty());
    let none = Place::default();
    let gathered = gather(&shop.client, &image, Wanted::Signatures, &none)
        .await
        .unwrap();
    assert_eq!(gathered.material.len(), 2);
}

#[tokio::test]
async fn what_the_caller_keeps_is_not_pushed() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity = key();
    let request = SignRequest {
        destination: Destination::Caller,
        ..shop.request(&identity)
    };
    let none = BTreeMap::new();
    let signed = sign_image(&shop.client, &image, &none, &request)
        .await
        .unwrap();
    assert_eq!(signed.pushed, None);
    assert!(signed.bundle.starts_with(b"{\"mediaType\":"));
    let repository = Repository::of(&image);
    let listed = shop
        .client
        .referrers(&repository, &signed.digest)
        .await
        .unwrap();
    assert!(listed.descriptors.is_empty());
}

#[tokio::test]
async fn attestations_are_of_their_kind() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity = shop.keyless();
    let request = shop.request(&identity);
    let spdx = PredicateType::parse("spdxjson").unwrap();
    let document = br#"{"spdxVersion":"SPDX-2.3","packages":[]}"#;
    let client = &shop.client;
    attest_image(client, &image, &spdx, document, &request)
        .await
        .unwrap();
    let none = Place::default();
    let found = gather(client, &image, Wanted::Attestations, &none)
        .await
        .unwrap();
    assert_eq!(found.material.len(), 1);
    assert_eq!(found.material[0].shape(), Shape::Attestation);
    assert_eq!(
        found.material[0].claimed_predicate_type(),
        Some("https://spdx.dev/Document")
    );
    let bad = attest_image(client, &image, &spdx, b"not json", &request).await;
    assert!(matches!(bad, Err(SignError::Predicate(_))), "{bad:?}");
}

#[tokio::test]
async fn in_another_repository() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity = key();
    let elsewhere = shop.reference("signatures/all").context();
    let place = Place::in_repository(&elsewhere).unwrap();
    let request = SignRequest {
        destination: Destination::Registry(place.clone()),
        ..shop.request(&identity)
    };
    sign_image(&shop.client, &image, &BTreeMap::new(), &request)
        .await
        .unwrap();
    let there = gather(&shop.client, &image, Wanted::Signatures, &place)
        .await
        .unwrap();
    assert_eq!(there.material.len(), 1);
    let here = Place::default();
    let here = gather(&shop.client, &image, Wanted::Signatures, &here)
        .await
        .unwrap();
    assert!(here.material.is_empty());
}

#[tokio::test]
async fn a_token_that_is_not_taken() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let issuer = token_issuer(&shop);
    let mut claims = issuer.standard_claims(300).unwrap();
    claims.insert("sub".into(), "somebody".into());
    claims.insert("aud".into(), "somebody else".into());
    let token = issuer.sign(&claims).unwrap();
    let token = countersign_client::Secret::new(token);
    let token = countersign_client::identity_token::IdentityToken::parse(token).unwrap();
    let identity = SigningIdentity::Keyless { token };
    let error = shop.sign(&image, &identity).await.unwrap_err();
    let SignError::Fulcio(FulcioError::Refused(refusal)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(refusal.status, 400);
    assert!(refusal.detail.contains("identity token"), "{refusal}");
}

fn token_issuer(shop: &Shop) -> countersign_stack::token::Issuer {
    countersign_stack::token::Issuer::open(shop.stack.dir()).unwrap()
}

#[tokio::test]
async fn nothing_is_pushed_that_does_not_verify() {
    let (shop, stranger) = (Shop::open().await, Shop::open().await);
    let image = shop.image("shop/cart:1.0").await;
    let identity = shop.keyless();
    let request = SignRequest {
        trust_root: Some(&stranger.root),
        ..shop.request(&identity)
    };
    let none = BTreeMap::new();
    let error = sign_image(&shop.client, &image, &none, &request)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            SignError::NotVerified(VerifyError::UnknownLog { .. } | VerifyError::Certificate(_))
        ),
        "{error:?}"
    );
    // With a key the log is the one thing that is unknown.
    let key = key();
    let request = SignRequest {
        trust_root: Some(&stranger.root),
        ..shop.request(&key)
    };
    let error = sign_image(&shop.client, &image, &none, &request)
        .await
        .unwrap_err();
    assert!(matches!(error, SignError::LogNotInRoot), "{error:?}");
    let repository = Repository::of(&image);
    let listed = shop
        .client
        .referrers(&repository, image.digest().unwrap())
        .await
        .unwrap();
    assert!(listed.descriptors.is_empty());
}

#[tokio::test]
async fn services_that_are_missing_or_down() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity = shop.keyless();
    let without = |change: fn(&mut Services)| {
        let mut services = shop.services.clone();
        change(&mut services);
        services
    };
    let sign = async |services: Services| {
        let request = SignRequest {
            services: &services,
            ..shop.request(&identity)
        };
        let client = crate::harness::impatient();
        sign_image(&client, &image, &BTreeMap::new(), &request)
            .await
            .unwrap_err()
    };
    let error = sign(without(|services| services.fulcio = None)).await;
    assert!(
        matches!(error, SignError::NoCertificateAuthority),
        "{error:?}"
    );
    let error = sign(without(|services| {
        services.rekor.clear();
        services.timestamp_authorities.clear();
    }))
    .await;
    assert!(matches!(error, SignError::NoWitness), "{error:?}");
    let nobody = || "http://127.0.0.1:1/".parse().unwrap();
    let mut services = shop.services.clone();
    services.fulcio = Some(nobody());
    let error = sign(services).await;
    assert!(
        matches!(error, SignError::Fulcio(FulcioError::Transport { .. })),
        "{error:?}"
    );
    let mut services = shop.services.clone();
    services.rekor = vec![nobody()];
    let error = sign(services).await;
    assert!(
        matches!(error, SignError::Rekor(RekorError::Transport { .. })),
        "{error:?}"
    );
    let mut services = shop.services.clone();
    services.timestamp_authorities = vec![nobody()];
    let error = sign(services).await;
    assert!(
        matches!(error, SignError::TimestampAuthority(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_timestamp_alone_is_a_witness() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity = shop.keyless();
    let mut services = shop.services.clone();
    services.rekor.clear();
    let request = SignRequest {
        services: &services,
        ..shop.request(&identity)
    };
    let none = BTreeMap::new();
    let signed = sign_image(&shop.client, &image, &none, &request)
        .await
        .unwrap();
    assert!(signed.evidence.unwrap().entries().is_empty());
}

#[tokio::test]
async fn an_image_that_is_not_there() {
    let shop = Shop::open().await;
    let image = shop.reference("shop/nothing:1.0");
    let error = shop.sign(&image, &key()).await.unwrap_err();
    assert!(
        matches!(&error, SignError::Registry(found) if found.is_not_found()),
        "{error:?}"
    );
}

#[tokio::test]
async fn ten_signers_at_once_lose_nothing() {
    for options in [without_referrers(), Default::default()] {
        let shop = Shop::open_with(options).await;
        let image = shop.image("shop/cart:1.0").await;
        let sign = |index: usize| {
            let (shop, image) = (&shop, &image);
            async move {
                let identity = if index.is_multiple_of(2) {
                    shop.keyless()
                } else {
                    key()
                };
                // Another client each: two machines share no lock.
                let client = countersign_client::registry::Client::new(Default::default()).unwrap();
                let request = shop.request(&identity);
                sign_image(&client, image, &BTreeMap::new(), &request)
                    .await
                    .unwrap()
            }
        };
        let signed = futures_util::future::join_all((0..10).map(sign)).await;
        let mut expected: Vec<_> = signed
            .iter()
            .map(|one| one.pushed.clone().unwrap().digest)
            .collect();
        let repository = Repository::of(&image);
        let listed = shop
            .client
            .referrers(&repository, image.digest().unwrap())
            .await
            .unwrap();
        let mut found: Vec<_> = listed
            .descriptors
            .iter()
            .map(|entry| entry.digest)
            .collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
        let none = Place::default();
        let gathered = gather(&shop.client, &image, Wanted::Signatures, &none)
            .await
            .unwrap();
        assert_eq!(gathered.material.len(), 10);
        assert!(
            gathered
                .material
                .iter()
                .all(|one| one.shape() == Shape::ImageSignature)
        );
    }
}

#[tokio::test]
async fn the_public_root_does_not_know_a_private_instance() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity = shop.keyless();
    let public = TrustRoot::public_good();
    let request = SignRequest {
        trust_root: Some(&public),
        ..shop.request(&identity)
    };
    let none = BTreeMap::new();
    let error = sign_image(&shop.client, &image, &none, &request)
        .await
        .unwrap_err();
    assert!(matches!(error, SignError::NotVerified(_)), "{error:?}");
}

#[tokio::test]
async fn signing_takes_few_requests() {
    let registry = crate::harness::CountedRegistry::start(Default::default()).await;
    let client = crate::harness::impatient();
    let image = crate::harness::push_image(&client, &registry.image("app:1.0"), "app").await;
    let identity = key();
    let none = Services::default();
    let request = SignRequest {
        identity: &identity,
        services: &none,
        trust_root: None,
        destination: Destination::Registry(Place::default()),
    };
    // The second time the empty configuration is there already.
    for most in [7, 5] {
        registry.requests.take();
        sign_image(&client, &image, &BTreeMap::new(), &request)
            .await
            .unwrap();
        let requests = registry.requests.take();
        assert!(requests.len() <= most, "{requests:#?}");
    }
}
