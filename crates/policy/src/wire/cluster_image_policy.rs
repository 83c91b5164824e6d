//! `ClusterImagePolicy`, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decode::{DecodeError, Place, UnknownFields, is_empty, wire_struct};
use super::object::{Object, Version, spec_of};

/// A ClusterImagePolicy, in either version.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterImagePolicy {
    /// The version it was written in.
    pub version: Version,
    /// `metadata.name`.
    pub name: String,
    /// `metadata`, as it came.
    pub metadata: Value,
    /// `spec`.
    pub spec: ClusterImagePolicySpec,
    /// `status`, as it came.
    pub status: Value,
}

impl ClusterImagePolicy {
    /// Decodes the object.
    pub fn decode(object: &Object, unknown: UnknownFields) -> Result<Self, DecodeError> {
        let mut place = Place::new(unknown);
        let (metadata, spec, status) = spec_of(object, &mut place, "ClusterImagePolicy")?;
        Ok(Self {
            version: object.version,
            name: object.name.clone(),
            metadata,
            spec,
            status,
        })
    }

    /// Writes the object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::json!({
            "apiVersion": format!("{}/{}", super::GROUP, self.version.as_str()),
            "kind": "ClusterImagePolicy",
            "metadata": self.metadata,
            "spec": serde_json::to_value(&self.spec).unwrap_or_default(),
            "status": self.status,
        })
    }
}

wire_struct! {
    /// `spec`.
    ClusterImagePolicySpec as "ClusterImagePolicySpec" {
        /// Which images it is about.
        #[serde(serialize_with = "null_if_empty")]
        images: Vec<ImagePattern> = "images",
        /// Who may vouch for them; one is enough.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        authorities: Vec<Authority> = "authorities",
        /// A rule over what the authorities found.
        #[serde(skip_serializing_if = "Option::is_none")]
        policy: Option<PolicyText> = "policy",
        /// `enforce` or `warn`.
        #[serde(skip_serializing_if = "String::is_empty")]
        mode: String = "mode",
        /// Which kinds of objects it is about; all, when empty.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        matches: Vec<MatchResource> = "match",
    }
}

wire_struct! {
    /// A pattern of image names.
    ImagePattern as "ImagePattern" {
        /// The pattern.
        glob: String = "glob",
    }
}

wire_struct! {
    /// A kind of object, and which of them.
    MatchResource as "MatchResource" {
        /// The API group; empty is the core group.
        group: String = "group",
        /// The version, or `*`.
        version: String = "version",
        /// The plural, `deployments`.
        resource: String = "resource",
        /// The object's own labels.
        #[serde(skip_serializing_if = "Option::is_none")]
        selector: Option<LabelSelector> = "selector",
    }
}

wire_struct! {
    /// Kubernetes' label selector.
    LabelSelector as "LabelSelector" {
        /// Labels with their values.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        match_labels: BTreeMap<String, String> = "matchLabels",
        /// Requirements on labels.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        match_expressions: Vec<LabelSelectorRequirement> = "matchExpressions",
    }
}

wire_struct! {
    /// A requirement on one label.
    LabelSelectorRequirement as "LabelSelectorRequirement" {
        /// The label.
        key: String = "key",
        /// `In`, `NotIn`, `Exists`, `DoesNotExist`.
        operator: String = "operator",
        /// The values.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        values: Vec<String> = "values",
    }
}

wire_struct! {
    /// Someone whose word counts.
    Authority as "Authority" {
        /// The name, in messages and in `authorityMatches`.
        name: String = "name",
        /// A key.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<KeyRef> = "key",
        /// Certificates of identities.
        #[serde(skip_serializing_if = "Option::is_none")]
        keyless: Option<KeylessRef> = "keyless",
        /// A fixed answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        fixed: Option<StaticRef> = "static",
        /// Where the signatures are, if not beside the image.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        source: Vec<Source> = "source",
        /// The transparency log.
        #[serde(skip_serializing_if = "Option::is_none")]
        ctlog: Option<TransparencyLog> = "ctlog",
        /// Attestations that must be there, in place of a signature.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        attestations: Vec<Attestation> = "attestations",
        /// The timestamp authority.
        #[serde(skip_serializing_if = "Option::is_none")]
        rfc3161_timestamp: Option<Rfc3161Timestamp> = "rfc3161timestamp",
        /// `bundle` or `legacy`.
        #[serde(skip_serializing_if = "String::is_empty")]
        signature_format: String = "signatureFormat",
    }
}

wire_struct! {
    /// A public key.
    KeyRef as "KeyRef" {
        /// In a Secret.
        #[serde(skip_serializing_if = "Option::is_none")]
        secret_ref: Option<SecretReference> = "secretRef",
        /// As PEM.
        #[serde(skip_serializing_if = "String::is_empty")]
        data: String = "data",
        /// In a key management service.
        #[serde(skip_serializing_if = "String::is_empty")]
        kms: String = "kms",
        /// The hash that signatures are over.
        #[serde(skip_serializing_if = "String::is_empty")]
        hash_algorithm: String = "hashAlgorithm",
    }
}

wire_struct! {
    /// Names a Secret.
    SecretReference as "SecretReference" {
        /// The name.
        #[serde(skip_serializing_if = "String::is_empty")]
        name: String = "name",
        /// The namespace.
        #[serde(skip_serializing_if = "String::is_empty")]
        namespace: String = "namespace",
    }
}

