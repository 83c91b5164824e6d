//! Rules for ClusterImagePolicy.

use countersign_artifact::{ImageReference, ReferenceError};
use countersign_go_regex::GoRegex;

use super::key;
use crate::field_error::FieldErrors;
use crate::image_pattern::{ImagePattern, check_go_syntax};
use crate::wire;

/// What a policy without authorities is (`fail-on-empty-authorities`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyAuthorities {
    /// Refused.
    Refused,
    /// Stored; it denies every image it is about.
    Stored,
}

/// Finds what is wrong with a policy. `namespace` is the controller's own.
#[must_use]
pub fn cluster_image_policy(
    policy: &wire::ClusterImagePolicy,
    empty: EmptyAuthorities,
    namespace: &str,
) -> FieldErrors {
    let spec = &policy.spec;
    let mut errors = FieldErrors::none();
    if spec.images.is_empty() {
        errors = errors.also(FieldErrors::missing(&["images"]));
    }
    for (index, image) in spec.images.iter().enumerate() {
        errors = errors.also(image_pattern(image).via_field_index("images", index));
    }
    if spec.authorities.is_empty() && empty == EmptyAuthorities::Refused {
        errors = errors.also(FieldErrors::missing(&["authorities"]));
    }
    for (index, one) in spec.authorities.iter().enumerate() {
        errors = errors.also(authority(one, namespace).via_field_index("authorities", index));
    }
    if !matches!(spec.mode.as_str(), "" | "enforce" | "warn") {
        errors = errors.also(FieldErrors::invalid(&spec.mode, "mode", "unsupported mode"));
    }
    for (index, one) in spec.matches.iter().enumerate() {
        errors = errors.also(match_resource(one).via_field_index("match", index));
    }
    if let Some(text) = &spec.policy {
        // Without `policy.`: upstream's paths, which tools compare.
        errors = errors.also(policy_text(text, Level::Policy));
    }
    errors.via_field("spec")
}

fn image_pattern(image: &wire::ImagePattern) -> FieldErrors {
    if image.glob.is_empty() {
        return FieldErrors::missing(&["glob"]);
    }
    let parsed = check_go_syntax(&image.glob).and_then(|()| ImagePattern::parse(&image.glob));
    match parsed {
        Ok(_) => FieldErrors::none(),
        Err(error) => {
            FieldErrors::invalid(&image.glob, "glob", format!("glob is invalid: {error}"))
        }
    }
}

fn match_resource(resource: &wire::MatchResource) -> FieldErrors {
    let mut errors = FieldErrors::none();
    if !resource.resource.is_empty() && !RESOURCES.contains(&resource.resource.as_str()) {
        let found =
            FieldErrors::invalid(&resource.resource, "resource", "unsupported resource name");
        errors = errors.also(found);
    }
    if resource.selector.is_some() && resource.resource.is_empty() {
        let details = "selector requires a resource type to match the labels";
        errors = errors.also(FieldErrors::invalid(
            &resource.resource,
            "selector",
            details,
        ));
    }
    errors
}

fn authority(authority: &wire::Authority, namespace: &str) -> FieldErrors {
    let kinds = ["key", "keyless", "static"];
    let present = [
        authority.key.is_some(),
        authority.keyless.is_some(),
        authority.fixed.is_some(),
    ];
    match present.iter().filter(|there| **there).count() {
        0 => return FieldErrors::missing_one_of(&kinds),
        1 => {}
        _ => return FieldErrors::multiple_one_of(&kinds),
    }
    let mut errors = FieldErrors::none();
    if let Some(key) = &authority.key {
        errors = errors.also(key::key(key, namespace).via_field("key"));
    }
    if let Some(keyless) = &authority.keyless {
        errors = errors.also(self::keyless(keyless, namespace).via_field("keyless"));
    }
    if let Some(fixed) = &authority.fixed {
        errors = errors.also(static_reference(authority, fixed));
    }
    if authority.source.len() > 1 {
        let details = "only single source is supported";
        errors = errors.also(FieldErrors::invalid("source", "source", details));
    }
    for (index, source) in authority.source.iter().enumerate() {
        errors = errors.also(self::source(source).via_field_index("source", index));
    }
    for attestation in &authority.attestations {
        // Without the index, as upstream has it.
        errors = errors.also(self::attestation(attestation).via_field("attestations"));
    }
    errors
}

