//! Sigstore bundles, versions 0.1 to 0.3.

pub(crate) mod legacy;
mod wire;

use der::Decode;

use crate::base64_bytes::Base64Bytes;
use crate::envelope::Envelope;
use crate::error::{EntryPart, MaterialError};
use crate::material::{Claims, KeyMaterial, Message, SignedContent, StatedDigest};
use crate::transparency_log::{Entry, InclusionProof};

/// Reads a bundle into what it claims. Only the form is judged here.
pub(crate) fn read(json: &[u8]) -> Result<Claims, MaterialError> {
    if json.len() > MAXIMAL_SIZE {
        return Err(MaterialError::TooLarge {
            limit: MAXIMAL_SIZE,
            found: json.len(),
        });
    }
    let wire: wire::Bundle =
        serde_json::from_slice(json).map_err(|error| MaterialError::Syntax {
            line: error.line(),
            column: error.column(),
        })?;
    let version = Version::of(&wire.media_type)?;
    let material = wire
        .verification_material
        .ok_or(MaterialError::NoKeyMaterial)?;
    let content = match (wire.message_signature, wire.dsse_envelope) {
        (Some(message), None) => SignedContent::Message(self::message(message)?),
        (None, Some(envelope)) => SignedContent::Envelope(Envelope::of_bundle(envelope)?),
        (None, None) => return Err(MaterialError::NoContent),
        (Some(_), Some(_)) => return Err(MaterialError::TwoContents),
    };
    let timestamps = material
        .timestamp_verification_data
        .and_then(|data| data.rfc3161_timestamps)
        .unwrap_or_default();
    let timestamps: Vec<_> = timestamps
        .into_iter()
        .map(|one| one.signed_timestamp.0)
        .collect();
    if timestamps.len() > MAXIMAL_TIMESTAMPS {
        let found = timestamps.len();
        return Err(MaterialError::TooManyTimestamps {
            limit: MAXIMAL_TIMESTAMPS,
            found,
        });
    }
    let key = key_material(
        material.certificate,
        material.x509_certificate_chain,
        material.public_key,
        version,
    )?;
    let entries = entries(material.tlog_entries.unwrap_or_default(), version)?;
    Ok(Claims {
        content,
        key,
        entries,
        timestamps,
    })
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V01,
    V02,
    V03,
}

impl Version {
    fn of(media_type: &str) -> Result<Self, MaterialError> {
        match media_type {
            "application/vnd.dev.sigstore.bundle+json;version=0.1" => Ok(Self::V01),
            "application/vnd.dev.sigstore.bundle+json;version=0.2" => Ok(Self::V02),
            "application/vnd.dev.sigstore.bundle+json;version=0.3"
            | "application/vnd.dev.sigstore.bundle.v0.3+json" => Ok(Self::V03),
            other => Err(MaterialError::MediaType {
                found: other.chars().take(128).collect(),
            }),
        }
    }
}

fn message(wire: wire::MessageSignature) -> Result<Message, MaterialError> {
    let signature = wire.signature.unwrap_or_default().0;
    if signature.is_empty() {
        return Err(MaterialError::NoSignature);
    }
    let digest = match wire.message_digest {
        None => StatedDigest::Missing,
        Some(digest) => {
            let bytes = digest.digest.unwrap_or_default().0;
            let algorithm = digest.algorithm.unwrap_or_default();
            let is_absent = matches!(algorithm.as_str(), "" | "HASH_ALGORITHM_UNSPECIFIED");
            if is_absent && bytes.is_empty() {
                return Ok(Message {
                    digest: StatedDigest::Missing,
                    signature,
                });
            }
            let length = match algorithm.as_str() {
                "SHA2_256" => 32,
                "SHA2_384" => 48,
                "SHA2_512" => 64,
                _ => return Err(MaterialError::MessageDigest),
            };
            if bytes.len() != length {
                return Err(MaterialError::MessageDigest);
            }
            StatedDigest::Digest(bytes)
        }
    };
    Ok(Message { digest, signature })
}

fn key_material(
    certificate: Option<wire::Certificate>,
    chain: Option<wire::CertificateChain>,
    public_key: Option<wire::PublicKeyIdentifier>,
    version: Version,
) -> Result<KeyMaterial, MaterialError> {
    match (certificate, chain, public_key) {
        (Some(certificate), None, None) => Ok(KeyMaterial::Certificate {
            leaf: certificate.raw_bytes.0,
            intermediates: Vec::new(),
        }),
        (None, Some(_), None) if version >= Version::V03 => Err(MaterialError::ChainInVersion3),
        (None, Some(chain), None) => {
            let mut chain = chain.certificates.unwrap_or_default().into_iter();
            let Some(leaf) = chain.next() else {
                return Err(MaterialError::EmptyChain);
            };
            let intermediates: Vec<_> = chain.map(|one| one.raw_bytes.0).collect();
            if intermediates.len() > MAXIMAL_INTERMEDIATES {
                return Err(MaterialError::TooManyCertificates {
                    limit: MAXIMAL_INTERMEDIATES,
                    found: intermediates.len(),
                });
            }
            // Whoever sends a root wants to be asked about it (protobuf-specs: it must not be there).
            if intermediates.iter().any(|der| is_self_issued(der)) {
                return Err(MaterialError::RootInChain);
            }
            Ok(KeyMaterial::Certificate {
                leaf: leaf.raw_bytes.0,
                intermediates,
            })
        }
        (None, None, Some(key)) => Ok(KeyMaterial::Hint(key.hint.unwrap_or_default())),
        (None, None, None) => Err(MaterialError::NoKeyMaterial),
        _ => Err(MaterialError::TwoKeyMaterials),
    }
}

