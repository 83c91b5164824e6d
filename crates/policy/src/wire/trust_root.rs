//! `TrustRoot`, field by field.

use serde_json::Value;

use super::decode::{Bytes, DecodeError, Place, UnknownFields, is_empty, wire_struct};
use super::object::{Object, Version, spec_of};

/// A TrustRoot.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustRoot {
    /// The version it was written in.
    pub version: Version,
    /// `metadata.name`.
    pub name: String,
    /// `metadata`, as it came.
    pub metadata: Value,
    /// `spec`.
    pub spec: TrustRootSpec,
    /// `status`, as it came.
    pub status: Value,
}

impl TrustRoot {
    /// Decodes the object.
    pub fn decode(object: &Object, unknown: UnknownFields) -> Result<Self, DecodeError> {
        let mut place = Place::new(unknown);
        let (metadata, spec, status) = spec_of(object, &mut place, "TrustRoot")?;
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
            "kind": "TrustRoot",
            "metadata": self.metadata,
            "spec": serde_json::to_value(&self.spec).unwrap_or_default(),
            "status": self.status,
        })
    }
}

wire_struct! {
    /// `spec`: exactly one of three.
    TrustRootSpec as "TrustRootSpec" {
        /// A TUF repository at an address.
        #[serde(skip_serializing_if = "Option::is_none")]
        remote: Option<Remote> = "remote",
        /// A TUF repository in the object.
        #[serde(skip_serializing_if = "Option::is_none")]
        repository: Option<Repository> = "repository",
        /// The keys themselves.
        #[serde(skip_serializing_if = "Option::is_none")]
        sigstore_keys: Option<SigstoreKeys> = "sigstoreKeys",
    }
}

wire_struct! {
    /// A TUF repository at an address.
    Remote as "Remote" {
        /// root.json.
        #[serde(skip_serializing_if = "is_empty")]
        root: Bytes = "root",
        /// The address.
        #[serde(skip_serializing_if = "String::is_empty")]
        mirror: String = "mirror",
        /// The folder of the targets.
        #[serde(skip_serializing_if = "String::is_empty")]
        targets: String = "targets",
        /// The target that is the trusted root.
        #[serde(skip_serializing_if = "String::is_empty")]
        trusted_root_target: String = "trustedRootTarget",
    }
}

wire_struct! {
    /// A TUF repository in the object.
    Repository as "Repository" {
        /// root.json.
        #[serde(skip_serializing_if = "is_empty")]
        root: Bytes = "root",
        /// The repository, a gzipped tar.
        #[serde(skip_serializing_if = "is_empty")]
        mirror_fs: Bytes = "mirrorFS",
        /// The folder of the targets.
        #[serde(skip_serializing_if = "String::is_empty")]
        targets: String = "targets",
        /// The target that is the trusted root.
        #[serde(skip_serializing_if = "String::is_empty")]
        trusted_root_target: String = "trustedRootTarget",
    }
}

wire_struct! {
    /// The keys themselves.
    SigstoreKeys as "SigstoreKeys" {
        /// Certificate authorities.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        certificate_authorities: Vec<CertificateAuthority> = "certificateAuthorities",
        /// Transparency logs.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        transparency_logs: Vec<TransparencyLogInstance> = "tLogs",
        /// Certificate transparency logs.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ct_logs: Vec<TransparencyLogInstance> = "ctLogs",
        /// Timestamp authorities.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        timestamp_authorities: Vec<CertificateAuthority> = "timestampAuthorities",
    }
}

wire_struct! {
    /// A certificate authority or timestamp authority.
    CertificateAuthority as "CertificateAuthority" {
        /// Its name.
        subject: DistinguishedName = "subject",
        /// Its address.
        #[serde(skip_serializing_if = "String::is_empty")]
        uri: String = "uri",
        /// Its certificates, PEM.
        #[serde(skip_serializing_if = "is_empty")]
        cert_chain: Bytes = "certChain",
    }
}

wire_struct! {
    /// A name.
    DistinguishedName as "DistinguishedName" {
        /// O.
        #[serde(skip_serializing_if = "String::is_empty")]
        organization: String = "organization",
        /// CN.
        #[serde(skip_serializing_if = "String::is_empty")]
        common_name: String = "commonName",
    }
}

wire_struct! {
    /// A log.
    TransparencyLogInstance as "TransparencyLogInstance" {
        /// Its address.
        #[serde(skip_serializing_if = "String::is_empty")]
        base_url: String = "baseURL",
        /// The hash of its tree.
        #[serde(skip_serializing_if = "String::is_empty")]
        hash_algorithm: String = "hashAlgorithm",
        /// Its key, PEM.
        #[serde(skip_serializing_if = "is_empty")]
        public_key: Bytes = "publicKey",
    }
}
