//! Reading the log back, and adding what is there already.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_client::audit::{AuditError, AuditRange, audit};
use countersign_client::rekor::{RekorError, add_entry};
use countersign_trust::{TrustRoot, VerifyError};
use serde_json::{Value, json};

use crate::harness::{impatient, serve};
use crate::shop::{IDENTITY, Shop};

#[tokio::test]
async fn who_signed_what_when_and_from_where() {
    let shop = Shop::open().await;
    let (first, second) = (shop.image("shop/a:1").await, shop.image("shop/b:1").await);
    shop.sign(&first, &shop.keyless()).await.unwrap();
    shop.sign(&second, &shop.workflow("acme/other"))
        .await
        .unwrap();
    let rekor = &shop.services.rekor[0];
    let last = AuditRange::Last { count: 10 };
    let found = audit(shop.client.transport(), rekor, &shop.root, last)
        .await
        .unwrap();
    assert_eq!((found.size, found.entries.len()), (2, 2));
    let entry = found.entries[0].entry.as_ref().unwrap();
    assert_eq!((found.entries[0].index, entry.log_index()), (0, 0));
    let who = entry.recorded_identity().unwrap();
    assert_eq!(who.subject(), Some(IDENTITY));
    assert_eq!(who.claims().github_workflow_repository(), Some("acme/shop"));
    assert!(entry.integrated_time().is_some() && entry.has_inclusion_proof());
    assert_eq!(entry.kind().name(), "dsse");
    let other = found.entries[1]
        .entry
        .as_ref()
        .unwrap()
        .recorded_identity()
        .unwrap();
    assert_eq!(
        other.claims().github_workflow_repository(),
        Some("acme/other")
    );
    let range = AuditRange::From { index: 1, count: 5 };
    let found = audit(shop.client.transport(), rekor, &shop.root, range)
        .await
        .unwrap();
    assert_eq!(found.entries.len(), 1);
    let range = AuditRange::From {
        index: 7,
        count: u64::MAX,
    };
    let error = audit(shop.client.transport(), rekor, &shop.root, range).await;
    assert!(matches!(error, Err(AuditError::TooMany { .. })));
    // A root that does not know the log believes none of it.
    let public = TrustRoot::public_good();
    let found = audit(shop.client.transport(), rekor, &public, last)
        .await
        .unwrap();
    let unknown = |one: &countersign_client::audit::AuditedEntry| {
        matches!(one.entry, Err(VerifyError::UnknownLog { .. }))
    };
    assert!(found.entries.iter().all(unknown));
}

#[tokio::test]
async fn a_log_that_lies() {
    let shop = Shop::open().await;
    let image = shop.image("shop/a:1").await;
    shop.sign(&image, &shop.keyless()).await.unwrap();
    let rekor = &shop.services.rekor[0];
    let url = rekor.join("api/v1/log/entries?logIndex=0").unwrap();
    let honest: Value = fetch(url.as_str()).await;
    let lying = |change: fn(&mut Value)| {
        let mut entry = honest.clone();
        change(entry.as_object_mut().unwrap().values_mut().next().unwrap());
        let pages = axum::Router::new()
            .route(
                "/api/v1/log",
                axum::routing::get(async || axum::Json(json!({ "treeSize": 1 }))),
            )
            .route(
                "/api/v1/log/entries/retrieve",
                axum::routing::post(async move || axum::Json(json!([entry]))),
            );
        serve(pages)
    };
    let read = async |change: fn(&mut Value)| {
        let address = lying(change).await;
        let url = format!("http://{address}").parse().unwrap();
        let last = AuditRange::Last { count: 1 };
        audit(impatient().transport(), &url, &shop.root, last).await
    };
    let found = read(|_| {}).await.unwrap();
    assert!(found.entries[0].entry.is_ok());
    let fault = async |change: fn(&mut Value)| {
        read(change)
            .await
            .unwrap()
            .entries
            .remove(0)
            .entry
            .unwrap_err()
    };
    let found = fault(|entry| entry["integratedTime"] = json!(1_700_000_000)).await;
    assert!(matches!(found, VerifyError::Promise { .. }), "{found}");
    let found = fault(|entry| entry["logID"] = json!("00".repeat(32))).await;
    assert!(matches!(found, VerifyError::UnknownLog { .. }), "{found}");
    let found = fault(|entry| {
        let mut body = STANDARD.decode(entry["body"].as_str().unwrap()).unwrap();
        let hash = body
            .windows(9)
            .position(|window| window == b"\"value\":\"")
            .unwrap()
            + 9;
        body[hash] = if body[hash] == b'0' { b'1' } else { b'0' };
        entry["body"] = json!(STANDARD.encode(body));
    });
    let found = found.await;
    assert!(
        matches!(found, VerifyError::InclusionProof { .. }),
        "{found:?}"
    );
    let found = fault(|entry| {
        entry["verification"]["inclusionProof"]["treeSize"] = json!(2);
    });
    let found = found.await;
    assert!(
        matches!(
            found,
            VerifyError::InclusionProof { .. } | VerifyError::Checkpoint { .. }
        ),
        "{found}"
    );
    let found = read(|entry| entry["logIndex"] = json!(1)).await;
    assert!(
        matches!(
            found,
            Err(AuditError::EntryWithheld {
                size: 1,
                index: 0,
                ..
            })
        ),
        "{found:?}"
    );
}

async fn fetch(url: &str) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn an_entry_that_is_there_already_is_taken() {
    let shop = Shop::open().await;
    let rekor = &shop.services.rekor[0];
    let key = countersign_trust::PrivateKey::generate().unwrap();
    let statement =
        b"{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"a:b\",\"subject\":[]}";
    let kind = countersign_trust::assemble::IN_TOTO_PAYLOAD;
    let signed = countersign_trust::assemble::pae(kind, statement);
    let signature = key.sign(&signed).unwrap();
    let envelope =
        countersign_trust::assemble::Envelope::of_statement(statement.to_vec(), signature);
    let pem = key.public_key().to_pem();
    let proposal = countersign_trust::assemble::rekor_v1_dsse_entry(&envelope, &pem);
    let transport = shop.client.transport();
    let first = add_entry(transport, rekor, proposal.clone()).await.unwrap();
    let second = add_entry(transport, rekor, proposal).await.unwrap();
    assert_eq!(first.log_index(), second.log_index());
    assert_eq!(first.body(), second.body());
    let refused = add_entry(transport, rekor, b"{}".to_vec()).await;
    assert!(
        matches!(refused, Err(RekorError::Refused(ref refusal)) if refusal.status == 400),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_conflict_leads_nowhere_else() {
    let conflict = |location: &'static str| {
        let router = axum::Router::new().fallback(async move || {
            (
                axum::http::StatusCode::CONFLICT,
                [("location", location)],
                "{}",
            )
        });
        serve(router)
    };
    for location in [
        "",
        "/",
        "http://127.0.0.1:1/",
        "/api/v1/log/entries/../../../etc",
    ] {
        let address = conflict(location).await;
        let url = format!("http://{address}").parse().unwrap();
        let answer = add_entry(impatient().transport(), &url, Vec::new()).await;
        assert!(
            matches!(answer, Err(RekorError::NoLocation { .. })),
            "{location}: {answer:?}"
        );
    }
}
