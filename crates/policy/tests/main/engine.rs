//! What the engine does where upstream has no answer, or a wrong one: each case is a good one with one
//! thing broken.

use std::sync::Arc;

use countersign_artifact::ImageReference;
use countersign_policy::policy::FaultKind;
use countersign_policy::wire::{ClusterImagePolicy, Object, TrustRoot, UnknownFields};
use countersign_policy::{
    Decision, InMemoryReferences, NoMatch, Policy, Undecided, Verdict, Workload, evaluate,
    evaluate_written, results, yaml,
};
use serde_json::Value;

use crate::layouts::{HOST, Layouts};

const SIGNED: &str =
    "shop/signed@sha256:14d0303c85160a1d52e942ad8c85909c81aabcb2be57fd6a16bec2a6b99498ef";
const KEYLESS: &str =
    "shop/kl-ok@sha256:f7d0daa76ff7fb156715599771b86be01bbf97cbd230d70708ca2a2002898487";
const STAMPED: &str =
    "shop/kl-tsa@sha256:283ff38b0d4e58561bddcccb708e1c0a9f1096b2a854fe0c1a999f186b6f5f05";
const BUNDLE: &str =
    "shop/bundlekey@sha256:f91baa00c23d280f910529ab125eab3b15acab1f8135ab66cfd4006c9d35c145";
const UNSIGNED: &str =
    "shop/unsigned@sha256:01174bc3810e06dc97e07a03a65015e04c5f5f1b9cfd3139c84db230911378a1";
const P384: &str =
    "shop/p384@sha256:2249f6ee6a99b5c9487cab1e1d8893fffc0325ab06c45a40114d70c5a06215b0";
const ED25519: &str =
    "shop/ed25519@sha256:4b94bec5ad578ca420b2d8f38dff5d117b6ad19bde929bb16b3ebfe54bda7f37";
const RSA: &str =
    "shop/rsa@sha256:9d7c4ff578a72ba1741de2c710d23066e38107637ce2e59fb3a7c6cda4d760f6";

/// A policy with these authorities (YAML, indented by two), about every image.
fn policy(name: &str, rest: &str) -> Policy {
    policy_with(name, rest, &InMemoryReferences::default())
}

fn policy_with(name: &str, rest: &str, references: &InMemoryReferences) -> Policy {
    let text = format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}}}\nspec:\n{rest}"
    );
    let object = Object::identify(yaml::parse(&text).unwrap()[0].to_value()).unwrap();
    let policy = ClusterImagePolicy::decode(&object, UnknownFields::Refuse).unwrap();
    Policy::compile(&policy, references)
}

fn key(name: &str) -> String {
    let folder = countersign_testkit::fixtures::folder("policy").join("verdicts/keys");
    std::fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap()
}

/// `{data: ..., more}` as a flow mapping.
fn key_authority(name: &str, more: &str) -> String {
    let data = Value::from(key(name));
    format!(
        "  images: [{{glob: '**'}}]\n  authorities:\n  - name: a\n    key: {{data: {data}{more}}}\n"
    )
}

const IDENTITY: &str = "identities: [{issuer: 'https://token.actions.githubusercontent.com', subjectRegExp: '^https://github.com/example/app/'}]";

fn keyless(more: &str, beside: &str) -> String {
    format!(
        "  images: [{{glob: '**'}}]\n  authorities:\n  - name: ci\n    keyless: {{url: 'https://fulcio.test', {IDENTITY}{more}}}\n{beside}"
    )
}

fn evidence(roots: &[&str]) -> Layouts {
    let folder = countersign_testkit::fixtures::folder("policy").join("verdicts");
    let mut evidence = Layouts::read(&folder.join("images"));
    for name in roots {
        let text = std::fs::read_to_string(folder.join(format!("trustroots/{name}.yaml"))).unwrap();
        let object = Object::identify(yaml::parse(&text).unwrap()[0].to_value()).unwrap();
        let root = TrustRoot::decode(&object, UnknownFields::Refuse).unwrap();
        evidence
            .trust_roots
            .insert(root.name.clone(), Arc::new(root.to_trust_root().unwrap()));
    }
    evidence
}

fn image(place: &str) -> ImageReference {
    ImageReference::parse(&format!("{HOST}/{place}")).unwrap()
}

fn ask(policy: &Policy, place: &str, evidence: &Layouts) -> Verdict {
    evaluate(
        [policy],
        &image(place),
        &Workload::default(),
        evidence,
        NoMatch::Deny,
    )
}

