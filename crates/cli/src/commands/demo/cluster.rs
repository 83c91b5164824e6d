//! A cluster's side of the story: the policies, and the reviews that an API server sends to the webhook.

use std::path::Path;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::written_file::{self, Readers};

/// Writes the policies of the story into `folder`, one file each.
///
/// - `release`: everything of the team must be signed by its release workflow;
/// - `trial`: the same for images on trial, with warnings only;
/// - `described`: pods with the label `described=yes` must have an SPDX attestation with a CUE rule;
/// - `strict`: pods with the label `strict=yes` ask for a document that nobody writes.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn write_policies(folder: &Path, names: &Names<'_>) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::write(folder, &error))?;
    let identity = format!(
        "issuer: {}\n          subject: {}",
        yaml_text(names.issuer),
        yaml_text(names.identity)
    );
    let policy = |name: &str, images: &str, mode: &str, selector: &str, attestations: &str| {
        format!(
            "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: {name}\n\
             spec:\n  mode: {mode}\n  images:\n  - glob: {}\n{selector}  authorities:\n  - name: release\n    \
             keyless:\n      url: {}\n      identities:\n        - {identity}\n    signatureFormat: bundle\n{attestations}",
            yaml_text(images),
            yaml_text(names.fulcio),
        )
    };
    let team = format!("{}/acme/shop/**", names.registry);
    let trial = format!("{}/acme/trial/**", names.registry);
    let selector = |label: &str| {
        format!(
            "  match:\n  - version: v1\n    resource: pods\n    selector:\n      matchLabels:\n        {label}: \"yes\"\n"
        )
    };
    let rule = |version: &str| {
        format!(
            "    attestations:\n    - name: sbom\n      predicateType: https://spdx.dev/Document\n      policy:\n        \
             type: cue\n        data: |\n          predicateType: \"https://spdx.dev/Document\"\n          \
             predicate: {{\n            spdxVersion: \"{version}\"\n            dataLicense: \"CC0-1.0\"\n            \
             packages: [_, ...]\n          }}\n"
        )
    };
    let files = [
        ("release.yaml", policy("release", &team, "enforce", "", "")),
        ("trial.yaml", policy("trial", &trial, "warn", "", "")),
        (
            "described.yaml",
            policy(
                "described",
                &team,
                "enforce",
                &selector("described"),
                &rule("SPDX-2.3"),
            ),
        ),
        (
            "strict.yaml",
            policy(
                "strict",
                &team,
                "enforce",
                &selector("strict"),
                &rule("SPDX-9.9"),
            ),
        ),
    ];
    for (name, text) in files {
        written_file::write(&folder.join(name), text.as_bytes(), Readers::All)?;
    }
    Ok(())
}

/// What the policies are about.
pub(super) struct Names<'a> {
    /// The registry, `host:port`.
    pub(super) registry: &'a str,
    /// The URL of the certificate authority.
    pub(super) fulcio: &'a str,
    /// Who must have signed.
    pub(super) identity: &'a str,
    /// Who must have said so.
    pub(super) issuer: &'a str,
}

/// A JSON string is a YAML string, whatever is in it.
fn yaml_text(text: &str) -> String {
    Value::from(text).to_string()
}

/// A review as an API server sends it when `object` is created.
pub(super) fn review(uid: &str, object: &Value) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = object["kind"].as_str().unwrap_or_default();
    let kind = json!({"group": group, "version": version, "kind": kind});
    let plural = format!(
        "{}s",
        object["kind"].as_str().unwrap_or_default().to_lowercase()
    );
    let resource = json!({"group": group, "version": version, "resource": plural});
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": uid,
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": object["metadata"]["name"],
            "namespace": object["metadata"]["namespace"],
            "operation": "CREATE",
            "userInfo": {"username": "kubernetes-admin", "groups": ["kubeadm:cluster-admins", "system:authenticated"]},
            "object": object,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-create"},
        }
    })
}

/// A pod of one container.
pub(super) fn pod(name: &str, image: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {"containers": [{"name": "cart", "image": image}]},
    })
}

/// A deployment of one container.
pub(super) fn deployment(name: &str, image: &str) -> Value {
    let labels = json!({"app": name});
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "cart", "image": image}]},
            },
        },
    })
}
