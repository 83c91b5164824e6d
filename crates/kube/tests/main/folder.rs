//! Folders of policies: what is taken, what is refused and with which words.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign_kube::{
    Controller, ControllerOptions, DocumentFault, PoliciesError, PolicyFile, PolicySet,
    PolicySetOptions, StartError,
};
use countersign_policy::{NoMatch, TrustRootObjectError};

use crate::harness::{Memory, PASS, Running, pod, policy, review, write};

fn compile(texts: &[&str]) -> Result<PolicySet, (DocumentFault, String)> {
    let file = |(number, text): (usize, &&str)| PolicyFile {
        path: format!("policies/{number}.yaml").into(),
        text: (*text).to_owned(),
    };
    let files: Vec<_> = texts.iter().enumerate().map(file).collect();
    PolicySet::compile(&files, &PolicySetOptions::default()).map_err(|error| {
        let words = error.to_string();
        (error.fault, words)
    })
}

fn good() -> String {
    policy("good", "**", "", PASS)
}

#[test]
fn every_document_of_every_file_counts() {
    let two = format!(
        "{}---\n\n---\n{}",
        good(),
        policy("second", "**", "  mode: warn\n", PASS)
    );
    let configuration = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-policy-controller}\n\
                         data: {no-match-policy: allow, _example: \"...\"}\n";
    let set = compile(&[&two, configuration]).unwrap();
    let names: Vec<_> = set.policies().iter().map(|policy| policy.name()).collect();
    assert_eq!(names, ["good", "second"]);
    assert_eq!(set.no_match(), NoMatch::Allow);
    let unknown = configuration.replace("allow", "perhaps");
    assert_eq!(compile(&[&unknown]).unwrap().no_match(), NoMatch::Deny);
    assert_eq!(compile(&[]).unwrap().policies().len(), 0);
}

#[test]
fn the_fingerprint_tells_sets_apart() {
    let fingerprint = |texts: &[&str]| compile(texts).unwrap().fingerprint();
    let base = fingerprint(&[&good()]);
    assert_eq!(base, fingerprint(&[&good()]));
    assert_ne!(base, fingerprint(&[&good().replace("pass", "fail")]));
    assert_ne!(base, fingerprint(&[]));
    let configuration = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-policy-controller}\n\
                         data: {no-match-policy: warn}\n";
    assert_ne!(base, fingerprint(&[&good(), configuration]));
}

#[test]
fn what_is_refused_says_where() {
    let broken = |text: &str, wanted: fn(&DocumentFault) -> bool, words: &[&str]| {
        let (fault, said) = compile(&[&good(), text]).unwrap_err();
        assert!(wanted(&fault), "{fault:?}");
        assert!(said.starts_with("policies/1.yaml:"), "{said}");
        for word in words {
            assert!(said.contains(word), "{said}");
        }
        assert!(
            !said.contains('\n') || matches!(fault, DocumentFault::Invalid(_)),
            "{said}"
        );
    };
    let other = |change: &dyn Fn(String) -> String| change(policy("other", "**", "", PASS));
    broken(
        "a: [1\nb: 2",
        |fault| matches!(fault, DocumentFault::Yaml(_)),
        &["1.yaml:"],
    );
    broken(
        "- 1",
        |fault| matches!(fault, DocumentFault::NoKind),
        &["apiVersion"],
    );
    broken(
        &format!(
            "{}---\napiVersion: apps/v1\nkind: Deployment\n",
            other(&|text| text)
        ),
        |fault| matches!(fault, DocumentFault::Kind { .. }),
        &["document 2", "apps/v1, Kind=Deployment"],
    );
    broken(
        &other(&|text| text.replace("v1beta1", "v2")),
        |fault| matches!(fault, DocumentFault::Kind { .. }),
        &["policy.sigstore.dev/v2"],
    );
    broken(
        &other(&|text| text.replace("name: other", "labels: {}")),
        |fault| matches!(fault, DocumentFault::NoName),
        &["1.yaml:3:1", "metadata.name"],
    );
    broken(
        &good(),
        |fault| matches!(fault, DocumentFault::Twice { .. }),
        &["policies/0.yaml", "good"],
    );
    // The field, and the line it stands in.
    broken(
        &other(&|text| text.replace("action: pass", "action: pass\n      acton: x")),
        |fault| matches!(fault, DocumentFault::Decode(_)),
        &[
            "1.yaml:11:7",
            "ClusterImagePolicy `other`",
            "spec.authorities[0].static.acton",
        ],
    );
    broken(
        &other(&|text| text.replace("action: pass", "action: [pass]")),
        |fault| matches!(fault, DocumentFault::Decode(_)),
        &["1.yaml:10:7", "a string"],
    );
    broken(
        &other(&|text| text.replace("**", "[")),
        |fault| matches!(fault, DocumentFault::Invalid(_)),
        &["spec.images[0].glob"],
    );
    broken(
        &other(&|text| text.replace("static:\n      action: pass", "name: x")),
        |fault| matches!(fault, DocumentFault::Invalid(_)),
        &["expected exactly one, got neither"],
    );
}

