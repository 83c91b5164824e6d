//! Verifying what was just signed, and what was forged from it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::ImageReference;
use countersign_client::attest::attest_image;
use countersign_client::key_source::KeySource;
use countersign_client::material::Place;
use countersign_client::registry::Fault;
use countersign_client::services::Services;
use countersign_client::sign::{SignRequest, Signed, SigningIdentity, sign_image};
use countersign_client::trust_root_source::TrustRootSource;
use countersign_client::verify_attestation::{
    AttestationQuestion, VerifiedAttestations, VerifyAttestationError, verify_attestation,
};
use countersign_client::verify_image::{
    SignatureKinds, VerifiedImage, VerifyImageError, verify_image,
};
use countersign_client::verify_rules::{
    Check, Leniency, LogRule, Reason, Rules, TimestampRule, WantedSigner,
};
use countersign_policy::expression::{Expression, Language};
use countersign_policy::identity::{IdentityMismatch, IdentityPattern, TextPattern};
use countersign_trust::{BodyPart, PredicateType, PrivateKey, Timestamp, TrustRoot, VerifyError};
use serde_json::Value;

use crate::harness::{attach, impatient, push_fixture, signing};
use crate::shop::{IDENTITY, Shop};

fn identity(subject: &str, issuer: &str) -> [IdentityPattern; 1] {
    let exact = |text: &str| TextPattern::Exact(text.to_owned());
    [IdentityPattern::new(exact(subject), exact(issuer))]
}

async fn verify(
    image: &ImageReference,
    rules: &Rules<'_>,
) -> Result<VerifiedImage, VerifyImageError> {
    let kinds = SignatureKinds::default();
    verify_image(&impatient(), image, &Place::default(), rules, kinds).await
}

/// Verifies by the workflow's identity with the shop's own root.
async fn verify_keyless(
    shop: &Shop,
    image: &ImageReference,
) -> Result<VerifiedImage, VerifyImageError> {
    let wanted = identity(IDENTITY, shop.issuer());
    verify(
        image,
        &Rules::strict(WantedSigner::Identities(&wanted), Some(&shop.root)),
    )
    .await
}

