//! `trusted_root.json` as the Sigstore protobuf specification writes it.

use jiff::Timestamp;
use serde::Deserialize;

use crate::base64_bytes::Base64Bytes;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrustedRoot {
    pub(super) media_type: String,
    #[serde(default)]
    pub(super) tlogs: Vec<LogInstance>,
    #[serde(default)]
    pub(super) certificate_authorities: Vec<AuthorityInstance>,
    #[serde(default)]
    pub(super) ctlogs: Vec<LogInstance>,
    #[serde(default)]
    pub(super) timestamp_authorities: Vec<AuthorityInstance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogInstance {
    #[serde(default)]
    pub(super) base_url: String,
    pub(super) public_key: LogPublicKey,
    pub(super) log_id: LogIdentifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogPublicKey {
    pub(super) raw_bytes: Base64Bytes,
    #[serde(default)]
    pub(super) key_details: String,
    pub(super) valid_for: Option<TimeRange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogIdentifier {
    pub(super) key_id: Base64Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthorityInstance {
    #[serde(default)]
    pub(super) uri: String,
    pub(super) cert_chain: CertificateChain,
    pub(super) valid_for: Option<TimeRange>,
}

#[derive(Deserialize)]
pub(super) struct CertificateChain {
    #[serde(default)]
    pub(super) certificates: Vec<RawCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawCertificate {
    pub(super) raw_bytes: Base64Bytes,
}

#[derive(Clone, Copy, Deserialize)]
pub(super) struct TimeRange {
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
}