#[test]
fn broken_rules_are_refused_with_their_place() {
    let rule = |language: &str, text: &str| {
        let rest = format!("  policy:\n    type: {language}\n    data: |\n      {text}\n");
        policy("ruled", "**", &rest, PASS)
    };
    for (language, good, broken) in [
        (
            "rego",
            "package sigstore\n      isCompliant = true",
            "package sigstore\n      isCompliant {",
        ),
        ("cue", "spec: replicas: <5", "spec: {"),
        (
            "cue",
            "import \"strings\"\n      spec: name: strings.ToLower(\"Cart\")",
            "import \"net/http\"",
        ),
    ] {
        compile(&[&rule(language, good)]).unwrap();
        let (fault, said) = compile(&[&rule(language, broken)]).unwrap_err();
        assert!(
            matches!(&fault, DocumentFault::Policy(faults) if faults.len() == 1),
            "{fault:?}"
        );
        assert!(
            said.contains("ClusterImagePolicy `ruled`: policy:"),
            "{said}"
        );
    }
    let attestation = "    attestations:\n    - name: sbom\n      predicateType: https://spdx.dev/Document\n      \
                       policy: {type: rego, data: \"package sigstore {\"}\n";
    let (_, said) = compile(&[&policy(
        "attested",
        "**",
        "",
        &format!("{KEYLESS}{attestation}"),
    )])
    .unwrap_err();
    assert!(said.contains("sbom"), "{said}");
}

#[test]
fn references_must_be_in_the_folder() {
    let keyed = policy(
        "keyed",
        "**",
        "",
        "  - key: {secretRef: {name: release-key}}\n",
    );
    let (fault, said) = compile(&[&keyed]).unwrap_err();
    assert!(matches!(fault, DocumentFault::Policy(_)), "{fault:?}");
    assert!(said.contains("secret \"release-key\" not found"), "{said}");
    let key = countersign_trust::PrivateKey::generate().unwrap();
    let pem = serde_json::Value::from(key.public_key().to_pem());
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: release-key, namespace: cosign-system}}\nstringData: {{key: {pem}}}\n"
    );
    compile(&[&keyed, &secret]).unwrap();
    let elsewhere = secret.replace("cosign-system", "shop");
    let (fault, said) = compile(&[&keyed, &elsewhere]).unwrap_err();
    assert!(matches!(fault, DocumentFault::Namespace { .. }), "{said}");
    let two = secret.replace("stringData: {", "stringData: {other: x, ");
    assert!(
        compile(&[&keyed, &two])
            .unwrap_err()
            .1
            .contains("multiple data entries")
    );
    let garbled = secret.replace("stringData: {key", "data: {key");
    let (fault, said) = compile(&[&keyed, &garbled]).unwrap_err();
    assert!(matches!(fault, DocumentFault::Field { .. }), "{said}");

    let ruled = policy(
        "ruled",
        "**",
        "  policy: {type: rego, configMapRef: {name: rules, key: web}}\n",
        PASS,
    );
    assert!(
        compile(&[&ruled])
            .unwrap_err()
            .1
            .contains("configmap \"rules\" not found")
    );
    let rules = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules}\ndata: {web: \"package sigstore\\nisCompliant = true\"}\n";
    compile(&[&ruled, rules]).unwrap();
    assert!(compile(&[&ruled, &rules.replace("web", "api")]).is_err());

    let remote =
        "  policy: {type: cue, remote: {url: \"https://example.com/x.cue\", sha256sum: abc}}\n";
    let (fault, said) = compile(&[&policy("remote", "**", remote, PASS)]).unwrap_err();
    assert!(matches!(fault, DocumentFault::RemoteRule { .. }), "{said}");
}

const KEYLESS: &str = "  - name: people\n    keyless:\n      url: https://fulcio.example\n      identities:\n      \
                       - {issuer: https://issuer.example, subject: ada@example.com}\n";

#[test]
fn trust_roots_are_keys_in_the_folder() {
    let named = policy(
        "named",
        "**",
        "",
        &KEYLESS.replace("url:", "trustRootRef: own\n      url:"),
    );
    let (fault, said) = compile(&[&named]).unwrap_err();
    assert!(
        matches!(&fault, DocumentFault::NoTrustRoot { name, .. } if name == "own"),
        "{said}"
    );
    assert!(
        said.contains("spec.authorities[0].keyless.trustRootRef"),
        "{said}"
    );

    let reviews = countersign_testkit::fixtures::folder("admission");
    let review = std::fs::read(reviews.join("119-trustroot-create-validate.json")).unwrap();
    let review: serde_json::Value = serde_json::from_slice(&review).unwrap();
    let mut root = review["request"]["object"].clone();
    root["metadata"] = serde_json::json!({ "name": "own" });
    let text = root.to_string();
    // What the API server was told is no certificate; `registry` has a root that is one.
    let (fault, said) = compile(&[&named, &text]).unwrap_err();
    let expected = matches!(
        fault,
        DocumentFault::TrustRoot(TrustRootObjectError::Chain { .. })
    );
    assert!(expected && said.contains("TrustRoot `own`"), "{said}");
    let tuf = "apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: own}\n\
               spec: {remote: {mirror: \"https://tuf.example\", root: e30=}}\n";
    let (fault, said) = compile(&[tuf]).unwrap_err();
    assert!(matches!(fault, DocumentFault::Invalid(_)), "{said}");
    let signed = tuf.replace("e30=", "eyJzaWduYXR1cmVzIjpbXX0=");
    let (fault, said) = compile(&[&signed]).unwrap_err();
    let expected = DocumentFault::TrustRoot(TrustRootObjectError::Repository("remote"));
    assert_eq!(fault, expected, "{said}");
}

