//! The webhooks about our own kinds: ClusterImagePolicy and TrustRoot.

use countersign_policy::FieldErrors;
use countersign_policy::validation::{self, EmptyAuthorities};
use countersign_policy::wire::{
    ClusterImagePolicy, DecodeError, GROUP, Object, TrustRoot, UnknownFields, Version,
};
use serde_json::Value;

use super::patch;
use super::respond::{Answer, Denial};
use super::review::{ConversionReview, Operation, Review};

/// Answers `/defaulting`: fills in what a policy leaves out.
pub(crate) fn default(review: &Review<'_>) -> Answer {
    if review.operation == Operation::Other {
        return Answer::allowed();
    }
    let decoded = match decode(review) {
        Ok(decoded) => decoded,
        Err(Refused::UnhandledKind) => {
            return Answer::Denied(Denial::UnhandledKindToMutate(review.kind.clone()));
        }
        Err(Refused::Undecodable(cause)) => {
            return Answer::Denied(Denial::UndecodableToMutate(cause));
        }
    };
    let (before, after) = match decoded {
        OwnKind::Policy(mut policy, given) => {
            policy.set_defaults();
            (given, policy.to_value())
        }
        OwnKind::TrustRoot(mut root, given) => {
            root.set_defaults();
            (given, root.to_value())
        }
    };
    // Defaults are about `spec` alone; the rest is not ours to touch.
    let part = |object: &Value| serde_json::json!({ "spec": object.get("spec") });
    let changes = patch::changes(&part(&before), &part(&after));
    Answer::Patched {
        changes,
        warnings: Vec::new(),
    }
}

/// Answers `/validating`: refuses what no verdict could be built on.
pub(crate) fn validate(review: &Review<'_>, empty: EmptyAuthorities, namespace: &str) -> Answer {
    if review.operation == Operation::Other || review.sub_resource == "status" {
        return Answer::allowed();
    }
    match decode(review) {
        Ok(decoded) => Answer::judged(findings(&decoded, empty, namespace)),
        Err(Refused::UnhandledKind) => Answer::Denied(Denial::UnhandledKind(review.kind.clone())),
        Err(Refused::Undecodable(cause)) => Answer::Denied(Denial::Undecodable(cause)),
    }
}

/// Answers `/resource-conversion`. One object that does not convert fails them all, as the API server
/// would have it anyway.
pub(crate) fn convert(review: &ConversionReview) -> Result<Vec<Value>, String> {
    let wanted = review
        .desired_version
        .strip_prefix(GROUP)
        .and_then(|rest| rest.strip_prefix('/'));
    let wanted = wanted.and_then(Version::parse).ok_or_else(|| {
        format!(
            "conversion is not supported to version {}",
            review.desired_version
        )
    })?;
    review
        .objects
        .iter()
        .map(|object| convert_one(object, wanted))
        .collect()
}

enum OwnKind {
    Policy(Box<ClusterImagePolicy>, Value),
    TrustRoot(Box<TrustRoot>, Value),
}

enum Refused {
    UnhandledKind,
    Undecodable(String),
}

/// Strict: the API server has pruned unknown fields before, so one that arrives is a misspelt check.
fn decode(review: &Review<'_>) -> Result<OwnKind, Refused> {
    if review.kind.group != GROUP {
        return Err(Refused::UnhandledKind);
    }
    let value = review
        .object()
        .map_err(|_| Refused::Undecodable("not a JSON object".to_owned()))?;
    let object = Object::identify(value.clone()).map_err(|_| Refused::UnhandledKind)?;
    let in_go = |error: DecodeError| Refused::Undecodable(error.in_go(object.version.as_str()));
    match object.kind.as_str() {
        "TrustRoot" => TrustRoot::decode(&object, UnknownFields::Refuse)
            .map(|root| OwnKind::TrustRoot(Box::new(root), value))
            .map_err(in_go),
        _ => ClusterImagePolicy::decode(&object, UnknownFields::Refuse)
            .map(|policy| OwnKind::Policy(Box::new(policy), value))
            .map_err(in_go),
    }
}

fn findings(object: &OwnKind, empty: EmptyAuthorities, namespace: &str) -> FieldErrors {
    match object {
        OwnKind::Policy(policy, _) => validation::cluster_image_policy(policy, empty, namespace),
        OwnKind::TrustRoot(root, _) => validation::trust_root(root),
    }
}

fn convert_one(object: &Value, wanted: Version) -> Result<Value, String> {
    let object = Object::identify(object.clone()).map_err(|error| error.to_string())?;
    let version = object.version;
    let policy = match object.kind.as_str() {
        "ClusterImagePolicy" => ClusterImagePolicy::decode(&object, UnknownFields::Drop),
        kind => return Err(format!("no conversion support for type [kind={kind}]")),
    };
    let policy = policy.map_err(|error| error.in_go(version.as_str()))?;
    Ok(policy.convert(wanted).to_value())
}
