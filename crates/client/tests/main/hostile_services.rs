//! Services that answer with something else than was asked for.

use axum::Router;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_client::Secret;
use countersign_client::fulcio::{FulcioError, request_certificate};
use countersign_client::identity_token::IdentityToken;
use countersign_client::rekor::{RekorError, add_entry};
use countersign_client::services::{Services, ServicesError, service_url};
use countersign_client::timestamp_authority::{TimestampAuthorityError, timestamp};
use countersign_client::transport::TransportFault;
use countersign_trust::{PrivateKey, SigningConfig, SigningConfigError, Timestamp};
use serde_json::{Value, json};
use url::Url;

use crate::harness::{impatient, serve};
use crate::shop::Shop;

async fn answering(status: StatusCode, body: impl Into<Vec<u8>>) -> Url {
    let body = body.into();
    let router = Router::new().fallback(async move || (status, body));
    let address = serve(router).await;
    format!("http://{address}/").parse().unwrap()
}

fn token() -> IdentityToken {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"i","sub":"s"}"#);
    IdentityToken::parse(Secret::new(format!("e30.{claims}.c2ln"))).unwrap()
}

async fn certificate(url: &Url) -> FulcioError {
    let key = PrivateKey::generate().unwrap();
    let client = impatient();
    request_certificate(client.transport(), url, &token(), &key)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn certificate_authorities() {
    // A real answer, for somebody else's key.
    let shop = Shop::open().await;
    let image = shop.image("shop/a:1").await;
    let signed = shop.sign(&image, &shop.keyless()).await.unwrap();
    let bundle: Value = serde_json::from_slice(&signed.bundle).unwrap();
    let der = bundle["verificationMaterial"]["certificate"]["rawBytes"]
        .as_str()
        .unwrap();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n");
    let chain = json!({ "chain": { "certificates": [pem] } });
    let answer = json!({ "signedCertificateEmbeddedSct": chain }).to_string();
    let url = answering(StatusCode::OK, answer).await;
    let error = certificate(&url).await;
    assert!(matches!(error, FulcioError::OtherKey { .. }), "{error}");
    let answer = json!({ "signedCertificateDetachedSct": chain }).to_string();
    let url = answering(StatusCode::OK, answer).await;
    let error = certificate(&url).await;
    assert!(matches!(error, FulcioError::DetachedSct { .. }), "{error}");
    let none = json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": [] } } });
    let many = vec!["x"; 1000];
    let many = json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": many } } });
    for nothing in ["", "<html>", "{}", &none.to_string(), &many.to_string()] {
        let url = answering(StatusCode::OK, nothing).await;
        let error = certificate(&url).await;
        assert!(
            matches!(error, FulcioError::NoCertificates { .. }),
            "{nothing}: {error}"
        );
    }
    let url = answering(StatusCode::OK, vec![b' '; 1 << 20]).await;
    let error = certificate(&url).await;
    assert!(
        matches!(
            error,
            FulcioError::Transport {
                fault: TransportFault::Broken { .. },
                ..
            }
        ),
        "{error}"
    );
    let said = r#"{"code":3,"message":"There was an error processing the identity token"}"#;
    let url = answering(StatusCode::BAD_REQUEST, said).await;
    let FulcioError::Refused(refusal) = certificate(&url).await else {
        panic!("it was refused");
    };
    assert_eq!(
        refusal.detail,
        "There was an error processing the identity token"
    );
    // Nobody is sent elsewhere with a token in hand.
    let url = answering(StatusCode::TEMPORARY_REDIRECT, "").await;
    let error = certificate(&url).await;
    assert!(
        matches!(error, FulcioError::Refused(ref refusal) if refusal.status == 307),
        "{error}"
    );
}

#[tokio::test]
async fn timestamp_authorities() {
    let shop = Shop::open().await;
    let client = impatient();
    let authority = &shop.services.timestamp_authorities[0];
    let token = timestamp(client.transport(), authority, b"a signature")
        .await
        .unwrap();
    // A good token, of another signature; and then nothing of the kind.
    for (answer, status) in [
        (token.clone(), StatusCode::OK),
        (b"<html>".to_vec(), StatusCode::OK),
        (Vec::new(), StatusCode::CREATED),
    ] {
        let url = answering(status, answer).await;
        let error = timestamp(client.transport(), &url, b"another")
            .await
            .unwrap_err();
        assert!(
            matches!(error, TimestampAuthorityError::NotATimestamp { .. }),
            "{error}"
        );
    }
    let url = answering(StatusCode::CREATED, token).await;
    timestamp(client.transport(), &url, b"a signature")
        .await
        .unwrap();
    let url = answering(StatusCode::BAD_REQUEST, "bad policy").await;
    let error = timestamp(client.transport(), &url, b"a signature")
        .await
        .unwrap_err();
    assert!(
        matches!(error, TimestampAuthorityError::Refused(_)),
        "{error}"
    );
}

#[tokio::test]
async fn logs() {
    let client = impatient();
    for answer in [
        "",
        "{}",
        "[]",
        r#"{"a":{},"b":{}}"#,
        r#"{"a":{"body":"!"}}"#,
    ] {
        let url = answering(StatusCode::CREATED, answer).await;
        let error = add_entry(client.transport(), &url, Vec::new())
            .await
            .unwrap_err();
        assert!(
            matches!(error, RekorError::Entry { .. }),
            "{answer}: {error}"
        );
    }
    for status in [400, 413, 429, 500] {
        let url = answering(StatusCode::from_u16(status).unwrap(), "no").await;
        let error = add_entry(client.transport(), &url, Vec::new())
            .await
            .unwrap_err();
        assert!(
            matches!(error, RekorError::Refused(ref refusal) if refusal.status == status),
            "{error}"
        );
    }
}

fn service(url: &str, version: u32) -> Value {
    json!([{
        "url": url, "majorApiVersion": version, "operator": "o",
        "validFor": { "start": "2020-01-01T00:00:00Z" },
    }])
}

#[test]
fn which_services_a_config_names() {
    let config = |change: fn(&mut Value)| {
        let mut json = json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service("https://fulcio.example", 1),
            "rekorTlogUrls": service("https://rekor.example", 1),
            "rekorTlogConfig": { "selector": "ANY" },
            "tsaUrls": service("https://tsa.example/api/v1/timestamp", 1),
            "tsaConfig": { "selector": "ANY" },
        });
        change(&mut json);
        let config = SigningConfig::parse(json.to_string().as_bytes()).unwrap();
        Services::of_signing_config(&config, Timestamp::now())
    };
    let url = |text: &str| service_url(text).unwrap();
    let all = config(|_| ()).unwrap();
    assert_eq!(all.fulcio, Some(url("https://fulcio.example")));
    assert_eq!(all.rekor, [url("https://rekor.example")]);
    assert_eq!(
        all.timestamp_authorities,
        [url("https://tsa.example/api/v1/timestamp")]
    );
    let without = config(|json| {
        json["caUrls"] = json!([]);
        json["rekorTlogUrls"] = json!([]);
        json["tsaUrls"] = json!([]);
    });
    assert_eq!(without.unwrap(), Services::default());
    let newer = config(|json| json["rekorTlogUrls"] = service("https://log.example", 2));
    assert!(
        matches!(newer, Err(ServicesError::LogVersion { version: 2, .. })),
        "{newer:?}"
    );
    let open = config(|json| json["tsaConfig"] = json!({}));
    assert!(
        matches!(
            open,
            Err(ServicesError::Config(SigningConfigError::NoSelector { .. }))
        ),
        "{open:?}"
    );
    for bad in ["", "fulcio.example", "ftp://a.example", "http://", "data:x"] {
        assert!(
            matches!(service_url(bad), Err(ServicesError::Url { .. })),
            "{bad}"
        );
    }
}