fn is_self_issued(der: &[u8]) -> bool {
    x509_cert::Certificate::from_der(der)
        .is_ok_and(|read| read.tbs_certificate.issuer == read.tbs_certificate.subject)
}

fn entries(wire: Vec<wire::LogEntry>, version: Version) -> Result<Vec<Entry>, MaterialError> {
    if wire.len() > MAXIMAL_ENTRIES {
        return Err(MaterialError::TooManyEntries {
            limit: MAXIMAL_ENTRIES,
            found: wire.len(),
        });
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(wire.len());
    for one in wire {
        let entry = entry(one)?;
        match version {
            Version::V01 if entry.promise.is_none() => return Err(MaterialError::NoPromise),
            Version::V02 | Version::V03 if entry.proof.is_none() => {
                return Err(MaterialError::NoProof);
            }
            _ => {}
        }
        // Two copies of one entry could pass for two logs (sigstore-go, GHSA-cq38-jh5f-37mq).
        if entries.iter().any(|other| other.is_same_place(&entry)) {
            return Err(MaterialError::DuplicateEntry);
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(wire: wire::LogEntry) -> Result<Entry, MaterialError> {
    let fault = |part| MaterialError::Entry { part };
    let kind = wire.kind_version.ok_or(fault(EntryPart::Kind))?;
    let promise = wire
        .inclusion_promise
        .map(|promise| promise.signed_entry_timestamp.0);
    if promise.as_ref().is_some_and(Vec::is_empty) {
        return Err(fault(EntryPart::Promise));
    }
    let integrated_time = wire.integrated_time.map_or(0, |number| number.0);
    if integrated_time < 0 {
        return Err(fault(EntryPart::IntegratedTime));
    }
    let body = wire.canonicalized_body.unwrap_or_default().0;
    if body.is_empty() {
        return Err(fault(EntryPart::Body));
    }
    Ok(Entry {
        log_index: natural(wire.log_index).ok_or(fault(EntryPart::Index))?,
        log_id: wire.log_id.ok_or(fault(EntryPart::LogId))?.key_id.0,
        kind: Some((kind.kind, kind.version)),
        // Zero is protobuf's way to say that there is none, as in Rekor v2.
        integrated_time: (integrated_time != 0).then_some(integrated_time),
        promise,
        proof: wire.inclusion_proof.map(proof).transpose()?,
        body,
    })
}

fn proof(wire: wire::InclusionProof) -> Result<InclusionProof, MaterialError> {
    let fault = MaterialError::Entry {
        part: EntryPart::Proof,
    };
    let hash = |bytes: Base64Bytes| <[u8; 32]>::try_from(bytes.0.as_slice()).ok();
    let hashes = wire.hashes.unwrap_or_default();
    if hashes.len() > MAXIMAL_PROOF {
        return Err(fault);
    }
    let hashes: Option<Vec<_>> = hashes.into_iter().map(hash).collect();
    let checkpoint = wire
        .checkpoint
        .and_then(|found| found.envelope)
        .unwrap_or_default();
    if checkpoint.is_empty() {
        return Err(MaterialError::Entry {
            part: EntryPart::Checkpoint,
        });
    }
    Ok(InclusionProof {
        index: natural(wire.log_index).ok_or(fault.clone())?,
        size: natural(wire.tree_size).ok_or(fault.clone())?,
        root: wire.root_hash.and_then(hash).ok_or(fault.clone())?,
        hashes: hashes.ok_or(fault)?,
        checkpoint,
    })
}

fn natural(number: Option<wire::Number>) -> Option<u64> {
    u64::try_from(number.map_or(0, |found| found.0)).ok()
}

/// cosign's cap for what it fetches (COSIGN_MAX_ATTACHMENT_SIZE).
pub(crate) const MAXIMAL_SIZE: usize = 128 << 20;
/// The caps of sigstore-go (pkg/verify) and sigstore-python.
pub(crate) const MAXIMAL_ENTRIES: usize = 32;
pub(crate) const MAXIMAL_TIMESTAMPS: usize = 32;
/// A chain of Fulcio has one or two; webpki follows six.
pub(crate) const MAXIMAL_INTERMEDIATES: usize = 8;
/// A path in a tree of 2^64 leaves.
pub(crate) const MAXIMAL_PROOF: usize = 64;
