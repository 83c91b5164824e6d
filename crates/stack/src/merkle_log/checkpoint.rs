//! Signed tree heads as C2SP checkpoints (tlog-checkpoint, signed-note), in Rekor v1's form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog_tiles::Hash;

use super::LogIdentity;
use crate::public_key::{HashAlgorithm, PublicKey};
use crate::signing_key::KeyError;

/// A tree head this log has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) size: u64,
    pub(crate) root: [u8; 32],
    /// The whole signed note.
    pub(crate) note: String,
}

impl Checkpoint {
    /// Signs the head of a tree.
    pub(crate) fn sign(
        identity: &LogIdentity,
        size: u64,
        root: Hash,
    ) -> Result<Checkpoint, KeyError> {
        let text = note_text(&identity.origin, size, &root.0);
        let mut signature = identity.key.id()[..HINT].to_vec();
        signature.extend(identity.key.sign(text.as_bytes())?);
        let note = format!(
            "{text}\n\u{2014} {} {}\n",
            identity.signer,
            STANDARD.encode(signature)
        );
        Ok(Checkpoint {
            size,
            root: root.0,
            note,
        })
    }

    /// Reads a checkpoint and checks that this very log signed it.
    pub(crate) fn verify(note: &str, identity: &LogIdentity) -> Option<Checkpoint> {
        let (text, signatures) = note.split_once("\n\n")?;
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        if origin != identity.origin || lines.next().is_some() {
            return None;
        }
        let size: u64 = size.parse().ok()?;
        let root: [u8; 32] = STANDARD.decode(root).ok()?.try_into().ok()?;
        let prefix = format!("\u{2014} {} ", identity.signer);
        let signature = signatures.strip_prefix(&prefix)?.strip_suffix('\n')?;
        let signature = STANDARD.decode(signature).ok()?;
        let (hint, signature) = signature.split_at_checked(HINT)?;
        if hint != &identity.key.id()[..HINT] {
            return None;
        }
        // Rebuilt, not cut from the input: what is verified is what was parsed.
        let text = note_text(origin, size, &root);
        let key = PublicKey::from_der(identity.key.public_der()).ok()?;
        key.verify(HashAlgorithm::Sha256, text.as_bytes(), signature)
            .ok()?;
        Some(Checkpoint {
            size,
            root,
            note: note.to_owned(),
        })
    }
}

fn note_text(origin: &str, size: u64, root: &[u8; 32]) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
}

/// Bytes of the key id that begin a note signature.
const HINT: usize = 4;