fn static_reference(authority: &wire::Authority, fixed: &wire::StaticRef) -> FieldErrors {
    let mut errors = match fixed.action.as_str() {
        "" => FieldErrors::missing(&["action"]),
        "pass" | "fail" => FieldErrors::none(),
        other => FieldErrors::invalid(other, "action", "unsupported action"),
    }
    .via_field("static");
    let others = [
        ("attestations", !authority.attestations.is_empty()),
        ("source", !authority.source.is_empty()),
        ("ctlog", authority.ctlog.is_some()),
        ("rfc3161timestamp", authority.rfc3161_timestamp.is_some()),
    ];
    for (name, _) in others.iter().filter(|(_, there)| *there) {
        errors = errors.also(FieldErrors::multiple_one_of(&["static", name]));
    }
    errors
}

fn keyless(keyless: &wire::KeylessRef, namespace: &str) -> FieldErrors {
    let mut errors = match (&keyless.url, &keyless.ca_cert) {
        (None, None) => FieldErrors::missing_one_of(&["url", "ca-cert"]),
        (Some(_), Some(_)) => FieldErrors::multiple_one_of(&["url", "ca-cert"]),
        _ => FieldErrors::none(),
    };
    if let Some(certificate) = &keyless.ca_cert {
        errors = errors.also(key::key(certificate, namespace).via_field("ca-cert"));
    }
    let identities = keyless.identities.as_deref().unwrap_or_default();
    if identities.is_empty() {
        errors = errors.also(FieldErrors::missing(&["identities"]));
    }
    for (index, one) in identities.iter().enumerate() {
        errors = errors.also(identity(one).via_field_index("identities", index));
    }
    errors
}

fn identity(identity: &wire::Identity) -> FieldErrors {
    let pairs = [
        (
            "issuer",
            &identity.issuer,
            "issuerRegExp",
            &identity.issuer_reg_exp,
        ),
        (
            "subject",
            &identity.subject,
            "subjectRegExp",
            &identity.subject_reg_exp,
        ),
    ];
    let mut errors = FieldErrors::none();
    for (exact, value, pattern, expression) in pairs {
        match (value.is_empty(), expression.is_empty()) {
            (true, true) => errors = errors.also(FieldErrors::missing(&[exact, pattern])),
            (false, false) => errors = errors.also(FieldErrors::multiple_one_of(&[exact, pattern])),
            _ => {}
        }
        if !expression.is_empty()
            && let Err(error) = GoRegex::new(expression)
        {
            let details = format!("regex is invalid: {error}");
            errors = errors.also(FieldErrors::invalid(expression, pattern, details));
        }
    }
    errors
}

fn source(source: &wire::Source) -> FieldErrors {
    let mut errors = FieldErrors::none();
    if !source.oci.is_empty()
        && let Some(details) = repository_fault(&source.oci)
    {
        errors = errors.also(FieldErrors::invalid(&source.oci, "oci", details));
    }
    for (index, secret) in source.signature_pull_secrets.iter().enumerate() {
        if secret.name.is_empty() {
            // Upstream's slip: what was found about the source before gets the secret's path as well.
            errors = errors.also(FieldErrors::missing(&["name"]));
            errors = errors.via_field_index("signaturePullSecrets", index);
        }
    }
    errors
}

/// go-containerregistry's strict check of a repository; a bare registry passes.
fn repository_fault(oci: &str) -> Option<String> {
    let repository = match oci.split_once('/') {
        Some((host, repository)) if host.contains(['.', ':']) => repository,
        _ => {
            let probe = ImageReference::parse(&format!("{oci}.x:0/probe"));
            let refused =
                oci.contains(['/', '@', '?', '#', '%']) && !oci.is_empty() || probe.is_err();
            return refused.then(|| authority_fault(oci));
        }
    };
    // `oci` may hold no tag or digest: a probe keeps a colon at the end from being read as one.
    let probe = format!("{oci}:probe");
    match ImageReference::parse(&probe) {
        Ok(reference) if reference.digest().is_none() && !repository.contains([':', '@']) => {
            let implicit = reference.registry() == "index.docker.io" && !repository.contains('/');
            implicit.then(|| {
                "strict validation requires the full repository path (missing 'library')".to_owned()
            })
        }
        Err(ReferenceError::RepositoryLength { repository, .. }) => Some(format!(
            "repository must be between 2 and 255 characters in length: {repository}"
        )),
        Err(ReferenceError::Registry(registry)) => Some(authority_fault(&registry)),
        _ => Some(format!(
            "repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: {repository}"
        )),
    }
}

