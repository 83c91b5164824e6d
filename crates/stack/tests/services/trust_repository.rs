use countersign_stack::Stack;
use reqwest::StatusCode;
use sigstore_tuf::trusted::TrustedMetadataSet;

use super::signer::sha256_hex;
use super::{Running, options, start};

async fn file(running: &Running, name: &str) -> Vec<u8> {
    let response = running.get(&format!("/tuf/{name}")).await;
    assert_eq!(response.status(), StatusCode::OK, "{name}");
    response.bytes().await.unwrap().to_vec()
}

/// Walks the repository with an independent client, and gives the verified trusted root.
async fn update(running: &Running, root: &[u8]) -> Vec<u8> {
    let now = jiff::Timestamp::now();
    let mut trusted = TrustedMetadataSet::from_root(root).unwrap();
    trusted.check_root_expired(now).unwrap();
    trusted
        .update_timestamp(&file(running, "timestamp.json").await, now)
        .unwrap();
    let version = trusted
        .timestamp()
        .unwrap()
        .snapshot_meta()
        .unwrap()
        .version;
    let snapshot = file(running, &format!("{version}.snapshot.json")).await;
    trusted.update_snapshot(&snapshot, now).unwrap();
    let version = trusted.snapshot().unwrap().meta["targets.json"].version;
    let targets = file(running, &format!("{version}.targets.json")).await;
    trusted.update_targets(&targets, now).unwrap();
    let targets = trusted.targets_role("targets").unwrap();
    assert!(targets.target("signing_config.v0.2.json").is_some());
    let facts = targets.target("trusted_root.json").unwrap();
    let hash = &facts.hashes["sha256"];
    let bytes = file(running, &format!("targets/{hash}.trusted_root.json")).await;
    assert_eq!(
        (&sha256_hex(&bytes), bytes.len() as u64),
        (hash, facts.length)
    );
    bytes
}

#[tokio::test]
async fn an_independent_client_gets_the_trusted_root() {
    let running = start().await;
    let root = file(&running, "1.root.json").await;
    assert_eq!(file(&running, "root.json").await, root);
    let found = update(&running, &root).await;
    let written = std::fs::read(running.dir.path().join("trusted_root.json")).unwrap();
    assert_eq!(found, written);
    assert_eq!(
        running.get("/tuf/2.root.json").await.status(),
        StatusCode::NOT_FOUND
    );
    for path in [
        "/tuf/../endpoints.json",
        "/tuf/..%2f..%2fetc%2fpasswd",
        "/tuf/keys/facts.json",
    ] {
        assert_eq!(running.get(path).await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_restart_on_another_port_is_a_new_version() {
    let Running { stack, dir, client } = start().await;
    let running = Running { stack, dir, client };
    let root = file(&running, "1.root.json").await;
    let before = update(&running, &root).await;
    let Running { stack, dir, client } = running;
    stack.shutdown().await;

    // Still the first root, and with it the client of old goes on.
    let stack = Stack::start(options(dir.path())).await.unwrap();
    let running = Running { stack, dir, client };
    assert_eq!(file(&running, "root.json").await, root);
    let after = update(&running, &root).await;
    assert_ne!(before, after);
    let port = running
        .stack
        .endpoints()
        .registry
        .rsplit(':')
        .next()
        .unwrap();
    assert!(String::from_utf8(after).unwrap().contains(port));
}
