//! Checkpoints (C2SP tlog-checkpoint, signed-note): the log's word on size and root of its tree.

use super::InclusionProof;
use crate::base64_bytes;
use crate::error::{CheckpointFault, VerifyError};
use crate::public_key::HashRule;
use crate::trust_root::Log;

/// Checks that the checkpoint beside `proof` is by `log` and of the same tree.
///
/// Signatures by others, such as witnesses, are neither needed nor harmful.
pub(super) fn verify(
    proof: &InclusionProof,
    log: &Log,
    is_of_rekor_v2: bool,
) -> Result<(), VerifyError> {
    let fault = |fault| VerifyError::Checkpoint {
        url: log.url.clone(),
        fault,
    };
    let checkpoint =
        Checkpoint::read(&proof.checkpoint).ok_or(fault(CheckpointFault::Unreadable))?;
    // In v1 the origin is a host name and the tree's number, and the host may be another than that of
    // the URL; there the key's identifier alone tells the log.
    if is_of_rekor_v2 && checkpoint.origin != log.host {
        return Err(fault(CheckpointFault::Origin));
    }
    if checkpoint.size != proof.size || checkpoint.root != proof.root {
        return Err(fault(CheckpointFault::Tree));
    }
    let mut claimed = false;
    for line in checkpoint.signatures.lines() {
        let Some(signature) = NoteSignature::read(line) else {
            continue;
        };
        if log.id.get(..4) != Some(&signature.hint) {
            continue;
        }
        if is_of_rekor_v2 && signature.name != log.host {
            continue;
        }
        claimed = true;
        let signed = log.key.verify(
            checkpoint.text.as_bytes(),
            &signature.signature,
            HashRule::Usual,
        );
        if signed.is_ok() {
            return Ok(());
        }
    }
    Err(fault(if claimed {
        CheckpointFault::Signature
    } else {
        CheckpointFault::NoSignature
    }))
}

struct Checkpoint<'a> {
    /// What is signed: everything before the blank line.
    text: &'a str,
    origin: &'a str,
    size: u64,
    root: [u8; 32],
    signatures: &'a str,
}

impl<'a> Checkpoint<'a> {
    fn read(note: &'a str) -> Option<Self> {
        if note.len() > MAXIMAL_SIZE {
            return None;
        }
        let blank = note.rfind("\n\n")?;
        let (text, signatures) = (note.get(..=blank)?, note.get(blank + 2..)?);
        let mut lines = text.lines();
        let origin = lines.next().filter(|line| !line.is_empty())?;
        let size = lines.next()?;
        // One size has one spelling.
        let is_decimal = size.bytes().all(|byte| byte.is_ascii_digit());
        if !is_decimal || (size.len() > 1 && size.starts_with('0')) {
            return None;
        }
        let root = base64_bytes::decode(lines.next()?)?;
        if lines.any(str::is_empty) {
            return None;
        }
        Some(Self {
            text,
            origin,
            size: size.parse().ok()?,
            root: root.try_into().ok()?,
            signatures,
        })
    }
}

struct NoteSignature<'a> {
    name: &'a str,
    hint: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> NoteSignature<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = base64_bytes::decode(encoded)?;
        let (hint, signature) = bytes.split_first_chunk::<4>()?;
        Some(Self {
            name,
            hint: *hint,
            signature: signature.to_vec(),
        })
    }
}

/// A checkpoint has about 200 bytes, with fifteen witnesses about 3 KB.
const MAXIMAL_SIZE: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::Checkpoint;

    const ROOT: &str = "7kccoAvVLzwdsEsaRPYR8Rs18MAfz4+p25mPtVEHXto=";

    #[test]
    fn reads_what_is_signed() {
        let note = format!("log\n6\n{ROOT}\nTimestamp: 1\n\n\u{2014} log AAAAAAA=\n");
        let checkpoint = Checkpoint::read(&note).unwrap();
        assert_eq!((checkpoint.origin, checkpoint.size), ("log", 6));
        assert_eq!(checkpoint.text, format!("log\n6\n{ROOT}\nTimestamp: 1\n"));
        assert_eq!(checkpoint.signatures, "\u{2014} log AAAAAAA=\n");
    }

    #[test]
    fn refuses_other_spellings() {
        for bad in [
            "",
            "log",
            "log\n6\n\n",
            "log\n06\nROOT\n\n",
            "\n6\nROOT\n\n",
            "log\n+6\nROOT\n\n",
        ] {
            assert!(
                Checkpoint::read(&bad.replace("ROOT", ROOT)).is_none(),
                "{bad:?}"
            );
        }
        assert!(Checkpoint::read(&format!("log\n6\n{ROOT}\n\nx\n\n\u{2014} log AA=\n")).is_none());
    }
}
