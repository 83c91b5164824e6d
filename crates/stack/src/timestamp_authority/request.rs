//! What a client asks: RFC 3161 §2.4.1 in DER, or the JSON form of Sigstore's own server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_SHA_256, ID_SHA_384, ID_SHA_512};
use der::asn1::{Any, Int, OctetString};
use der::{Decode as _, Sequence};
use serde::Deserialize;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::public_key::HashAlgorithm;

/// A request this authority can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimestampRequest {
    pub(super) imprint: MessageImprint,
    pub(super) nonce: Option<Int>,
    /// Whether the token shall hold the authority's certificate.
    pub(super) certificate_wanted: bool,
}

/// `MessageImprint` of RFC 3161.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct MessageImprint {
    pub(super) hash_algorithm: AlgorithmIdentifierOwned,
    pub(super) hashed_message: OctetString,
}

impl TimestampRequest {
    /// Reads a DER `TimeStampReq`.
    pub(super) fn from_der(der: &[u8]) -> Result<TimestampRequest, RequestError> {
        let request = Wire::from_der(der).map_err(|_| RequestError::Unreadable)?;
        if request.version != 1 {
            return Err(RequestError::Version);
        }
        if request.extensions.is_some() {
            return Err(RequestError::Extensions);
        }
        check_policy(request.policy)?;
        let imprint = request.imprint;
        // SHA-1 and other relics end here: the name is on no list.
        let hash = match imprint.hash_algorithm.oid {
            ID_SHA_256 => HashAlgorithm::Sha256,
            ID_SHA_384 => HashAlgorithm::Sha384,
            ID_SHA_512 => HashAlgorithm::Sha512,
            _ => return Err(RequestError::HashAlgorithm),
        };
        TimestampRequest::new(
            hash,
            imprint.hashed_message.as_bytes(),
            request.nonce,
            request.certificate_wanted,
        )
    }

    /// Reads the JSON form.
    pub(super) fn from_json(json: &[u8]) -> Result<TimestampRequest, RequestError> {
        let request: Json = serde_json::from_slice(json).map_err(|_| RequestError::Unreadable)?;
        let hash =
            HashAlgorithm::named(&request.hash_algorithm).ok_or(RequestError::HashAlgorithm)?;
        let digest = STANDARD
            .decode(&request.artifact_hash)
            .map_err(|_| RequestError::Unreadable)?;
        let policy = request
            .policy
            .filter(|text| !text.is_empty())
            .map(|text| ObjectIdentifier::new(&text).map_err(|_| RequestError::Policy))
            .transpose()?;
        check_policy(policy)?;
        let nonce = request.nonce.map(nonce).transpose()?;
        TimestampRequest::new(hash, &digest, nonce, request.certificates)
    }

    fn new(
        hash: HashAlgorithm,
        digest: &[u8],
        nonce: Option<Int>,
        certificate_wanted: bool,
    ) -> Result<TimestampRequest, RequestError> {
        if digest.len() != hash.length() {
            return Err(RequestError::DigestLength);
        }
        Ok(TimestampRequest {
            imprint: MessageImprint {
                hash_algorithm: AlgorithmIdentifierOwned {
                    oid: match hash {
                        HashAlgorithm::Sha256 => ID_SHA_256,
                        HashAlgorithm::Sha384 => ID_SHA_384,
                        HashAlgorithm::Sha512 => ID_SHA_512,
                    },
                    parameters: Some(Any::null()),
                },
                hashed_message: OctetString::new(digest).map_err(|_| RequestError::Unreadable)?,
            },
            nonce,
            certificate_wanted,
        })
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the request is no timestamp query, in DER or in JSON")]
    Unreadable,
    #[error("the request's version is not 1")]
    Version,
    #[error("request extensions are not supported")]
    Extensions,
    #[error("the only policy of this authority is {POLICY}")]
    Policy,
    #[error("the hash algorithm is none of SHA-256, SHA-384 and SHA-512")]
    HashAlgorithm,
    #[error("the digest's length is not that of its hash algorithm")]
    DigestLength,
    #[error("the request's content type is neither timestamp query nor JSON")]
    ContentType,
}

fn check_policy(policy: Option<ObjectIdentifier>) -> Result<(), RequestError> {
    match policy {
        Some(policy) if policy != POLICY => Err(RequestError::Policy),
        _ => Ok(()),
    }
}

/// A JSON number as an ASN.1 integer.
fn nonce(number: i64) -> Result<Int, RequestError> {
    let bytes = number.to_be_bytes();
    // DER wants the shortest form: drop leading bytes that only repeat the sign.
    let mut start = 0;
    while start < 7 {
        let redundant = (bytes[start] == 0 && bytes[start + 1] < 0x80)
            || (bytes[start] == 0xff && bytes[start + 1] >= 0x80);
        if !redundant {
            break;
        }
        start += 1;
    }
    Int::new(&bytes[start..]).map_err(|_| RequestError::Unreadable)
}

/// `TimeStampReq`.
#[derive(Sequence)]
struct Wire {
    version: u8,
    imprint: MessageImprint,
    #[asn1(optional = "true")]
    policy: Option<ObjectIdentifier>,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(default = "no")]
    certificate_wanted: bool,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Vec<x509_cert::ext::Extension>>,
}

fn no() -> bool {
    false
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    #[serde(rename = "artifactHash")]
    artifact_hash: String,
    #[serde(rename = "hashAlgorithm")]
    hash_algorithm: String,
    #[serde(default)]
    certificates: bool,
    nonce: Option<i64>,
    #[serde(rename = "tsaPolicyOID")]
    policy: Option<String>,
}

/// Sigstore's policy for timestamps.
pub(super) const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.2");

#[cfg(test)]
mod tests {
    use super::*;
    use der::Encode as _;

    #[test]
    fn nonces_are_shortest() {
        for (number, der) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (-1, &[2, 1, 0xff]),
            (-129, &[2, 2, 0xff, 0x7f]),
            (i64::MAX, &[2, 8, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(nonce(number).unwrap().to_der().unwrap(), der);
        }
    }
}
