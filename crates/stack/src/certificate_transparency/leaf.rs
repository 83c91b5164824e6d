//! The byte structures of RFC 6962.

use const_oid::ObjectIdentifier;
use der::{Reader as _, SliceReader};
use x509_cert::certificate::TbsCertificate;

use super::SubmitError;

/// What is logged about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LoggedCertificate {
    Certificate(Vec<u8>),
    Precertificate {
        issuer_key_hash: [u8; 32],
        tbs: Vec<u8>,
    },
}

impl LoggedCertificate {
    /// `MerkleTreeLeaf` (RFC 6962 §3.4), which is hashed into the tree.
    pub(super) fn merkle_leaf(&self, timestamp: u64) -> Vec<u8> {
        let mut leaf = vec![VERSION, TIMESTAMPED_ENTRY];
        self.put_timestamped_entry(&mut leaf, timestamp);
        leaf
    }

    /// The part that the leaf and the signature have in common.
    fn put_timestamped_entry(&self, out: &mut Vec<u8>, timestamp: u64) {
        out.extend(timestamp.to_be_bytes());
        match self {
            LoggedCertificate::Certificate(der) => {
                out.extend(X509_ENTRY);
                put_opaque_24(out, der);
            }
            LoggedCertificate::Precertificate {
                issuer_key_hash,
                tbs,
            } => {
                out.extend(PRECERT_ENTRY);
                out.extend(issuer_key_hash);
                put_opaque_24(out, tbs);
            }
        }
        // No extensions: the widest compatibility.
        put_opaque_16(out, &[]);
    }
}

/// What a signed certificate timestamp signs (RFC 6962 §3.2).
pub(super) fn signed_timestamp_input(logged: &LoggedCertificate, timestamp: u64) -> Vec<u8> {
    let mut input = vec![VERSION, CERTIFICATE_TIMESTAMP];
    logged.put_timestamped_entry(&mut input, timestamp);
    input
}

/// What a signed tree head signs (RFC 6962 §3.5).
pub(super) fn tree_head_input(timestamp: u64, size: u64, root: &[u8; 32]) -> Vec<u8> {
    let mut input = vec![VERSION, TREE_HASH];
    input.extend(timestamp.to_be_bytes());
    input.extend(size.to_be_bytes());
    input.extend(root);
    input
}

/// A signature as TLS writes one: SHA-256, ECDSA.
pub(super) fn digitally_signed(signature: &[u8]) -> Vec<u8> {
    let mut out = vec![4, 3];
    put_opaque_16(&mut out, signature);
    out
}

/// `tbs` without the poison that marks a precertificate.
pub(super) fn without_poison(mut tbs: TbsCertificate) -> Result<TbsCertificate, SubmitError> {
    if !is_poisoned(&tbs) {
        return Err(SubmitError::NotPoisoned);
    }
    if let Some(extensions) = &mut tbs.extensions {
        extensions.retain(|extension| extension.extn_id != POISON);
    }
    Ok(tbs)
}

pub(super) fn is_poisoned(tbs: &TbsCertificate) -> bool {
    let extensions = tbs.extensions.as_deref().unwrap_or_default();
    extensions.iter().any(|e| e.extn_id == POISON)
}

/// The bytes of the first element of a SEQUENCE: what the signature of a certificate or a request
/// is over. Cut from the input, because what was signed must not be encoded again.
pub(crate) fn signed_part(der: &[u8]) -> Option<&[u8]> {
    let mut outer = SliceReader::new(der).ok()?;
    let header: der::Header = outer.decode().ok()?;
    if header.tag != der::Tag::Sequence {
        return None;
    }
    outer.tlv_bytes().ok()
}

pub(super) fn put_opaque_24(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend(&length.to_be_bytes()[1..]);
    out.extend(bytes);
}

pub(super) fn put_opaque_16(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend(bytes);
}

/// Critical, so that no client takes a precertificate for a certificate.
pub(crate) const POISON: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.3");

const VERSION: u8 = 0;
const TIMESTAMPED_ENTRY: u8 = 0;
const CERTIFICATE_TIMESTAMP: u8 = 0;
const TREE_HASH: u8 = 1;
const X509_ENTRY: [u8; 2] = [0, 0];
const PRECERT_ENTRY: [u8; 2] = [0, 1];
