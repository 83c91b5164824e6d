//! The payload of legacy image signatures.

use std::collections::BTreeMap;

use countersign_artifact::Digest;

/// Makes a simple signing payload: what a layer of a `.sig` tag holds and its signature is over.
///
/// `docker_reference` is the repository in full (`index.docker.io/library/debian`).
#[must_use]
pub fn simple_signing_payload(
    docker_reference: &str,
    digest: &Digest,
    annotations: &BTreeMap<String, String>,
) -> Vec<u8> {
    let text = |text: &str| go_escaped(&serde_json::Value::from(text).to_string());
    let optional = if annotations.is_empty() {
        "null".to_owned()
    } else {
        let pairs: Vec<String> = annotations
            .iter()
            .map(|(name, value)| format!("{}:{}", text(name), text(value)))
            .collect();
        format!("{{{}}}", pairs.join(","))
    };
    format!(
        r#"{{"critical":{{"identity":{{"docker-reference":{}}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":{optional}}}"#,
        text(docker_reference),
    )
    .into_bytes()
}

/// Go's encoding/json keeps HTML out of what it writes, and two line ends that JavaScript minds.
pub(super) fn go_escaped(json: &str) -> String {
    json.replace('<', r"\u003c")
        .replace('>', r"\u003e")
        .replace('&', r"\u0026")
        .replace('\u{2028}', r"\u2028")
        .replace('\u{2029}', r"\u2029")
}