/// Asks, and gives the reasons of the only policy.
fn refused(policy: &Policy, place: &str, evidence: &Layouts) -> String {
    let verdict = ask(policy, place, evidence);
    assert_eq!(verdict.decision, Decision::Reject, "{verdict:?}");
    verdict.policies[0].errors.join("; ")
}

fn admitted(policy: &Policy, place: &str, evidence: &Layouts) -> Verdict {
    let verdict = ask(policy, place, evidence);
    assert_eq!(verdict.decision, Decision::Admit, "{verdict:?}");
    verdict
}

#[test]
fn keys_sign_with_the_hash_that_the_policy_names() {
    let evidence = evidence(&[]);
    admitted(
        &policy("p", &key_authority("p384", ", hashAlgorithm: ' SHA384 '")),
        P384,
        &evidence,
    );
    assert!(refused(&policy("p", &key_authority("p384", "")), P384, &evidence).contains("ASN.1"));
    admitted(
        &policy("p", &key_authority("ed25519", "")),
        ED25519,
        &evidence,
    );
    admitted(&policy("p", &key_authority("rsa", "")), RSA, &evidence);
    let wrong = refused(
        &policy("p", &key_authority("rsa", ", hashAlgorithm: sha512")),
        RSA,
        &evidence,
    );
    assert!(
        wrong.ends_with("no matching signatures: crypto/rsa: verification error"),
        "{wrong}"
    );
    for hash in ["sha224", "md5"] {
        let policy = policy(
            "p",
            &key_authority("release", &format!(", hashAlgorithm: {hash}")),
        );
        assert!(matches!(
            policy.faults()[0].kind,
            FaultKind::HashAlgorithm(_)
        ));
        refused(&policy, SIGNED, &evidence);
    }
}

#[test]
fn a_bundle_is_a_signature_like_any_other() {
    let evidence = evidence(&[]);
    admitted(
        &policy("p", &key_authority("release", "")),
        BUNDLE,
        &evidence,
    );
    let bundle = "    signatureFormat: bundle\n";
    let of_bundle = policy("p", &(key_authority("release", "") + bundle));
    admitted(&of_bundle, BUNDLE, &evidence);
    let legacy = refused(&of_bundle, SIGNED, &evidence);
    assert!(legacy.ends_with("no signatures found"), "{legacy}");
    let stranger = policy("p", &(key_authority("stranger", "") + bundle));
    refused(&stranger, BUNDLE, &evidence);
}

#[test]
fn a_registry_that_is_away_is_not_an_unsigned_image() {
    let mut evidence = evidence(&[]);
    evidence.is_away = true;
    let verdict = ask(
        &policy("p", &key_authority("release", "")),
        SIGNED,
        &evidence,
    );
    assert_eq!(verdict.decision, Decision::Undecided);
    assert!(matches!(
        verdict.policies[0].undecided[..],
        [Undecided::Registry { .. }]
    ));
    assert!(
        verdict.policies[0].errors[0]
            .starts_with("signature key validation failed for authority a")
    );
    // Another authority needs no registry.
    let either = key_authority("release", "") + "  - {name: b, static: {action: pass}}\n";
    let verdict = admitted(&policy("p", &either), SIGNED, &evidence);
    assert_eq!(
        verdict.policies[0].undecided.len(),
        1,
        "so that no cache keeps the verdict"
    );
    // One refusal is enough, whatever could not be judged.
    let (fails, asks) = (
        policy(
            "never",
            "  images: [{glob: '**'}]\n  authorities: [{static: {action: fail, message: m}}]\n",
        ),
        policy("asks", &key_authority("release", "")),
    );
    let verdict = evaluate(
        [&asks, &fails],
        &image(SIGNED),
        &Workload::default(),
        &evidence,
        NoMatch::Deny,
    );
    assert_eq!(verdict.decision, Decision::Reject);
}

#[test]
fn each_place_is_asked_once() {
    let evidence = evidence(&[]);
    let policies =
        ["release", "audit", "stranger"].map(|name| policy(name, &key_authority(name, "")));
    let verdict = evaluate(
        &policies,
        &image(SIGNED),
        &Workload::default(),
        &evidence,
        NoMatch::Deny,
    );
    assert_eq!((verdict.policies.len(), evidence.asked.get()), (3, 1));
}

