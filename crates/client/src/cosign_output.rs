//! What cosign prints about what was verified, field for field.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::Digest;
use countersign_trust::assemble::Envelope;
use countersign_trust::{
    CertificateIdentity, Content, Evidence, Form, ImageSignature, Statement, VerifiedEntry,
};
use serde_json::{Value, json};

use crate::verify_image::VerifiedImage;
use crate::verify_rules::annotations;

impl VerifiedImage {
    /// The signatures as `cosign verify` prints them: one line, an array of simple signing objects.
    #[must_use]
    pub fn cosign_json(&self) -> String {
        let each = self.signatures.iter();
        let each: Vec<String> = each.map(|one| self.simple_signing(&one.evidence)).collect();
        format!("[{}]", each.join(","))
    }

    /// The lines of `cosign verify -o text`: payloads as they were signed, and for bundles, which have
    /// none, the object that stands for one.
    #[must_use]
    pub fn cosign_text(&self) -> Vec<String> {
        let line = |evidence: &Evidence| match (evidence.form(), evidence.content()) {
            (Form::Legacy, Content::ImageSignature(signature)) => {
                String::from_utf8_lossy(signature.payload()).into_owned()
            }
            _ => self.simple_signing(evidence),
        };
        self.signatures
            .iter()
            .map(|one| line(&one.evidence))
            .collect()
    }

    fn simple_signing(&self, evidence: &Evidence) -> String {
        match (evidence.form(), evidence.content()) {
            (Form::Legacy, Content::ImageSignature(signature)) => legacy(evidence, signature),
            (_, content) => self.of_bundle(evidence, content),
        }
    }

    /// A bundle has no such payload: the reference is the one that was asked for, and nobody signed it.
    fn of_bundle(&self, evidence: &Evidence, content: &Content) -> String {
        let kind = match content {
            Content::Statement(statement) => statement.predicate_type(),
            _ => COSIGN_SIGN,
        };
        let optional = annotations(evidence, &self.digest);
        let optional = optional.cloned().unwrap_or_default();
        let optional = Value::Object(optional).to_string();
        object(&self.asked.name(), Some(&self.digest), kind, &optional)
    }
}

/// The envelope of an attestation as `cosign verify-attestation` prints it: a legacy one in the order of
/// Go's struct, one from a bundle in that of the bundle.
pub(crate) fn envelope(evidence: &Evidence, statement: &Statement) -> String {
    if evidence.form() == Form::Legacy {
        return format!(
            r#"{{"payloadType":"{IN_TOTO}","payload":"{}","signatures":[{{"keyid":"","sig":"{}"}}]}}"#,
            STANDARD.encode(statement.payload()),
            STANDARD.encode(evidence.signature()),
        );
    }
    let signature = evidence.signature().to_vec();
    let envelope = Envelope::of_statement(statement.payload().to_vec(), signature);
    String::from_utf8(envelope.to_json()).unwrap_or_default()
}

fn legacy(evidence: &Evidence, signature: &ImageSignature) -> String {
    let mut optional: BTreeMap<String, String> = signature
        .annotations()
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    if let Some(identity) = evidence.certificate() {
        add_identity(&mut optional, identity);
    }
    if let Some(bundle) = evidence.entries().iter().find_map(log_bundle) {
        optional.insert("Bundle".to_owned(), bundle);
    }
    let optional = if optional.is_empty() {
        "null".to_owned()
    } else {
        let pairs = optional.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
            .collect();
        format!("{{{}}}", pairs.join(","))
    };
    let payload: Value = serde_json::from_slice(signature.payload()).unwrap_or_default();
    let kind = payload.pointer("/critical/type").and_then(Value::as_str);
    let kind = kind.unwrap_or("cosign container image signature");
    object(
        signature.docker_reference(),
        signature.digest(),
        kind,
        &optional,
    )
}

/// cosign/cli/verify/common.go, PrintVerification.
fn add_identity(optional: &mut BTreeMap<String, String>, identity: &CertificateIdentity) {
    let claims = identity.claims();
    let subject = identity.subject().unwrap_or_default();
    let pairs = [
        ("Subject", None, Some(subject)),
        ("Issuer", Some(1), identity.issuer()),
        (
            "githubWorkflowTrigger",
            Some(2),
            claims.github_workflow_trigger(),
        ),
        ("githubWorkflowSha", Some(3), claims.github_workflow_sha()),
        ("githubWorkflowName", Some(4), claims.github_workflow_name()),
        (
            "githubWorkflowRepository",
            Some(5),
            claims.github_workflow_repository(),
        ),
        ("githubWorkflowRef", Some(6), claims.github_workflow_ref()),
    ];
    for (name, number, value) in pairs {
        let Some(value) = value else { continue };
        let value = Value::from(value).to_string();
        if let Some(number) = number {
            optional.insert(format!("1.3.6.1.4.1.57264.1.{number}"), value.clone());
        }
        optional.insert(name.to_owned(), value);
    }
}

/// The legacy Rekor bundle, in the order of Go's struct.
fn log_bundle(entry: &VerifiedEntry) -> Option<String> {
    let promise = STANDARD.encode(entry.signed_entry_timestamp()?);
    let body = STANDARD.encode(entry.body());
    let time = entry.integrated_time()?.as_second();
    let (index, log) = (entry.log_index(), hex::encode(entry.log_id()));
    Some(format!(
        r#"{{"SignedEntryTimestamp":"{promise}","Payload":{{"body":"{body}","integratedTime":{time},"logIndex":{index},"logID":"{log}"}}}}"#
    ))
}

fn object(reference: &str, digest: Option<&Digest>, kind: &str, optional: &str) -> String {
    let digest = digest.map(ToString::to_string).unwrap_or_default();
    let critical = json!({
        "identity": { "docker-reference": reference },
        "image": { "docker-manifest-digest": digest },
        "type": kind,
    });
    go_escaped(&format!(
        r#"{{"critical":{critical},"optional":{optional}}}"#
    ))
}

/// Go's encoding/json keeps HTML out of what it writes. These characters are only in strings.
fn go_escaped(json: &str) -> String {
    json.replace('<', r"\u003c")
        .replace('>', r"\u003e")
        .replace('&', r"\u0026")
        .replace('\u{2028}', r"\u2028")
        .replace('\u{2029}', r"\u2029")
}

const IN_TOTO: &str = "application/vnd.in-toto+json";
const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