fn authority_fault(registry: &str) -> String {
    format!("registries must be valid RFC 3986 URI authorities: {registry}")
}

fn attestation(attestation: &wire::Attestation) -> FieldErrors {
    let mut errors = FieldErrors::none();
    if attestation.name.is_empty() {
        errors = errors.also(FieldErrors::missing(&["name"]));
    }
    let kind = attestation.predicate_type.as_str();
    if kind.is_empty() {
        errors = errors.also(FieldErrors::missing(&["predicateType"]));
    } else if !is_request_uri(kind) {
        let details = "deprecated value, please use RFC 3986 conformant values";
        errors = errors.also(FieldErrors::invalid(kind, "predicateType", details).as_warnings());
    }
    if let Some(text) = &attestation.policy {
        errors = errors.also(policy_text(text, Level::Attestation).via_field("policy"));
    }
    errors
}

/// Go's `url.ParseRequestURI`: an absolute path, or a scheme with something after it.
fn is_request_uri(text: &str) -> bool {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return false;
    }
    if text.starts_with('/') || text == "*" {
        return escapes_are_whole(text);
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut characters = scheme.chars();
    let scheme_fits = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !scheme_fits {
        return false;
    }
    match rest.strip_prefix("//") {
        Some(rest) => {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            host_fits(host) && escapes_are_whole(rest)
        }
        None => escapes_are_whole(rest),
    }
}

fn host_fits(host: &str) -> bool {
    let port = match host.rfind(']') {
        Some(end) => &host[end + 1..],
        None => host.rfind(':').map_or("", |colon| &host[colon..]),
    };
    let port_fits = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    port_fits && !host.contains([' ', '\\', '^', '`', '{', '|', '}', '%'])
}

fn escapes_are_whole(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    path.split('%').skip(1).all(|escape| {
        escape
            .as_bytes()
            .get(..2)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Policy,
    Attestation,
}

fn policy_text(text: &wire::PolicyText, level: Level) -> FieldErrors {
    let mut errors = FieldErrors::none();
    if !matches!(text.language.as_str(), "cue" | "rego") {
        let details = "only [cue,rego] are supported at the moment";
        errors = errors.also(FieldErrors::invalid(&text.language, "type", details));
    }
    let sources = ["data", "configMapRef", "remote"];
    let present = [
        !text.data.is_empty(),
        text.config_map_ref.is_some(),
        text.remote.is_some(),
    ];
    match present.iter().filter(|there| **there).count() {
        0 => errors = errors.also(FieldErrors::missing(&sources)),
        1 => {}
        _ => errors = errors.also(FieldErrors::multiple_one_of(&sources)),
    }
    if let Some(remote) = &text.remote {
        errors = errors.also(self::remote(remote).via_field("remote"));
    }
    if let Some(reference) = &text.config_map_ref {
        let fields = [("name", &reference.name), ("key", &reference.key)];
        for (name, _) in fields.iter().filter(|(_, value)| value.is_empty()) {
            let missing = FieldErrors::missing(&[name]);
            errors = errors.also(missing.via_field("configMapRef"));
        }
    }
    if level == Level::Attestation {
        let switches = [
            ("fetchConfigFile", text.fetch_config_file),
            ("includeSpec", text.include_spec),
            ("includeObjectMeta", text.include_object_meta),
            ("includeTypeMeta", text.include_type_meta),
        ];
        for (name, _) in switches.iter().filter(|(_, value)| value.is_some()) {
            errors = errors.also(FieldErrors::disallowed(&[name]));
        }
    }
    errors
}

fn remote(remote: &wire::RemotePolicy) -> FieldErrors {
    let mut errors = FieldErrors::none();
    let host = remote
        .url
        .strip_prefix("https://")
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    if host.is_none_or(str::is_empty) {
        let details = "url valid is invalid. host and https scheme are expected";
        errors = errors.also(FieldErrors::invalid(&remote.url, "url", details));
    }
    if remote.sha256sum.is_empty() {
        errors = errors.also(FieldErrors::missing(&["sha256sum"]));
    }
    errors
}

const RESOURCES: [&str; 7] = [
    "pods",
    "replicasets",
    "deployments",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
];
