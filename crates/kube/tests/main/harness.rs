//! What the tests share: evidence in memory, a running controller, a client that trusts it alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::{Digest, ImageReference};
use countersign_kube::{Controller, ControllerOptions, EvidenceProvider};
use countersign_policy::evidence_source::{
    EvidenceSource, SignatureSource, TrustRootLookup, Undecided, Wanted,
};
use countersign_trust::{Material, PrivateKey, TrustRoot, assemble};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A registry in memory: tags, and what is attached to digests.
#[derive(Default)]
pub(crate) struct Memory {
    tags: Mutex<BTreeMap<String, Digest>>,
    attached: Mutex<BTreeMap<Digest, Vec<Material>>>,
    away: Mutex<Option<Undecided>>,
    /// How often material was asked for.
    pub(crate) asked: AtomicUsize,
}

impl Memory {
    pub(crate) fn tag(&self, image: &str, digest: Digest) {
        let name = ImageReference::parse(image).unwrap().name();
        self.tags.lock().unwrap().insert(name, digest);
    }

    pub(crate) fn attach(&self, digest: Digest, material: Material) {
        self.attached
            .lock()
            .unwrap()
            .entry(digest)
            .or_default()
            .push(material);
    }

    pub(crate) fn take_away(&self, digest: &Digest) {
        self.attached.lock().unwrap().remove(digest);
    }

    /// From now on the registry answers with this, or again as it should.
    pub(crate) fn set_away(&self, cause: Option<Undecided>) {
        *self.away.lock().unwrap() = cause;
    }

    fn here(&self) -> Result<(), Undecided> {
        self.away.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl EvidenceSource for Memory {
    fn material(
        &self,
        image: &ImageReference,
        _: &SignatureSource,
        _: Wanted,
    ) -> Result<Arc<[Material]>, Undecided> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.here()?;
        let attached = self.attached.lock().unwrap();
        Ok(image
            .digest()
            .and_then(|digest| attached.get(digest))
            .cloned()
            .unwrap_or_default()
            .into())
    }

    fn trust_root(&self, name: Option<&str>) -> Result<Arc<TrustRoot>, TrustRootLookup> {
        match name {
            None => Ok(Arc::new(TrustRoot::public_good())),
            Some(name) => Err(TrustRootLookup::NotFound(name.to_owned())),
        }
    }

    fn image_configs(&self, _: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided> {
        self.here()?;
        Ok(BTreeMap::new())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl EvidenceProvider for Memory {
    fn resolve(&self, image: &ImageReference) -> Result<Digest, Undecided> {
        self.here()?;
        let tags = self.tags.lock().unwrap();
        tags.get(&image.name())
            .copied()
            .ok_or_else(|| Undecided::Registry {
                image: image.name(),
                detail: "no such tag".to_owned(),
            })
    }

    fn public_trust_root_fingerprint(&self) -> Digest {
        TrustRoot::public_good().fingerprint()
    }
}

/// A legacy signature of `digest` by `key`.
pub(crate) fn signature(repository: &str, digest: &Digest, key: &PrivateKey) -> Material {
    let payload = assemble::simple_signing_payload(repository, digest, &BTreeMap::new());
    let signature = STANDARD.encode(key.sign(&payload).unwrap());
    let name = "dev.cosignproject.cosign/signature".to_owned();
    Material::legacy_signature(payload, &BTreeMap::from([(name, signature)])).unwrap()
}

/// A controller, its folder of policies, and a client of it.
pub(crate) struct Running {
    pub(crate) controller: Controller,
    pub(crate) folder: TempDir,
    pub(crate) client: reqwest::Client,
}

impl Running {
    /// Starts with files of these names and texts.
    pub(crate) async fn start(files: &[(&str, &str)], memory: &Arc<Memory>) -> Self {
        Self::start_with(files, memory, |_| {}).await
    }

    pub(crate) async fn start_with(
        files: &[(&str, &str)],
        memory: &Arc<Memory>,
        change: impl FnOnce(&mut ControllerOptions),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        let mut options = ControllerOptions::new(folder.path(), ([127, 0, 0, 1], 0).into());
        // Reads when it is told to.
        options.interval = Duration::from_secs(3_600);
        change(&mut options);
        let evidence: Arc<dyn EvidenceProvider> = Arc::clone(memory) as _;
        let controller = Controller::start(options, evidence).await.unwrap();
        let client = client(controller.authority_pem());
        Self {
            controller,
            folder,
            client,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.controller.address())
    }

    /// Sends a body as an API server does.
    pub(crate) async fn post(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        let request = self.client.post(self.url(path)).body(body);
        let request = request.header("content-type", "application/json");
        let request = request.header("user-agent", "kube-apiserver-admission");
        request.send().await.unwrap()
    }

    /// Sends a review and reads the answer.
    pub(crate) async fn ask(&self, path: &str, review: &Value) -> Value {
        let answer = self
            .post(&format!("{path}?timeout=10s"), review.to_string())
            .await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].clone()
    }

    /// Mutates, then validates, as the API server does. Gives the object that would be stored and the
    /// answer of the last webhook asked.
    pub(crate) async fn admit(&self, object: &Value) -> (Value, Value) {
        let mutated = self
            .ask("/mutations", &review("CREATE", object, None))
            .await;
        let object = patched(object, &mutated);
        let validated = self
            .ask("/validations", &review("CREATE", &object, None))
            .await;
        (object, validated)
    }
}

/// A client that trusts `authority` and nobody else.
pub(crate) fn client(authority: &str) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([authority])
        .no_proxy()
        .build()
        .unwrap()
}

pub(crate) fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// A review of `object`.
pub(crate) fn review(operation: &str, object: &Value, old: Option<&Value>) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "06b83823-6571-4f75-9d5a-a1a37d770afa",
            "kind": { "group": group, "version": version, "kind": object["kind"] },
            "namespace": object["metadata"]["namespace"],
            "operation": operation,
            "object": object,
            "oldObject": old,
            "dryRun": false,
        },
    })
}