/// The reasons why none of the signatures counts.
fn reasons(answer: Result<VerifiedImage, VerifyImageError>) -> Vec<Reason> {
    match answer {
        Err(VerifyImageError::NoneMatched { refused, .. }) => {
            refused.into_iter().map(|one| one.reason).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// A bundle with one thing in it changed.
fn forged(bundle: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(bundle).unwrap();
    change(&mut json);
    json.to_string().into_bytes()
}

async fn signed(shop: &Shop, name: &str) -> (ImageReference, Signed) {
    let image = shop.image(name).await;
    let signed = shop.sign(&image, &shop.keyless()).await.unwrap();
    (image, signed)
}

#[tokio::test]
async fn by_identity_and_by_nothing_else() {
    let shop = Shop::open().await;
    let (image, signed) = signed(&shop, "shop/cart:1.0").await;
    let by_tag = shop.reference("shop/cart:1.0");
    for image in [&image, &by_tag] {
        let verified = verify_keyless(&shop, image).await.unwrap();
        assert_eq!(verified.digest, signed.digest);
        assert_eq!(verified.signatures.len(), 1);
        assert!(verified.signatures[0].leniencies.is_empty());
        assert_eq!(
            verified.checks,
            [Check::Claims, Check::LogOffline, Check::Certificate]
        );
        let printed: Value = serde_json::from_str(&verified.cosign_json()).unwrap();
        let critical = &printed[0]["critical"];
        assert_eq!(critical["identity"]["docker-reference"], image.name());
        assert_eq!(
            critical["image"]["docker-manifest-digest"],
            signed.digest.to_string()
        );
    }
    let check = async |subject: &str, issuer: &str, what: &str| {
        let wanted = identity(subject, issuer);
        let rules = Rules::strict(WantedSigner::Identities(&wanted), Some(&shop.root));
        let found = reasons(verify(&image, &rules).await);
        assert!(
            matches!(&found[..], [Reason::Identity(IdentityMismatch::Value { what: found, .. })] if *found == what),
            "{found:?}"
        );
    };
    check("https://github.com/mallory/shop", shop.issuer(), "SAN").await;
    check(IDENTITY, "https://token.actions.example", "issuer").await;
    let nobody = Rules::strict(WantedSigner::Identities(&[]), Some(&shop.root));
    let found = reasons(verify(&image, &nobody).await);
    assert_eq!(found, [Reason::Identity(IdentityMismatch::NobodyAsked)]);
}

#[tokio::test]
async fn unsigned_is_an_answer_of_its_own() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let answer = verify_keyless(&shop, &image).await;
    assert!(
        matches!(
            answer,
            Err(VerifyImageError::NoSignatures {
                attestations: 0,
                ..
            })
        ),
        "{answer:?}"
    );
    let wanted = identity(IDENTITY, shop.issuer());
    let answer = verify(
        &image,
        &Rules::strict(WantedSigner::Identities(&wanted), None),
    )
    .await;
    assert!(
        matches!(answer, Err(VerifyImageError::NoTrustRoot)),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_registry_that_fails_is_no_verdict() {
    let shop = Shop::open().await;
    let wanted = identity(IDENTITY, shop.issuer());
    let rules = Rules::strict(WantedSigner::Identities(&wanted), Some(&shop.root));
    for status in [401_u16, 404, 429, 500] {
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        let failing = axum::Router::new().fallback(async move || status);
        let address = crate::harness::serve(failing).await;
        let digest = countersign_artifact::Digest::sha256_of(b"");
        for name in ["app:1.0".to_owned(), format!("app@{digest}")] {
            let image = ImageReference::parse(&format!("{address}/{name}")).unwrap();
            let answer = verify(&image, &rules).await;
            assert!(
                matches!(answer, Err(VerifyImageError::Registry(_))),
                "{status}: {answer:?}"
            );
        }
    }
    let image = ImageReference::parse("127.0.0.1:1/app:1.0").unwrap();
    let Err(VerifyImageError::Registry(error)) = verify(&image, &rules).await else {
        panic!("nobody listens there");
    };
    assert!(matches!(*error.fault, Fault::Transport(_)));
}

#[tokio::test]
async fn forgeries_each_have_their_reason() {
    let (shop, stranger) = (Shop::open().await, Shop::open().await);
    let (_, good) = signed(&shop, "shop/cart:1.0").await;
    let (_, other) = signed(&shop, "shop/other:1.0").await;
    let (_, foreign) = signed(&stranger, "shop/cart:1.0").await;
    let entries_of = |signed: &Signed| -> Value {
        let json: Value = serde_json::from_slice(&signed.bundle).unwrap();
        json["verificationMaterial"]["tlogEntries"].clone()
    };
    let check = async |name: &str, bundle: Vec<u8>, expected: fn(&Reason) -> bool| {
        // The same image in a repository of its own, with nothing but the forgery.
        let target = shop.reference(&format!("forged/{name}:1.0"));
        let image = crate::harness::push_image(&shop.client, &target, "shop/cart:1.0").await;
        assert_eq!(image.digest(), Some(&good.digest));
        attach(&shop.client, &image, &bundle).await;
        let found = reasons(verify_keyless(&shop, &image).await);
        assert!(
            matches!(&found[..], [one] if expected(one)),
            "{name}: {found:?}"
        );
    };
    let flip = |json: &mut Value| {
        let payload = json["dsseEnvelope"]["payload"].as_str().unwrap();
        let mut payload = STANDARD.decode(payload).unwrap();
        let place = payload.iter().rposition(u8::is_ascii_hexdigit).unwrap();
        payload[place] ^= 1;
        json["dsseEnvelope"]["payload"] = STANDARD.encode(payload).into();
    };
    check("payload", forged(&good.bundle, flip), |reason| {
        matches!(reason, Reason::NotProven(VerifyError::Signature))
    })
    .await;
    check("moved", other.bundle.clone(), |reason| {
        matches!(
            reason,
            Reason::NotProven(VerifyError::SubjectMismatch { .. })
        )
    })
    .await;
    let entries = entries_of(&foreign);
    let foreign_log = forged(&good.bundle, |json| {
        json["verificationMaterial"]["tlogEntries"] = entries;
    });
    check("other-log", foreign_log, |reason| {
        matches!(reason, Reason::NotLogged { log_id: Some(_) })
    })
    .await;
    let entries = entries_of(&other);
    let other_entry = forged(&good.bundle, |json| {
        json["verificationMaterial"]["tlogEntries"] = entries;
    });
    check("other-entry", other_entry, |reason| {
        matches!(
            reason,
            Reason::NotProven(
                VerifyError::EntryMismatch {
                    part: BodyPart::Signature | BodyPart::Digest | BodyPart::Verifier
                } | VerifyError::Certificate(_)
            )
        )
    })
    .await;
    let unlogged = forged(&good.bundle, |json| {
        json["verificationMaterial"]
            .as_object_mut()
            .unwrap()
            .remove("tlogEntries");
    });
    check("unlogged", unlogged, |reason| {
        matches!(reason, Reason::NotLogged { log_id: None })
    })
    .await;
    check("garbage", b"{}".to_vec(), |reason| {
        matches!(reason, Reason::NotProven(VerifyError::Unreadable(_)))
    })
    .await;
    check("foreign", foreign.bundle.clone(), |reason| {
        matches!(reason, Reason::NotProven(_))
    })
    .await;
}

#[tokio::test]
async fn a_forgery_beside_a_good_signature_does_no_harm() {
    let shop = Shop::open().await;
    let (image, good) = signed(&shop, "shop/cart:1.0").await;
    let unlogged = forged(&good.bundle, |json| {
        json["verificationMaterial"]
            .as_object_mut()
            .unwrap()
            .remove("tlogEntries");
    });
    attach(&shop.client, &image, &unlogged).await;
    attach(&shop.client, &image, b"garbage").await;
    let verified = verify_keyless(&shop, &image).await.unwrap();
    assert_eq!((verified.signatures.len(), verified.refused.len()), (1, 2));
}

#[tokio::test]
async fn keys_with_and_without_the_log() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let key = PrivateKey::generate().unwrap();
    let public = key.public_key().clone();
    let identity = SigningIdentity::Key(Box::new(key));
    let annotations = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
    let without = SignRequest {
        services: &Services::default(),
        ..shop.request(&identity)
    };
    sign_image(&shop.client, &image, &annotations, &without)
        .await
        .unwrap();
    let strict = Rules::strict(WantedSigner::Key(&public), Some(&shop.root));
    let found = reasons(verify(&image, &strict).await);
    assert_eq!(found, [Reason::NotLogged { log_id: None }]);
    let lenient = Rules {
        log: LogRule::DangerouslyIgnored {
            now: Timestamp::now(),
        },
        trust_root: None,
        ..strict.clone()
    };
    let verified = verify(&image, &lenient).await.unwrap();
    assert_eq!(verified.signatures[0].leniencies, [Leniency::NotLogged]);
    assert_eq!(verified.checks, [Check::Claims, Check::Key]);
    // What it says is compared, too.
    let with = |value: &str| Rules {
        annotations: BTreeMap::from([("env".to_owned(), value.to_owned())]),
        ..lenient.clone()
    };
    let verified = verify(&image, &with("prod")).await.unwrap();
    assert!(
        verified
            .cosign_json()
            .contains(r#""optional":{"env":"prod"}"#)
    );
    assert!(verified.checks.contains(&Check::Annotations));
    let found = reasons(verify(&image, &with("dev")).await);
    assert!(
        matches!(&found[..], [Reason::Annotation { name, .. }] if name == "env"),
        "{found:?}"
    );
    // Somebody else's key.
    let other = PrivateKey::generate().unwrap();
    let rules = Rules {
        signer: WantedSigner::Key(other.public_key()),
        ..lenient.clone()
    };
    let found = reasons(verify(&image, &rules).await);
    assert_eq!(found, [Reason::NotProven(VerifyError::Signature)]);
    // With the log, and with a timestamp.
    sign_image(&shop.client, &image, &annotations, &shop.request(&identity))
        .await
        .unwrap();
    let timed = Rules {
        timestamp: TimestampRule::Required,
        ..strict.clone()
    };
    for rules in [&strict, &timed] {
        let verified = verify(&image, rules).await.unwrap();
        assert_eq!((verified.signatures.len(), verified.refused.len()), (1, 1));
    }
    let keyless = reasons(verify_keyless(&shop, &image).await);
    let wanted = Reason::NotProven(VerifyError::NoCertificate);
    assert_eq!(keyless, [wanted.clone(), wanted]);
}

async fn ask(
    shop: &Shop,
    image: &ImageReference,
    kind: &str,
    rules: &[Expression],
) -> Result<VerifiedAttestations, VerifyAttestationError> {
    let wanted = identity(IDENTITY, shop.issuer());
    let strict = Rules::strict(WantedSigner::Identities(&wanted), Some(&shop.root));
    let kind = PredicateType::parse(kind).unwrap();
    let question = AttestationQuestion {
        predicate_type: &kind,
        rules,
        now: Timestamp::now(),
    };
    verify_attestation(&shop.client, image, &Place::default(), &strict, question).await
}

fn rego(condition: &str) -> Expression {
    let text = format!("package signature\n\nallow {{\n  {condition}\n}}\n");
    Expression::compile_for_command_line("rule.rego", Language::Rego, &text).unwrap()
}

#[tokio::test]
async fn attestations_are_bound_and_judged() {
    let shop = Shop::open().await;
    let (image, other) = (
        shop.image("shop/cart:1.0").await,
        shop.image("shop/other:1.0").await,
    );
    let absent = ask(&shop, &image, "spdxjson", &[]).await;
    assert!(
        matches!(absent, Err(VerifyAttestationError::NoAttestations { .. })),
        "{absent:?}"
    );

    let identity = shop.keyless();
    let spdx = PredicateType::parse("spdxjson").unwrap();
    let document = br#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"zlib"}]}"#;
    let request = shop.request(&identity);
    let attested = attest_image(&shop.client, &image, &spdx, document, &request)
        .await
        .unwrap();
    let verified = ask(&shop, &image, "spdxjson", &[]).await.unwrap();
    let [attestation] = &verified.attestations[..] else {
        panic!("{verified:?}");
    };
    assert_eq!(
        attestation.statement().predicate_type(),
        "https://spdx.dev/Document"
    );
    assert_eq!(
        attestation.statement().subjects()[0].name(),
        image.context()
    );
    let printed: Value = serde_json::from_str(&attestation.cosign_json()).unwrap();
    assert_eq!(printed["payloadType"], "application/vnd.in-toto+json");

    let of_type = ask(&shop, &image, "vuln", &[]).await;
    assert!(
        matches!(of_type, Err(VerifyAttestationError::NoneOfType { ref found, .. }) if found == &["https://spdx.dev/Document"]),
        "{of_type:?}"
    );
    let has_zlib = rego(r#"input.predicate.packages[_].name == "zlib""#);
    ask(&shop, &image, "spdxjson", std::slice::from_ref(&has_zlib))
        .await
        .unwrap();
    let has_curl = rego(r#"input.predicate.packages[_].name == "curl""#);
    let failed = ask(&shop, &image, "spdxjson", &[has_zlib, has_curl]).await;
    assert!(
        matches!(failed, Err(VerifyAttestationError::RuleFailed { ref failures, .. }) if failures.len() == 1),
        "{failed:?}"
    );
    // Moved to another image.
    attach(&shop.client, &other, &attested.bundle).await;
    let Err(VerifyAttestationError::NoneMatched { refused, .. }) =
        ask(&shop, &other, "spdxjson", &[]).await
    else {
        panic!("it is about another image");
    };
    assert!(matches!(
        refused[0].reason,
        Reason::NotProven(VerifyError::SubjectMismatch { .. })
    ));
}

#[tokio::test]
async fn an_attestation_is_no_signature_unless_asked() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let identity_of_shop = shop.keyless();
    let kind = PredicateType::parse("custom").unwrap();
    let request = shop.request(&identity_of_shop);
    attest_image(&shop.client, &image, &kind, b"hello", &request)
        .await
        .unwrap();
    let answer = verify_keyless(&shop, &image).await;
    assert!(
        matches!(
            answer,
            Err(VerifyImageError::NoSignatures {
                attestations: 1,
                ..
            })
        ),
        "{answer:?}"
    );
    let wanted = identity(IDENTITY, shop.issuer());
    let rules = Rules::strict(WantedSigner::Identities(&wanted), Some(&shop.root));
    let kinds = SignatureKinds::DangerouslyAttestationsToo;
    let none = Place::default();
    let verified = verify_image(&shop.client, &image, &none, &rules, kinds)
        .await
        .unwrap();
    assert_eq!(
        verified.signatures[0].leniencies,
        [Leniency::AttestationAsSignature]
    );
    assert!(
        verified
            .cosign_json()
            .contains("https://cosign.sigstore.dev/attestation/v1")
    );
}

/// What the real cosign 2.6 and 3.1 signed, out of our registry.
#[tokio::test]
async fn what_cosign_signed_verifies_from_our_registry() {
    let shop = Shop::open().await;
    let host = &shop.stack.endpoints().registry;
    let key = |name: &str| {
        let source = KeySource::File(signing().join("keys").join(name));
        source.public_key().unwrap()
    };
    let lenient = LogRule::DangerouslyIgnored {
        now: Timestamp::now(),
    };
    for (case, good, bad) in [
        ("signatures/legacy-v2-gen-v2", "gen-v2.pub", "gen-v3.pub"),
        ("signatures/legacy-v3-gen-v3", "gen-v3.pub", "gen-v2.pub"),
        ("signatures/bundle-v2-gen-v2", "gen-v2.pub", "gen-v3.pub"),
        ("signatures/bundle-v3-gen-v3", "gen-v3.pub", "gen-v2.pub"),
        (
            "signatures/bundle-v3-fallback-tag",
            "gen-v3.pub",
            "gen-v2.pub",
        ),
    ] {
        let image = push_fixture(host, case).await;
        let (good, bad) = (key(good), key(bad));
        let rules = |key| Rules {
            log: lenient,
            ..Rules::strict(WantedSigner::Key(key), None)
        };
        verify(&image, &rules(&good))
            .await
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        reasons(verify(&image, &rules(&bad)).await);
    }
    let root = TrustRootSource::File(signing().join("keyless/trust/trusted_root.json"));
    let root: TrustRoot = root.load().unwrap();
    let alice = identity("alice@example.com", "http://127.0.0.1:8100/email");
    let mallory = identity("mallory@example.com", "http://127.0.0.1:8100/email");
    for case in [
        "legacy-v2-email",
        "legacy-v3-email",
        "bundle-v2-email-rekor1",
        "bundle-v3-email-rekor1",
        "bundle-v3-email-rekor2",
    ] {
        let image = push_fixture(host, &format!("keyless/images/{case}")).await;
        let rules = |wanted| Rules::strict(WantedSigner::Identities(wanted), Some(&root));
        verify(&image, &rules(&alice))
            .await
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        reasons(verify(&image, &rules(&mallory)).await);
    }
}

#[tokio::test]
async fn four_requests_by_digest_and_five_by_tag() {
    let registry = crate::harness::CountedRegistry::start(Default::default()).await;
    let case = "keyless/images/bundle-v3-email-rekor1";
    let by_digest = push_fixture(&registry.host, case).await;
    let by_tag = registry.image(&format!("fixtures/{case}:1.0"));
    let root = TrustRootSource::File(signing().join("keyless/trust/trusted_root.json"));
    let root = root.load().unwrap();
    let alice = identity("alice@example.com", "http://127.0.0.1:8100/email");
    let rules = Rules::strict(WantedSigner::Identities(&alice), Some(&root));
    for (image, expected) in [(by_digest, 4), (by_tag, 5)] {
        registry.requests.take();
        verify(&image, &rules).await.unwrap();
        let requests = registry.requests.take();
        assert_eq!(requests.len(), expected, "{requests:#?}");
        let distinct: std::collections::HashSet<&String> = requests.iter().collect();
        assert_eq!(distinct.len(), expected, "{requests:#?}");
    }
}