#[test]
fn a_certificate_counts_while_it_is_valid_or_at_a_proven_time() {
    let mut evidence = evidence(&["private"]);
    let now = policy("now", &keyless(", trustRootRef: private", ""));
    let verdict = admitted(&now, KEYLESS, &evidence);
    let signature = &results(&verdict)["now"].authority_matches["ci"].signatures[0];
    assert_eq!(
        signature.issuer,
        "https://token.actions.githubusercontent.com"
    );
    assert!(
        signature
            .subject
            .starts_with("https://github.com/example/app/")
    );
    assert_eq!(signature.id.len(), 64);
    let stamp = "    rfc3161timestamp: {trustRootRef: private}\n";
    let stamped = policy("stamped", &keyless(", trustRootRef: private", stamp));
    admitted(&stamped, STAMPED, &evidence);
    let missing = refused(&stamped, KEYLESS, &evidence);
    assert!(
        missing.ends_with("expected a signed timestamp to verify an expired certificate"),
        "{missing}"
    );
    // Before it was issued: only the proven time helps.
    evidence.now = "2001-01-01T00:00:00Z".parse().unwrap();
    refused(&now, KEYLESS, &evidence);
    admitted(&stamped, STAMPED, &evidence);
}

#[test]
fn nobody_is_not_anybody() {
    let evidence = evidence(&["private"]);
    let rest = "  images: [{glob: '**'}]\n  authorities: [{name: ci, keyless: {url: 'https://f.test', trustRootRef: private}}]\n";
    let nobody = policy("p", rest);
    assert_eq!(nobody.faults()[0].kind, FaultKind::NoIdentities);
    refused(&nobody, KEYLESS, &evidence);
    let other = keyless(", trustRootRef: private", "").replace("example/app", "example/other");
    let words = refused(&policy("p", &other), KEYLESS, &evidence);
    assert!(
        words.contains("none of the expected identities matched"),
        "{words}"
    );
}

#[test]
fn a_log_that_is_asked_must_know_the_signature() {
    let evidence = evidence(&["private", "wrong-log"]);
    let logged = |root: &str| {
        let log = format!("    ctlog: {{trustRootRef: {root}}}\n");
        policy("p", &keyless(", trustRootRef: private", &log))
    };
    let entry =
        "shop/kl-set@sha256:ed20c87305ec548e4cf04a6e650bb75ba4bf543e84b7ae435cb1018b43969bbc";
    admitted(&logged("private"), entry, &evidence);
    refused(&logged("wrong-log"), entry, &evidence);
    refused(&logged("private"), KEYLESS, &evidence);
    // Without a TrustRoot the public log is asked, and `ctlog: {}` asks as well.
    for beside in ["", "    ctlog: {}\n"] {
        let words = refused(&policy("p", &keyless("", beside)), KEYLESS, &evidence);
        assert!(
            words.contains("signature not found in transparency log"),
            "{words}"
        );
    }
}

#[test]
fn ignoring_the_sct_shows_in_the_verdict() {
    let evidence = evidence(&["private"]);
    let image =
        "shop/kl-nosct@sha256:8d5c8972ecadeb05ce7e421996a8e9998e45df2cdb2d38f9b9af19867faa8a3f";
    refused(
        &policy("p", &keyless(", trustRootRef: private", "")),
        image,
        &evidence,
    );
    let ignoring = policy(
        "p",
        &keyless(", trustRootRef: private, insecureIgnoreSCT: true", ""),
    );
    let verdict = admitted(&ignoring, image, &evidence);
    assert!(
        !results(&verdict)["p"].authority_matches["ci"]
            .weakened
            .is_empty()
    );
}

#[test]
fn what_is_broken_denies() {
    let evidence = evidence(&[]);
    let pass = "  authorities: [{static: {action: pass}}]\n";
    // A pattern that cannot be read: upstream refuses every image, and so does this policy, even if it
    // only warns.
    for mode in ["enforce", "warn"] {
        let rest = format!("  images: [{{glob: 'gcr.io/ex$'}}]\n  mode: {mode}\n{pass}");
        let words = refused(&policy("p", &rest), UNSIGNED, &evidence);
        assert!(words.contains("invalid glob"), "{words}");
    }
    let selector = format!(
        "  images: [{{glob: '**'}}]\n  match: [{{version: v1, resource: pods, selector: {{matchExpressions: [{{key: a, operator: in}}]}}}}]\n{pass}"
    );
    refused(&policy("p", &selector), UNSIGNED, &evidence);
    let no_authorities = policy("p", "  images: [{glob: '**'}]\n  authorities: []\n");
    assert_eq!(
        refused(&no_authorities, UNSIGNED, &evidence),
        "failed to process policy: p"
    );
    let broken = [
        "{key: {kms: 'gcpkms://k'}}",
        "{key: {data: nonsense}}",
        "{key: {secretRef: {name: nope}}}",
        "{static: {action: Pass}}",
        "{name: x}",
        "{keyless: {ca-cert: {data: x}}}",
        "{static: {action: pass}, source: [{oci: 'registry.test'}]}",
        "{static: {action: pass}, source: [{oci: 'https://registry.test/a/b'}]}",
        "{static: {action: pass}, source: [{oci: 'a.test/b'}, {oci: 'a.test/c'}]}",
        "{static: {action: pass}, key: {data: x}}",
    ];
    for authority in broken {
        let policy = policy(
            "p",
            &format!("  images: [{{glob: '**'}}]\n  authorities: [{authority}]\n"),
        );
        assert!(!policy.faults().is_empty(), "{authority}");
        refused(&policy, UNSIGNED, &evidence);
    }
    let rule =
        format!("  images: [{{glob: '**'}}]\n{pass}  policy: {{type: rego, data: 'package'}}\n");
    let words = refused(&policy("p", &rule), UNSIGNED, &evidence);
    assert!(
        words.starts_with("failed evaluating rego policy for type ClusterImagePolicy: "),
        "{words}"
    );
}

