//! The whole way with nothing in memory: an image in a registry, signed by a workflow, judged by a
//! controller that asks the registry.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::{ImageReference, media_type};
use countersign_client::Secret;
use countersign_client::evidence::RegistryEvidence;
use countersign_client::identity_token::IdentityToken;
use countersign_client::image_source::{Layout, LayoutWriter, push_layout};
use countersign_client::material::Place;
use countersign_client::registry::{Client, ClientOptions};
use countersign_client::services::Services;
use countersign_client::sign::{Destination, SignRequest, SigningIdentity, sign_image};
use countersign_kube::{Controller, ControllerOptions};
use countersign_stack::{Stack, StackOptions, token};
use countersign_trust::{PublicKey, SigningConfig, Timestamp, TrustRoot};
use serde_json::{Value, json};

use crate::harness::{Running, client, pod, policy, write};

/// Pushes an image whose only layer is `content`.
async fn push(registry: &Client, image: &ImageReference, content: &str) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("layout");
    let mut layout = LayoutWriter::create(&place).unwrap();
    let layer = layout
        .add_blob(media_type::OCI_LAYER, content.as_bytes())
        .unwrap();
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": [layer.digest.to_string()] },
    });
    let config = layout
        .add_blob(media_type::OCI_CONFIG, config.to_string().as_bytes())
        .unwrap();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer],
    });
    let manifest = manifest.to_string();
    layout
        .add_manifest(media_type::OCI_MANIFEST, manifest.as_bytes(), Some("1"))
        .unwrap();
    layout.finish().unwrap();
    push_layout(registry, &Layout::open(&place).unwrap(), image)
        .await
        .unwrap();
}

/// The stack's trust root as an object of the cluster.
fn trust_root(folder: &Path) -> String {
    let root: Value =
        serde_json::from_slice(&std::fs::read(folder.join("trusted_root.json")).unwrap()).unwrap();
    let chain = |authority: &Value| {
        let certificates = authority["certChain"]["certificates"]
            .as_array()
            .unwrap()
            .iter();
        let pem = certificates.map(|certificate| {
            let body = certificate["rawBytes"].as_str().unwrap();
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        });
        json!({
            "subject": authority["subject"], "uri": authority["uri"],
            "certChain": STANDARD.encode(pem.collect::<String>()),
        })
    };
    let log = |log: &Value| {
        let der = STANDARD
            .decode(log["publicKey"]["rawBytes"].as_str().unwrap())
            .unwrap();
        let pem = PublicKey::from_spki_der(&der).unwrap().to_pem();
        json!({
            "baseURL": log["baseUrl"], "hashAlgorithm": "sha-256", "publicKey": STANDARD.encode(pem),
        })
    };
    let all = |list: &str, make: &dyn Fn(&Value) -> Value| {
        root[list]
            .as_array()
            .unwrap()
            .iter()
            .map(make)
            .collect::<Vec<_>>()
    };
    json!({
        "apiVersion": "policy.sigstore.dev/v1alpha1", "kind": "TrustRoot",
        "metadata": { "name": "own" },
        "spec": { "sigstoreKeys": {
            "certificateAuthorities": all("certificateAuthorities", &chain),
            "timestampAuthorities": all("timestampAuthorities", &chain),
            "tLogs": all("tlogs", &log),
            "ctLogs": all("ctlogs", &log),
        } },
    })
    .to_string()
}

