use std::os::unix::fs::PermissionsExt as _;

use countersign_stack::{Endpoints, Stack, StackError, StackOptions};
use serde_json::Value;

use super::{Running, options, start};

fn json_file(running: &Running, name: &str) -> Value {
    let bytes = std::fs::read(running.dir.path().join(name)).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn the_files_say_where_everything_is() {
    let running = start().await;
    let endpoints = running.stack.endpoints();
    assert_eq!(&Endpoints::read(running.dir.path()).unwrap(), endpoints);
    let base = format!("http://{}", endpoints.registry);
    assert_eq!(endpoints.tsa, format!("{base}/api/v1/timestamp"));
    assert_eq!(endpoints.issuer, format!("{base}/oidc"));

    let root = json_file(&running, "trusted_root.json");
    let config = json_file(&running, "signing_config.json");
    let both = json_file(&running, "trust_config.json");
    assert_eq!(
        root["mediaType"],
        "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
    );
    assert_eq!(
        config["mediaType"],
        "application/vnd.dev.sigstore.signingconfig.v0.2+json"
    );
    assert_eq!(
        both["mediaType"],
        "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
    );
    assert_eq!(
        (&both["trustedRoot"], &both["signingConfig"]),
        (&root, &config)
    );
    assert_eq!(root["tlogs"][0]["baseUrl"], base);
    assert_eq!(root["timestampAuthorities"][0]["uri"], endpoints.tsa);
    assert_eq!(
        root["certificateAuthorities"][0]["subject"]["commonName"],
        "countersign certificate authority"
    );
    assert_eq!(config["oidcUrls"][0]["url"], endpoints.issuer);
    assert_eq!(config["tsaUrls"][0]["url"], endpoints.tsa);

    let pong = running.get("/v2/").await;
    assert!(pong.status().is_success());
    assert!(running.get("/healthz").await.status().is_success());
}

#[tokio::test]
async fn keys_are_for_the_owner_alone() {
    let running = start().await;
    let keys = running.dir.path().join("keys");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys), 0o700);
    let mut private = 0;
    for file in std::fs::read_dir(keys).unwrap() {
        let path = file.unwrap().path();
        if std::fs::read_to_string(&path).unwrap().contains("PRIVATE") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            private += 1;
        }
    }
    assert_eq!(private, 9);
    assert!(!format!("{:?}", running.issuer()).contains("PRIVATE"));
}

#[tokio::test]
async fn a_taken_port_is_said_to_be_one() {
    let running = start().await;
    let address = running.stack.endpoints().registry.parse().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let fresh = dir.path().join("fresh");
    let error = Stack::start(StackOptions::new(&fresh, address))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StackError::AddressInUse { address: a } if a == address),
        "{error}"
    );
    assert!(!fresh.exists(), "nothing is left behind");
}

#[tokio::test]
async fn a_folder_in_use_is_said_to_be_one() {
    let running = start().await;
    let before = std::fs::read(running.dir.path().join("endpoints.json")).unwrap();
    let error = Stack::start(options(running.dir.path())).await.unwrap_err();
    let expected = std::fs::canonicalize(running.dir.path()).unwrap();
    assert!(
        matches!(&error, StackError::FolderInUse { folder } if *folder == expected),
        "{error}"
    );
    assert_eq!(
        std::fs::read(running.dir.path().join("endpoints.json")).unwrap(),
        before
    );
    // The first one is none the worse for it.
    assert!(running.get("/healthz").await.status().is_success());
}

#[tokio::test]
async fn folders_and_names_that_cannot_be_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let error = Stack::start(options(&file.join("inside")))
        .await
        .unwrap_err();
    assert!(matches!(&error, StackError::File(_)), "{error}");

    for name in ["", "two words", "a\nb", "a/b"] {
        let mut options = options(dir.path());
        options.hostname = Some(name.into());
        let error = Stack::start(options).await.unwrap_err();
        assert!(matches!(&error, StackError::Hostname { .. }), "{error}");
    }
}

#[tokio::test]
async fn the_name_of_the_first_start_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.hostname = Some("sigstore.example".into());
    let stack = Stack::start(options.clone()).await.unwrap();
    assert!(
        stack
            .endpoints()
            .rekor
            .starts_with("http://sigstore.example:")
    );
    stack.shutdown().await;
    options.hostname = None;
    let error = Stack::start(options).await.unwrap_err();
    assert!(
        matches!(&error, StackError::HostnameChanged { stored, wanted }
            if stored == "sigstore.example" && wanted == "127.0.0.1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_or_changed_key_stops_the_start() {
    let Running { stack, dir, .. } = start().await;
    stack.shutdown().await;
    let path = std::fs::canonicalize(dir.path())
        .unwrap()
        .join("keys/transparency_log.pem");
    let good = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = Stack::start(options(dir.path())).await.unwrap_err();
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    // Another good key: the log was not signed by it.
    std::fs::copy(path.with_file_name("certificate_transparency.pem"), &path).unwrap();
    let error = Stack::start(options(dir.path())).await.unwrap_err();
    assert!(matches!(&error, StackError::Log(_)), "{error}");
    std::fs::write(&path, good).unwrap();
    Stack::start(options(dir.path()))
        .await
        .unwrap()
        .shutdown()
        .await;
}
