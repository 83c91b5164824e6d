//! Keys in the files of the real cosign: of every kind, to sign with and to verify by.

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_client::Secret;
use countersign_client::key_source::{KeySource, KeySourceError};
use countersign_client::material::Place;
use countersign_client::services::Services;
use countersign_client::sign::{SignRequest, SigningIdentity, sign_image};
use countersign_client::verify_image::{SignatureKinds, verify_image};
use countersign_client::verify_rules::{LogRule, Rules, WantedSigner};
use countersign_trust::{PrivateKeyError, Timestamp};

use crate::harness::signing;
use crate::shop::Shop;

fn file(name: &str) -> KeySource {
    KeySource::File(signing().join("keys").join(name))
}

fn password(name: &str) -> Secret {
    let text = std::fs::read(signing().join("keys/commands.json")).unwrap();
    let commands: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let prefix = format!("keys/{name}");
    let writes = |command: &&serde_json::Value| {
        let words = command["argv"].as_array().unwrap();
        words.iter().any(|word| word == &prefix) && command["exit"] == 0
    };
    let command = commands.as_array().unwrap().iter().find(writes).unwrap();
    Secret::new(command["env"]["COSIGN_PASSWORD"].as_str().unwrap())
}

#[tokio::test]
async fn every_kind_signs_and_is_read_back() {
    let shop = Shop::open().await;
    let image = shop.image("shop/cart:1.0").await;
    let none = Services::default();
    let mut logged = 0;
    for name in [
        "gen-v2",
        "gen-v3",
        "empty-v3",
        "p256-v3",
        "p384-v3",
        "p521-v3",
        "ed25519-v3",
        "rsa2048-v3",
    ] {
        let key = file(&format!("{name}.key"))
            .private_key(&password(name))
            .unwrap();
        let public = file(&format!("{name}.pub")).public_key().unwrap();
        let identity = SigningIdentity::Key(Box::new(key));
        let annotations = BTreeMap::from([("key".to_owned(), name.to_owned())]);
        let without = SignRequest {
            services: &none,
            ..shop.request(&identity)
        };
        sign_image(&shop.client, &image, &annotations, &without)
            .await
            .unwrap();
        // The log decides for itself which keys it takes; what it takes verifies.
        match sign_image(&shop.client, &image, &annotations, &shop.request(&identity)).await {
            Ok(_) => logged += 1,
            Err(error) => println!("{name}: {error}"),
        }
        let rules = Rules {
            log: LogRule::DangerouslyIgnored {
                now: Timestamp::now(),
            },
            annotations,
            ..Rules::strict(WantedSigner::Key(&public), Some(&shop.root))
        };
        let kinds = SignatureKinds::default();
        let verified = verify_image(&shop.client, &image, &Place::default(), &rules, kinds).await;
        verified.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(logged >= 4, "{logged}");
}

#[test]
fn what_is_wrong_with_a_key_is_said() {
    let wrong = file("gen-v3.key")
        .private_key(&Secret::new("wrong"))
        .unwrap_err();
    assert!(
        matches!(
            wrong,
            KeySourceError::Private {
                error: PrivateKeyError::WrongPassword,
                ..
            }
        ),
        "{wrong}"
    );
    for (name, private) in [
        ("gen-v3.pub", true),
        ("gen-v3.key", false),
        ("p256.pem", true),
        ("bad-garbage.pem", true),
        ("bad-garbage.pem", false),
    ] {
        let refused = match private {
            true => file(name).private_key(&Secret::new("")).map(|_| ()),
            false => file(name).public_key().map(|_| ()),
        };
        assert!(
            matches!(
                refused,
                Err(KeySourceError::Private { .. } | KeySourceError::Public { .. })
            ),
            "{name}: {refused:?}"
        );
    }
    let path = PathBuf::from("/nowhere/cosign.pub");
    let kind = std::io::ErrorKind::NotFound;
    let absent = KeySource::File(path.clone()).public_key().unwrap_err();
    assert_eq!(absent, KeySourceError::File { path, kind });
    let name = "COUNTERSIGN_TEST_NO_SUCH_KEY".to_owned();
    let absent = KeySource::parse(&format!("env://{name}"))
        .unwrap()
        .public_key()
        .unwrap_err();
    assert_eq!(absent, KeySourceError::Variable { name });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    std::fs::write(&path, vec![b'x'; 2 << 20]).unwrap();
    let large = KeySource::File(path).public_key().unwrap_err();
    assert!(matches!(large, KeySourceError::TooLarge { .. }), "{large}");
}
