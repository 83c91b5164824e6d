//! The HTTPS server: who it is, what it takes, how it ends.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::{Digest, ImageReference};
use countersign_kube::{
    Controller, ControllerOptions, EvidenceProvider, IdentityError, ServerIdentity, StartError,
    Webhook,
};
use countersign_policy::evidence_source::{
    EvidenceSource, SignatureSource, TrustRootLookup, Undecided, Wanted,
};
use countersign_trust::{Material, TrustRoot};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Memory, PASS, Running, client, pod, policy, review};

async fn start() -> Running {
    Running::start(
        &[("a.yaml", &policy("all", "**", "", PASS))],
        &Arc::new(Memory::default()),
    )
    .await
}

#[tokio::test]
async fn it_is_who_its_authority_says() {
    let running = start().await;
    let port = running.controller.address().port();
    for host in ["127.0.0.1", "localhost"] {
        let answer = running
            .client
            .get(format!("https://{host}:{port}/readiness"))
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), 200);
    }
    let bundle = STANDARD.decode(running.controller.ca_bundle()).unwrap();
    assert_eq!(bundle, running.controller.authority_pem().as_bytes());
    // Another controller's authority does not vouch for this one, and nobody speaks plain HTTP.
    let other = start().await;
    let stranger = client(other.controller.authority_pem());
    assert!(
        stranger
            .get(running.url("/readiness"))
            .send()
            .await
            .is_err()
    );
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(
        plain
            .get(format!("http://127.0.0.1:{port}/readiness"))
            .send()
            .await
            .is_err()
    );
    assert!(
        running
            .client
            .get(running.url("/readiness"))
            .send()
            .await
            .is_ok()
    );
}

fn generated(folder: &std::path::Path, names: &[&str]) -> ServerIdentity {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    ServerIdentity::Generated {
        folder: Some(folder.to_owned()),
        names,
    }
}

async fn start_as(identity: ServerIdentity) -> Result<Controller, StartError> {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ControllerOptions::new(folder.path(), ([127, 0, 0, 1], 0).into());
    options.identity = identity;
    Controller::start(options, Arc::new(Memory::default())).await
}

#[tokio::test]
async fn a_restart_keeps_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("webhook");
    let first = start_as(generated(&home, &["webhook.cosign-system.svc"]))
        .await
        .unwrap();
    let authority = first.authority_pem().to_owned();
    first.shutdown().await;
    let second = start_as(generated(&home, &[])).await.unwrap();
    assert_eq!(second.authority_pem(), authority);
    let url = format!("https://{}/readiness", second.address());
    assert_eq!(
        client(&authority).get(url).send().await.unwrap().status(),
        200
    );
    second.shutdown().await;
    let key = home.join("ca-key.pem");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // The key of another authority, no key at all, no name.
    let other = folder.path().join("other");
    start_as(generated(&other, &[]))
        .await
        .unwrap()
        .shutdown()
        .await;
    std::fs::copy(other.join("ca-key.pem"), &key).unwrap();
    let error = start_as(generated(&home, &[])).await.unwrap_err();
    assert!(
        matches!(error, StartError::Identity(IdentityError::Authority { .. })),
        "{error}"
    );
    std::fs::write(&key, "nothing").unwrap();
    let error = start_as(generated(&home, &[])).await.unwrap_err();
    assert!(
        matches!(
            error,
            StartError::Identity(IdentityError::Content { wanted: "key", .. })
        ),
        "{error}"
    );
    std::fs::remove_file(&key).unwrap();
    let error = start_as(generated(&home, &[])).await.unwrap_err();
    assert!(
        matches!(error, StartError::Identity(IdentityError::File { .. })),
        "{error}"
    );
    let error = start_as(generated(&other, &["no host\u{e9}"]))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StartError::Identity(IdentityError::Name(_))),
        "{error}"
    );
}

