//! The bodies of log entries as Rekor's versions write them. Each must have exactly these fields.

use serde::Deserialize;

use crate::base64_bytes::Base64Bytes;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Head<'a> {
    pub(super) api_version: String,
    pub(super) kind: String,
    #[serde(borrow)]
    pub(super) spec: &'a serde_json::value::RawValue,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hash {
    pub(super) algorithm: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordV1 {
    pub(super) data: HashedRekordV1Data,
    pub(super) signature: HashedRekordV1Signature,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordV1Data {
    pub(super) hash: Hash,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct HashedRekordV1Signature {
    pub(super) content: Base64Bytes,
    pub(super) public_key: HashedRekordV1Key,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordV1Key {
    pub(super) content: Base64Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordV2Spec {
    #[serde(rename = "hashedRekordV002")]
    pub(super) inner: HashedRekordV2,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HashedRekordV2 {
    pub(super) data: BinaryHash,
    pub(super) signature: SignatureV2,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BinaryHash {
    pub(super) algorithm: String,
    pub(super) digest: Base64Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureV2 {
    pub(super) content: Base64Bytes,
    pub(super) verifier: VerifierV2,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct VerifierV2 {
    pub(super) key_details: String,
    pub(super) public_key: Option<RawBytes>,
    pub(super) x509_certificate: Option<RawBytes>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawBytes {
    pub(super) raw_bytes: Base64Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DsseV1 {
    pub(super) envelope_hash: Hash,
    pub(super) payload_hash: Hash,
    pub(super) signatures: Vec<DsseV1Signature>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DsseV1Signature {
    pub(super) signature: Base64Bytes,
    pub(super) verifier: Base64Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DsseV2Spec {
    #[serde(rename = "dsseV002")]
    pub(super) inner: DsseV2,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DsseV2 {
    pub(super) payload_hash: BinaryHash,
    pub(super) signatures: Vec<SignatureV2>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntotoV1 {
    pub(super) content: IntotoV1Content,
    pub(super) public_key: Base64Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntotoV1Content {
    pub(super) hash: Hash,
    pub(super) payload_hash: Option<Hash>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntotoV2 {
    pub(super) content: IntotoV2Content,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntotoV2Content {
    pub(super) envelope: IntotoV2Envelope,
    pub(super) hash: Hash,
    pub(super) payload_hash: Hash,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntotoV2Envelope {
    pub(super) payload: Option<Base64Bytes>,
    #[allow(dead_code, reason = "compared when the body is rebuilt")]
    pub(super) payload_type: String,
    pub(super) signatures: Vec<IntotoV2Signature>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IntotoV2Signature {
    pub(super) keyid: Option<String>,
    pub(super) public_key: Base64Bytes,
    pub(super) sig: Base64Bytes,
}