#[test]
fn folders_and_files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| PolicySet::read(path, &PolicySetOptions::default()).unwrap_err();
    let absent = folder.path().join("absent");
    assert_eq!(
        read(&absent),
        PoliciesError::Folder {
            folder: absent.clone(),
            kind: std::io::ErrorKind::NotFound,
        }
    );
    let file = folder.path().join("latin.yaml");
    std::fs::write(&file, b"\xe9").unwrap();
    assert_eq!(
        read(folder.path()),
        PoliciesError::NotText { file: file.clone() }
    );
    let large = std::fs::File::create(&file).unwrap();
    large.set_len(17 << 20).unwrap();
    assert!(matches!(
        read(folder.path()),
        PoliciesError::TooLarge { .. }
    ));
    std::fs::remove_file(&file).unwrap();
    // Left alone: what a mounted ConfigMap has besides, and what is no policy.
    std::fs::create_dir(folder.path().join("..data.yaml")).unwrap();
    std::fs::create_dir(folder.path().join("more.yaml")).unwrap();
    write(
        folder.path(),
        &[
            ("README.md", "no: [policy"),
            (".hidden.yaml", "no: [policy"),
            ("a.yml", &good()),
        ],
    );
    let set = PolicySet::read(folder.path(), &PolicySetOptions::default()).unwrap();
    assert_eq!(set.policies().len(), 1);
}

#[tokio::test]
async fn a_broken_folder_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a.yaml", "kind: [")]);
    let options = ControllerOptions::new(folder.path(), ([127, 0, 0, 1], 0).into());
    let error = Controller::start(options, Arc::new(Memory::default()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StartError::Policies(PoliciesError::Document(_))),
        "{error}"
    );
}

#[tokio::test]
async fn changes_are_taken_up_and_broken_ones_are_not() {
    let memory = Arc::new(Memory::default());
    let running = Running::start(&[("a.yaml", &good())], &memory).await;
    let digest = countersign_artifact::Digest::sha256_of(b"image");
    let review = review(
        "CREATE",
        &pod(&[&format!("registry.example/app@{digest}")]),
        None,
    );
    assert_eq!(running.ask("/validations", &review).await["allowed"], true);

    write(
        running.folder.path(),
        &[("a.yaml", &good().replace("pass", "fail"))],
    );
    running.controller.reload().await.unwrap();
    assert_eq!(running.ask("/validations", &review).await["allowed"], false);
    let before = running.controller.policies().fingerprint();

    write(running.folder.path(), &[("b.yaml", "kind: [")]);
    let error = running.controller.reload().await.unwrap_err();
    assert!(error.to_string().contains("b.yaml"), "{error}");
    let states = running.controller.states();
    assert_eq!(states.borrow().error.as_deref(), Some(&*error));
    assert_eq!(states.borrow().in_force, before);
    assert_eq!(running.ask("/validations", &review).await["allowed"], false);

    std::fs::remove_file(running.folder.path().join("b.yaml")).unwrap();
    write(running.folder.path(), &[("a.yaml", &good())]);
    running.controller.reload().await.unwrap();
    assert_eq!(states.borrow().error, None);
    assert_eq!(running.ask("/validations", &review).await["allowed"], true);
    running.controller.shutdown().await;
}

#[tokio::test]
async fn changes_are_noticed() {
    let memory = Arc::new(Memory::default());
    let running = Running::start_with(&[("a.yaml", &good())], &memory, |options| {
        options.interval = Duration::from_millis(5);
    })
    .await;
    let mut states = running.controller.states();
    write(
        running.folder.path(),
        &[("b.yaml", &policy("second", "**", "", PASS))],
    );
    // A half-written file may be seen first, and then the whole.
    states
        .wait_for(|state| state.policies == 2 && state.error.is_none())
        .await
        .unwrap();
    std::fs::remove_dir_all(running.folder.path()).unwrap();
    states
        .wait_for(|state| state.error.is_some())
        .await
        .unwrap();
    assert_eq!(running.controller.policies().policies().len(), 2);
    running.controller.shutdown().await;
}
