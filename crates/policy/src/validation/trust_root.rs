//! Rules for TrustRoot.

use serde_json::Value;

use crate::field_error::FieldErrors;
use crate::trust_root_object::{certificates_of, tar_fault};
use crate::wire;

/// Finds what is wrong with a trust root.
#[must_use]
pub fn trust_root(root: &wire::TrustRoot) -> FieldErrors {
    let spec = &root.spec;
    let kinds = ["remote", "repository", "sigstoreKeys"];
    let present = [
        spec.remote.is_some(),
        spec.repository.is_some(),
        spec.sigstore_keys.is_some(),
    ];
    let errors = match present.iter().filter(|there| **there).count() {
        0 => FieldErrors::missing_one_of(&kinds),
        1 => match (&spec.remote, &spec.repository, &spec.sigstore_keys) {
            (Some(remote), ..) => self::remote(remote).via_field("remote"),
            (_, Some(repository), _) => self::repository(repository).via_field("repository"),
            (.., Some(keys)) => sigstore_keys(keys).via_field("sigstoreKeys"),
            (None, None, None) => FieldErrors::none(),
        },
        _ => FieldErrors::multiple_one_of(&kinds),
    };
    errors.via_field("spec")
}

fn remote(remote: &wire::Remote) -> FieldErrors {
    let mut errors = FieldErrors::none();
    if remote.mirror.is_empty() {
        errors = errors.also(FieldErrors::missing(&["mirror"]));
    }
    errors.also(root_json(&remote.root.0))
}

fn repository(repository: &wire::Repository) -> FieldErrors {
    let mut errors = FieldErrors::none();
    if repository.targets.is_empty() {
        errors = errors.also(FieldErrors::missing(&["targets"]));
    }
    errors = errors.also(root_json(&repository.root.0));
    if repository.mirror_fs.0.is_empty() {
        // Upstream's name for the field.
        return errors.also(FieldErrors::missing(&["repository"]));
    }
    if errors.is_empty()
        && let Some(fault) = tar_fault(&repository.mirror_fs.0)
    {
        let value = "failed to construct a TUF client";
        return FieldErrors::invalid(value, "mirrorFS", fault);
    }
    errors
}

fn root_json(root: &[u8]) -> FieldErrors {
    if root.is_empty() {
        return FieldErrors::missing(&["root"]);
    }
    match serde_json::from_slice::<Value>(root) {
        Err(_) => FieldErrors::invalid("failed to unmarshal", "root", "root.json is not JSON"),
        Ok(root) if root.get("signatures").is_none_or(Value::is_null) => {
            FieldErrors::invalid("missing signatures in root.json", "root", "no signatures")
        }
        Ok(_) => FieldErrors::none(),
    }
}

fn sigstore_keys(keys: &wire::SigstoreKeys) -> FieldErrors {
    if keys.certificate_authorities.is_empty() && keys.timestamp_authorities.is_empty() {
        return FieldErrors::missing_one_of(&["certificateAuthority", "timestampAuthorities"]);
    }
    let mut errors = FieldErrors::none();
    for (index, one) in keys.certificate_authorities.iter().enumerate() {
        // The singular is upstream's.
        errors = errors.also(authority(one).via_field_index("certificateAuthority", index));
    }
    for (index, one) in keys.timestamp_authorities.iter().enumerate() {
        let found = authority(one).also(timestamp_chain(&one.cert_chain.0));
        errors = errors.also(found.via_field_index("timestampAuthorities", index));
    }
    for (index, one) in keys.ct_logs.iter().enumerate() {
        errors = errors.also(log(one).via_field_index("ctLogs", index));
    }
    for (index, one) in keys.transparency_logs.iter().enumerate() {
        errors = errors.also(log(one).via_field_index("tLogs", index));
    }
    errors
}

fn authority(authority: &wire::CertificateAuthority) -> FieldErrors {
    let fields = [
        (
            "subject.organization",
            authority.subject.organization.is_empty(),
        ),
        (
            "subject.commonName",
            authority.subject.common_name.is_empty(),
        ),
        ("uri", authority.uri.is_empty()),
        ("certchain", authority.cert_chain.0.is_empty()),
    ];
    missing(&fields)
}

fn timestamp_chain(chain: &[u8]) -> FieldErrors {
    match certificates_of(chain) {
        None => FieldErrors::invalid(
            "error splitting the certificates",
            "certChain",
            "error during PEM decoding",
        ),
        Some(certificates) if certificates.iter().filter(|one| !one.is_authority).count() > 1 => {
            let value = "certificate chain must contain at most one TSA certificate";
            FieldErrors::invalid(value, "certChain", "")
        }
        Some(_) => FieldErrors::none(),
    }
}

fn log(log: &wire::TransparencyLogInstance) -> FieldErrors {
    let fields = [
        ("baseURL", log.base_url.is_empty()),
        ("hashAlgorithm", log.hash_algorithm.is_empty()),
        ("publicKey", log.public_key.0.is_empty()),
    ];
    missing(&fields)
}

fn missing(fields: &[(&str, bool)]) -> FieldErrors {
    fields
        .iter()
        .filter(|(_, missing)| *missing)
        .fold(FieldErrors::none(), |errors, (name, _)| {
            errors.also(FieldErrors::missing(&[name]))
        })
}