#[test]
fn secrets_have_exactly_one_key() {
    let evidence = evidence(&[]);
    let secret = |entries: &[(&str, &str)]| {
        let data = entries.iter();
        let data = data
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let mut references = InMemoryReferences::default();
        references.secrets.insert("s".to_owned(), data);
        references
    };
    let rest = "  images: [{glob: '**'}]\n  authorities: [{key: {secretRef: {name: s}}}]\n";
    let good = secret(&[("cosign.pub", &key("release"))]);
    admitted(&policy_with("p", rest, &good), SIGNED, &evidence);
    let wrong = [
        (secret(&[]), "contains no data"),
        (
            secret(&[("a", &key("release")), ("b", &key("audit"))]),
            "contains multiple data entries",
        ),
        (InMemoryReferences::default(), "not found"),
    ];
    for (references, words) in wrong {
        let compiled = policy_with("p", rest, &references);
        assert!(refused(&compiled, SIGNED, &evidence).contains(words));
        assert_ne!(
            compiled.fingerprint(),
            policy_with("p", rest, &good).fingerprint()
        );
    }
}

#[test]
fn policies_answer_for_themselves() {
    let evidence = evidence(&[]);
    let fail = |mode: &str| {
        let rest = format!(
            "  images: [{{glob: '**'}}]\n  mode: {mode}\n  authorities: [{{static: {{action: fail, message: {mode}}}}}]\n"
        );
        policy(mode, &rest)
    };
    let (hard, soft) = (fail("enforce"), fail("warn"));
    let both = evaluate(
        [&soft, &hard],
        &image(UNSIGNED),
        &Workload::default(),
        &evidence,
        NoMatch::Deny,
    );
    assert_eq!(both.decision, Decision::Reject);
    assert_eq!(
        both.failures()
            .map(|one| one.policy.as_str())
            .collect::<Vec<_>>(),
        ["enforce"]
    );
    assert_eq!(
        both.warnings()
            .map(|one| one.policy.as_str())
            .collect::<Vec<_>>(),
        ["warn"]
    );
    assert_eq!(ask(&soft, UNSIGNED, &evidence).decision, Decision::Admit);
}

#[test]
fn images_without_a_policy_and_without_a_digest() {
    let evidence = evidence(&[]);
    let none: [&Policy; 0] = [];
    let without = |no_match| {
        evaluate(
            none,
            &image(SIGNED),
            &Workload::default(),
            &evidence,
            no_match,
        )
        .decision
    };
    assert_eq!(without(NoMatch::parse("permit")), Decision::Reject);
    assert_eq!(without(NoMatch::Warn), Decision::Admit);
    let tagged = policy(
        "p",
        &format!(
            "  images: [{{glob: '{HOST}/shop/signed:v1'}}]\n  authorities: [{{static: {{action: pass}}}}]\n"
        ),
    );
    let written = image("shop/signed:v1");
    let verdict = evaluate(
        [&tagged],
        &written,
        &Workload::default(),
        &evidence,
        NoMatch::Deny,
    );
    assert_eq!(
        verdict.decision,
        Decision::Reject,
        "a tag may mean something else soon"
    );
    let resolved = image(SIGNED);
    let verdict = evaluate_written(
        [&tagged],
        &written,
        &resolved,
        &Workload::default(),
        &evidence,
        NoMatch::Deny,
    );
    assert_eq!(verdict.decision, Decision::Admit);
}

#[test]
fn policies_and_verdicts_go_to_threads() {
    fn check<T: Send + Sync>() {}
    check::<Policy>();
    check::<Verdict>();
}
