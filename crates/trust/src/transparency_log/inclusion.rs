//! Inclusion proofs (RFC 6962): the way from an entry to the root of the tree.

use sigstore_merkle::{hash_leaf, verify_inclusion_proof};
use sigstore_types::Sha256Hash;

use super::InclusionProof;
use crate::error::VerifyError;
use crate::trust_root::Log;

/// Checks that `body` is in the tree whose root the proof names. That the root is the log's is the
/// checkpoint's word.
pub(super) fn verify(body: &[u8], proof: &InclusionProof, log: &Log) -> Result<(), VerifyError> {
    let hashes: Vec<_> = proof.hashes.iter().copied().map(Sha256Hash::new).collect();
    verify_inclusion_proof(
        &hash_leaf(body),
        proof.index,
        proof.size,
        &hashes,
        &Sha256Hash::new(proof.root),
    )
    .map_err(|_| VerifyError::InclusionProof {
        url: log.url.clone(),
    })
}