/// A pod with these images.
pub(crate) fn pod(images: &[&str]) -> Value {
    let containers = images.iter().enumerate();
    let containers =
        containers.map(|(n, image)| json!({ "name": format!("c{n}"), "image": image }));
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "cart", "namespace": "shop", "labels": { "app": "cart" } },
        "spec": { "containers": containers.collect::<Vec<_>>() },
    })
}

/// A deployment of a pod.
pub(crate) fn deployment(replicas: u32, image: &str) -> Value {
    let mut template = pod(&[image]);
    let template = template.as_object_mut().unwrap();
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "cart", "namespace": "shop" },
        "spec": {
            "replicas": replicas,
            "template": { "metadata": template["metadata"], "spec": template["spec"] },
        },
    })
}

/// `object` after the patch of an answer.
pub(crate) fn patched(object: &Value, answer: &Value) -> Value {
    let mut object = object.clone();
    let Some(patch) = answer["patch"].as_str() else {
        return object;
    };
    assert_eq!(answer["patchType"], "JSONPatch");
    let operations: Value = serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap();
    for operation in operations.as_array().into_iter().flatten() {
        apply(&mut object, operation);
    }
    object
}

fn apply(object: &mut Value, operation: &Value) {
    let path = operation["path"].as_str().unwrap();
    let (parent, last) = path.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    let parent = object.pointer_mut(parent).unwrap();
    let value = operation["value"].clone();
    match (parent, operation["op"].as_str().unwrap()) {
        (Value::Object(fields), "add") => drop(fields.insert(last, value)),
        (Value::Object(fields), "replace") => *fields.get_mut(&last).unwrap() = value,
        (Value::Object(fields), "remove") => drop(fields.remove(&last).unwrap()),
        (Value::Array(items), "replace") => items[last.parse::<usize>().unwrap()] = value,
        (parent, operation) => panic!("{operation} {path} in {parent}"),
    }
}

/// A policy that one of `authorities` (YAML, one item or several) must content.
pub(crate) fn policy(name: &str, glob: &str, rest: &str, authorities: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: {name}\n\
         spec:\n  images:\n  - glob: \"{glob}\"\n{rest}  authorities:\n{authorities}"
    )
}

/// An authority with a key.
pub(crate) fn key_authority(key: &PrivateKey) -> String {
    let pem = key.public_key().to_pem().replace('\n', "\n        ");
    format!(
        "  - name: release\n    key:\n      data: |\n        {}\n",
        pem.trim_end()
    )
}

/// An authority that lets everything through.
pub(crate) const PASS: &str = "  - static:\n      action: pass\n";
