//! Rules for keys: PEM, Secrets, key management services.

use countersign_go_regex::GoRegex;

use crate::field_error::FieldErrors;
use crate::public_key::first_public_key;
use crate::wire::KeyRef;

/// Finds what is wrong with a key.
pub(super) fn key(key: &KeyRef, namespace: &str) -> FieldErrors {
    // Lower case, as upstream has it.
    let sources = ["data", "kms", "secretref"];
    let present = [
        !key.data.is_empty(),
        !key.kms.is_empty(),
        key.secret_ref.is_some(),
    ];
    let mut errors = match present.iter().filter(|there| **there).count() {
        0 => FieldErrors::missing_one_of(&sources),
        1 => FieldErrors::none(),
        _ => FieldErrors::multiple_one_of(&sources),
    };
    if !key.data.is_empty() && first_public_key(&key.data).is_err() {
        errors = errors.also(FieldErrors::invalid(&key.data, "data", ""));
    }
    if !key.hash_algorithm.is_empty() && hash_algorithm(&key.hash_algorithm).is_none() {
        errors = errors.also(FieldErrors::invalid(
            &key.hash_algorithm,
            "hashAlgorithm",
            "",
        ));
    }
    if !key.kms.is_empty()
        && let Some(details) = kms_fault(&key.kms)
    {
        errors = errors.also(FieldErrors::invalid(&key.kms, "kms", details));
    }
    if let Some(secret) = &key.secret_ref
        && !secret.namespace.is_empty()
        && secret.namespace != namespace
    {
        let details = "secretref.namespace is invalid. If set, it should use the same namespace where the policy-controller was deployed";
        errors = errors.also(FieldErrors::invalid(
            &secret.namespace,
            "secretref.namespace",
            details,
        ));
    }
    errors
}

/// The hash that a policy names: trimmed, in any case; nothing is SHA-256.
pub(crate) fn hash_algorithm(name: &str) -> Option<&'static str> {
    match name.trim().to_ascii_lowercase().as_str() {
        "" | "sha256" => Some("sha256"),
        "sha224" => Some("sha224"),
        "sha384" => Some("sha384"),
        "sha512" => Some("sha512"),
        _ => None,
    }
}

fn kms_fault(kms: &str) -> Option<String> {
    if !KMS_SCHEMES.iter().any(|scheme| kms.starts_with(scheme)) {
        return Some(format!(
            "malformed KMS format, should be prefixed by any of the supported providers: [{}]",
            KMS_SCHEMES.join(" ")
        ));
    }
    kms.strip_prefix("awskms://")
        .and_then(|rest| aws_fault(kms, rest))
}

/// Only keys and aliases named by ARN come through: the others match the expressions and then fail to
/// parse as an ARN.
fn aws_fault(whole: &str, rest: &str) -> Option<String> {
    let Some((endpoint, _)) = rest.split_once('/') else {
        return Some("malformed AWS KMS format 'awskms://$ENDPOINT/$KEYID', should be conformant with KMS standard documented here: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id".to_owned());
    };
    let expression = format!("^awskms://([^/]*)/({UUID}|{ARN}key/{UUID}|alias/.*|{ARN}alias/.*)$");
    let known = GoRegex::new(&expression).is_ok_and(|expression| expression.is_match(whole));
    if !known || endpoint.starts_with("arn") || endpoint.starts_with("alias") {
        return Some(AWS_FORMAT.to_owned());
    }
    if !endpoint.is_empty()
        && let Some(fault) = host_port_fault(endpoint)
    {
        return Some(format!("malformed endpoint: address {endpoint}: {fault}"));
    }
    // The part between the third and the fourth slash: an ARN up to its resource's type.
    let key = whole.split('/').nth(3).unwrap_or_default();
    if !key.starts_with("arn:") {
        return Some("failed to parse either key or alias arn: arn: invalid prefix".to_owned());
    }
    if key.splitn(6, ':').count() != 6 {
        return Some(
            "failed to parse either key or alias arn: arn: not enough sections".to_owned(),
        );
    }
    None
}

/// Go's `net.SplitHostPort`, its refusals.
fn host_port_fault(endpoint: &str) -> Option<&'static str> {
    let Some((host, _)) = endpoint.rsplit_once(':') else {
        return Some("missing port in address");
    };
    if host.starts_with('[') {
        return (!host.ends_with(']')).then_some("missing ']' in address");
    }
    host.contains(':').then_some("too many colons in address")
}

const KMS_SCHEMES: [&str; 4] = ["awskms://", "azurekms://", "hashivault://", "gcpkms://"];
const AWS_FORMAT: &str =
    "kms key should be in the format awskms://[ENDPOINT]/[ID/ALIAS/ARN] (endpoint optional)";
const UUID: &str =
    "m?r?k?-?[A-Fa-f0-9]{8}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{12}";
const ARN: &str = r"arn:(?:aws|aws-us-gov|aws-cn):kms:[a-z0-9-]+:\d{12}:";