#[tokio::test]
async fn an_image_signed_by_the_release_workflow_and_one_signed_by_another() {
    let home = tempfile::tempdir().unwrap();
    let stack = Stack::start(StackOptions::new(home.path(), ([127, 0, 0, 1], 0).into()));
    let stack = stack.await.unwrap();
    let read = |name: &str| std::fs::read(home.path().join(name)).unwrap();
    let config = SigningConfig::parse(&read("signing_config.json")).unwrap();
    let services = Services::of_signing_config(&config, Timestamp::now()).unwrap();
    let root = TrustRoot::parse(&read("trusted_root.json")).unwrap();
    let registry = Client::new(ClientOptions::default()).unwrap();
    let image = |tag: &str| format!("{}/acme/shop/cart:{tag}", stack.endpoints().registry);
    for (tag, repository) in [
        ("1", "acme/shop"),
        ("fork", "mallory/shop"),
        ("unsigned", ""),
    ] {
        let reference = ImageReference::parse(&image(tag)).unwrap();
        push(&registry, &reference, tag).await;
        if repository.is_empty() {
            continue;
        }
        let workflow = token::GithubWorkflow::new(repository);
        let token = token::github_workflow(stack.dir(), &workflow).unwrap();
        let token = IdentityToken::parse(Secret::new(token)).unwrap();
        let request = SignRequest {
            identity: &SigningIdentity::Keyless { token },
            services: &services,
            trust_root: Some(&root),
            destination: Destination::Registry(Place::default()),
        };
        sign_image(&registry, &reference, &BTreeMap::new(), &request)
            .await
            .unwrap();
    }

    // The trust root is an object in the folder; the public one knows nobody here.
    let authority = format!(
        "  - name: release\n    signatureFormat: bundle\n    keyless:\n      url: {}\n      trustRootRef: own\n      \
         identities:\n      - issuer: {}\n        subject: {}\n    ctlog: {{trustRootRef: own}}\n",
        stack.endpoints().fulcio,
        stack.endpoints().issuer,
        token::GithubWorkflow::new("acme/shop").identity(),
    );
    let release = policy(
        "release",
        &format!("{}/acme/**", stack.endpoints().registry),
        "",
        &authority,
    );
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("release.yaml", &release),
            ("own.json", &trust_root(home.path())),
        ],
    );
    let runtime = tokio::runtime::Handle::current();
    let evidence = RegistryEvidence::new(registry, runtime, TrustRoot::public_good());
    let options = ControllerOptions::new(folder.path(), ([127, 0, 0, 1], 0).into());
    let controller = Controller::start(options, Arc::new(evidence))
        .await
        .unwrap();
    let client = client(controller.authority_pem());
    let running = Running {
        controller,
        folder,
        client,
    };

    let (stored, answer) = running.admit(&pod(&[&image("1")])).await;
    assert_eq!(answer["allowed"], true, "{answer}");
    let pinned = stored["spec"]["containers"][0]["image"].as_str().unwrap();
    assert!(
        pinned.starts_with(&format!("{}@sha256:", image("1"))),
        "{pinned}"
    );
    for (tag, reason) in [
        ("fork", "no matching CertificateIdentity found"),
        ("unsigned", "no signatures found"),
    ] {
        let (_, answer) = running.admit(&pod(&[&image(tag)])).await;
        assert_eq!(answer["allowed"], false, "{answer}");
        let message = answer["status"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(
                "validation failed: failed policy: release: spec.containers[0].image\n"
            )
        );
        assert!(message.contains(reason), "{message}");
    }
    let (stored, answer) = running.admit(&pod(&[&image("never-pushed")])).await;
    assert_eq!(
        stored["spec"]["containers"][0]["image"],
        image("never-pushed")
    );
    assert_eq!(answer["allowed"], false);

    // A registry that is down is not an unsigned image; what is known stays known.
    stack.shutdown().await;
    let known = crate::harness::review("CREATE", &pod(&[pinned]), None);
    assert_eq!(running.ask("/validations", &known).await["allowed"], true);
    let unknown = pinned.replace("/cart:1@", "/basket:1@");
    let unknown = crate::harness::review("CREATE", &pod(&[&unknown]), None);
    let answer = running.ask("/validations", &unknown).await;
    assert_eq!(answer["allowed"], false);
    let message = answer["status"]["message"].as_str().unwrap();
    assert!(!message.contains("no signatures found"), "{message}");
}
