//! The Sigstore bundle as its protobuf specification writes it in JSON.
//!
//! As in protobuf's JSON an unknown or repeated field is an error and `null` is an absent field.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::base64_bytes::Base64Bytes;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Bundle {
    pub(super) media_type: String,
    pub(super) verification_material: Option<VerificationMaterial>,
    pub(super) message_signature: Option<MessageSignature>,
    pub(super) dsse_envelope: Option<crate::envelope::Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct VerificationMaterial {
    pub(super) certificate: Option<Certificate>,
    pub(super) x509_certificate_chain: Option<CertificateChain>,
    pub(super) public_key: Option<PublicKeyIdentifier>,
    pub(super) tlog_entries: Option<Vec<LogEntry>>,
    pub(super) timestamp_verification_data: Option<TimestampVerificationData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) raw_bytes: Base64Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateChain {
    pub(super) certificates: Option<Vec<Certificate>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublicKeyIdentifier {
    pub(super) hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TimestampVerificationData {
    pub(super) rfc3161_timestamps: Option<Vec<SignedTimestamp>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SignedTimestamp {
    pub(super) signed_timestamp: Base64Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogEntry {
    pub(super) log_index: Option<Number>,
    pub(super) log_id: Option<LogIdentifier>,
    pub(super) kind_version: Option<KindVersion>,
    pub(super) integrated_time: Option<Number>,
    pub(super) inclusion_promise: Option<InclusionPromise>,
    pub(super) inclusion_proof: Option<InclusionProof>,
    pub(super) canonicalized_body: Option<Base64Bytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogIdentifier {
    pub(super) key_id: Base64Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindVersion {
    pub(super) kind: String,
    pub(super) version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InclusionPromise {
    pub(super) signed_entry_timestamp: Base64Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InclusionProof {
    pub(super) log_index: Option<Number>,
    pub(super) root_hash: Option<Base64Bytes>,
    pub(super) tree_size: Option<Number>,
    pub(super) hashes: Option<Vec<Base64Bytes>>,
    pub(super) checkpoint: Option<Checkpoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub(super) envelope: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MessageSignature {
    pub(super) message_digest: Option<MessageDigest>,
    pub(super) signature: Option<Base64Bytes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageDigest {
    pub(super) algorithm: Option<String>,
    pub(super) digest: Option<Base64Bytes>,
}

/// A 64-bit integer, which protobuf's JSON writes as a string and reads as a number too.
#[derive(Clone, Copy)]
pub(super) struct Number(pub(super) i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a 64-bit integer")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                i64::try_from(number).map(Number).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