#[tokio::test]
async fn a_certificate_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let names = ["127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let identity = ServerIdentity::Files {
        certificate: path("cert.pem"),
        key: path("key.pem"),
        authority: path("cert.pem"),
    };
    let controller = start_as(identity.clone()).await.unwrap();
    assert_eq!(controller.authority_pem(), made.cert.pem());
    let url = format!("https://{}/readiness", controller.address());
    assert_eq!(
        client(&made.cert.pem())
            .get(url)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    controller.shutdown().await;

    let another = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(path("key.pem"), another.signing_key.serialize_pem()).unwrap();
    let error = start_as(identity.clone()).await.unwrap_err();
    assert!(
        matches!(error, StartError::Identity(IdentityError::Mismatch { .. })),
        "{error}"
    );
    std::fs::write(path("cert.pem"), "-----BEGIN NOTHING-----").unwrap();
    let error = start_as(identity).await.unwrap_err();
    assert!(
        matches!(error, StartError::Identity(IdentityError::Content { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn a_taken_port_is_said_to_be_one() {
    let running = start().await;
    let address = running.controller.address();
    let options = ControllerOptions::new(running.folder.path(), address);
    let error = Controller::start(options, Arc::new(Memory::default()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StartError::PortTaken { address: a } if a == address),
        "{error}"
    );
    assert_eq!(
        running
            .client
            .get(running.url("/health"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn what_is_no_review_is_told_so() {
    let running = start().await;
    let text = |answer: reqwest::Response| async move { answer.text().await.unwrap() };
    let answer = running.post("/nowhere", "{}").await;
    assert_eq!(answer.status(), 400);
    assert_eq!(
        text(answer).await,
        "no controller registered for: /nowhere\n"
    );
    let answer = running
        .client
        .get(running.url("/validations"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 405);
    let answer = running
        .client
        .post(running.url("/validations"))
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 415);
    for (path, body) in [
        ("/validations", ""),
        ("/validations", "{}"),
        ("/mutations", "[1"),
        ("/defaulting", "null"),
        (
            "/validating",
            "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
        ),
        (
            "/resource-conversion",
            "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
        ),
    ] {
        let answer = running.post(path, body).await;
        assert_eq!(answer.status(), 400, "{path} {body}");
        assert!(text(answer).await.starts_with("could not decode body: "));
    }
    // A kubelet asks any path, and is answered by whether we serve.
    let probe = running
        .client
        .get(running.url("/validations"))
        .header("k-kubelet-probe", "webhook");
    assert_eq!(probe.send().await.unwrap().status(), 200);
    let probe = running
        .client
        .get(running.url("/"))
        .header("user-agent", "kube-probe/1.32");
    assert_eq!(probe.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn reviews_of_a_real_size_are_read_and_larger_ones_are_refused() {
    let running = start().await;
    let mut large = pod(&[&format!("registry.example/app@{}", Digest::sha256_of(b"a"))]);
    large["metadata"]["annotations"] = json!({ "long": "x".repeat(17 << 20) });
    assert_eq!(
        running
            .ask("/validations", &review("CREATE", &large, None))
            .await["allowed"],
        true
    );
    // Too large: the answer is still one for this review.
    large["metadata"]["annotations"] = json!({ "long": "x".repeat(25 << 20) });
    let body =
        json!({ "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1" }).to_string();
    let uid = "06b83823-6571-4f75-9d5a-a1a37d770afa";
    let request = format!("\"request\":{{\"uid\":\"{uid}\",\"object\":{large}}}}}");
    let body = format!("{},{request}", body.trim_end_matches('}'));
    let answer = running.post("/validations", body).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(answer["response"]["uid"], uid);
    assert_eq!(answer["response"]["allowed"], false);
    assert_eq!(answer["response"]["status"]["code"], 413);
    let answer = running.post("/validations", "x".repeat(25 << 20)).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(
        running
            .client
            .get(running.url("/readiness"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

/// A registry that says nothing until it is told to.
struct Silent {
    asked: Mutex<mpsc::Sender<()>>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl EvidenceSource for Silent {
    fn material(
        &self,
        _: &ImageReference,
        _: &SignatureSource,
        _: Wanted,
    ) -> Result<Arc<[Material]>, Undecided> {
        Err(Undecided::Deadline)
    }

    fn trust_root(&self, _: Option<&str>) -> Result<Arc<TrustRoot>, TrustRootLookup> {
        Ok(Arc::new(TrustRoot::public_good()))
    }

    fn image_configs(&self, _: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided> {
        Err(Undecided::Deadline)
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

impl EvidenceProvider for Silent {
    fn resolve(&self, _: &ImageReference) -> Result<Digest, Undecided> {
        self.asked.lock().unwrap().send(()).unwrap();
        self.go
            .lock()
            .unwrap()
            .recv()
            .map_err(|_| Undecided::Deadline)?;
        Ok(Digest::sha256_of(b"at last"))
    }

    fn public_trust_root_fingerprint(&self) -> Digest {
        Digest::sha256_of(b"")
    }
}

fn silent() -> (Arc<Silent>, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (asked, was_asked) = mpsc::channel();
    let (go, goes) = mpsc::channel();
    (
        Arc::new(Silent {
            asked: Mutex::new(asked),
            go: Mutex::new(goes),
        }),
        was_asked,
        go,
    )
}

#[tokio::test]
async fn a_silent_registry_is_told_before_the_api_server_gives_up() {
    let (evidence, _was_asked, go) = silent();
    let folder = tempfile::tempdir().unwrap();
    let options = ControllerOptions::new(folder.path(), ([127, 0, 0, 1], 0).into());
    let controller = Controller::start(options, evidence).await.unwrap();
    let body = review("CREATE", &pod(&["registry.example/app:1"]), None).to_string();
    let time = Duration::from_millis(20);
    let answer = controller
        .admission()
        .answer(Webhook::MutateWorkload, body.as_bytes(), time)
        .await;
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert_eq!(answer["response"]["allowed"], false);
    let message = answer["response"]["status"]["message"].as_str().unwrap();
    assert!(
        message == "mutation failed: context was canceled before validation completed",
        "{message}"
    );
    drop(go);
    controller.shutdown().await;
}

#[tokio::test]
async fn what_was_asked_is_answered_before_the_end() {
    let (evidence, was_asked, go) = silent();
    let folder = tempfile::tempdir().unwrap();
    let options = ControllerOptions::new(folder.path(), ([127, 0, 0, 1], 0).into());
    let controller = Controller::start(options, evidence).await.unwrap();
    let (client, address) = (client(controller.authority_pem()), controller.address());
    let body = review("CREATE", &pod(&["registry.example/app:1"]), None).to_string();
    let asking = tokio::spawn(async move {
        let request = client.post(format!("https://{address}/mutations?timeout=30s"));
        let request = request
            .header("content-type", "application/json")
            .body(body);
        request.send().await.unwrap().bytes().await.unwrap()
    });
    tokio::task::spawn_blocking(move || was_asked.recv().unwrap())
        .await
        .unwrap();
    let ending = tokio::spawn(controller.shutdown());
    // New connections are not taken any more as soon as the end has begun.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!ending.is_finished());
    go.send(()).unwrap();
    let answer: Value = serde_json::from_slice(&asking.await.unwrap()).unwrap();
    assert_eq!(answer["response"]["allowed"], true);
    assert!(answer["response"]["patch"].is_string());
    ending.await.unwrap();
}