wire_struct! {
    /// Certificates, and whom they must name.
    KeylessRef as "KeylessRef" {
        /// The certificate authority's address; only that there is one matters.
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String> = "url",
        /// The identities, one of which must match.
        identities: Option<Vec<Identity>> = "identities",
        /// A certificate authority's certificate.
        #[serde(skip_serializing_if = "Option::is_none")]
        ca_cert: Option<KeyRef> = "ca-cert",
        /// The trust root, in place of the public one.
        #[serde(skip_serializing_if = "String::is_empty")]
        trust_root_ref: String = "trustRootRef",
        /// Do without a certificate timestamp.
        #[serde(skip_serializing_if = "Option::is_none")]
        insecure_ignore_sct: Option<bool> = "insecureIgnoreSCT",
    }
}

wire_struct! {
    /// An identity in a certificate.
    Identity as "Identity" {
        /// The issuer, exactly.
        #[serde(skip_serializing_if = "String::is_empty")]
        issuer: String = "issuer",
        /// The subject, exactly.
        #[serde(skip_serializing_if = "String::is_empty")]
        subject: String = "subject",
        /// The issuer, as a regular expression.
        #[serde(skip_serializing_if = "String::is_empty")]
        issuer_reg_exp: String = "issuerRegExp",
        /// The subject, as a regular expression.
        #[serde(skip_serializing_if = "String::is_empty")]
        subject_reg_exp: String = "subjectRegExp",
    }
}

wire_struct! {
    /// A fixed answer.
    StaticRef as "StaticRef" {
        /// `pass` or `fail`.
        action: String = "action",
        /// What to tell when it fails.
        #[serde(skip_serializing_if = "String::is_empty")]
        message: String = "message",
    }
}

wire_struct! {
    /// Where signatures are.
    Source as "Source" {
        /// The repository.
        #[serde(skip_serializing_if = "String::is_empty")]
        oci: String = "oci",
        /// Secrets to read it with.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        signature_pull_secrets: Vec<SignaturePullSecret> = "signaturePullSecrets",
        /// What stands before `sha256-...` in the tags.
        #[serde(skip_serializing_if = "Option::is_none")]
        tag_prefix: Option<String> = "tagPrefix",
    }
}

wire_struct! {
    /// Names a pull secret.
    SignaturePullSecret as "LocalObjectReference" {
        /// The name.
        #[serde(skip_serializing_if = "String::is_empty")]
        name: String = "name",
    }
}

wire_struct! {
    /// A transparency log.
    TransparencyLog as "TLog" {
        /// Its address.
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String> = "url",
        /// The trust root that has its key.
        #[serde(skip_serializing_if = "String::is_empty")]
        trust_root_ref: String = "trustRootRef",
    }
}

wire_struct! {
    /// A timestamp authority.
    Rfc3161Timestamp as "RFC3161Timestamp" {
        /// The trust root that has its certificates.
        #[serde(skip_serializing_if = "String::is_empty")]
        trust_root_ref: String = "trustRootRef",
    }
}

wire_struct! {
    /// An attestation that must be there.
    Attestation as "Attestation" {
        /// The name, in messages and in `authorityMatches`.
        name: String = "name",
        /// Its type: a URI, or one of cosign's short names.
        predicate_type: String = "predicateType",
        /// A rule over its statement.
        #[serde(skip_serializing_if = "Option::is_none")]
        policy: Option<PolicyText> = "policy",
    }
}

wire_struct! {
    /// A rule, and what it is shown.
    PolicyText as "Policy" {
        /// `cue` or `rego`.
        language: String = "type",
        /// The text.
        #[serde(skip_serializing_if = "String::is_empty")]
        data: String = "data",
        /// The text is at an address.
        #[serde(skip_serializing_if = "Option::is_none")]
        remote: Option<RemotePolicy> = "remote",
        /// The text is in a ConfigMap.
        #[serde(skip_serializing_if = "Option::is_none")]
        config_map_ref: Option<ConfigMapReference> = "configMapRef",
        /// Show it the image's configuration.
        #[serde(skip_serializing_if = "Option::is_none")]
        fetch_config_file: Option<bool> = "fetchConfigFile",
        /// Show it the object's `spec`.
        #[serde(skip_serializing_if = "Option::is_none")]
        include_spec: Option<bool> = "includeSpec",
        /// Show it the object's `metadata`.
        #[serde(skip_serializing_if = "Option::is_none")]
        include_object_meta: Option<bool> = "includeObjectMeta",
        /// Show it the object's kind and version.
        #[serde(skip_serializing_if = "Option::is_none")]
        include_type_meta: Option<bool> = "includeTypeMeta",
    }
}

wire_struct! {
    /// A text at an address.
    RemotePolicy as "RemotePolicy" {
        /// The address.
        #[serde(skip_serializing_if = "String::is_empty")]
        url: String = "url",
        /// The text's hash.
        #[serde(skip_serializing_if = "String::is_empty")]
        sha256sum: String = "sha256sum",
    }
}

wire_struct! {
    /// A text in a ConfigMap.
    ConfigMapReference as "ConfigMapReference" {
        /// The name.
        #[serde(skip_serializing_if = "is_empty")]
        name: String = "name",
        /// The namespace.
        #[serde(skip_serializing_if = "is_empty")]
        namespace: String = "namespace",
        /// The key.
        #[serde(skip_serializing_if = "is_empty")]
        key: String = "key",
    }
}

/// Go writes a list that was never set as `null`.
fn null_if_empty<S: serde::Serializer>(
    list: &Vec<ImagePattern>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if list.is_empty() {
        serializer.serialize_none()
    } else {
        serializer.collect_seq(list)
    }
}
