//! The hash of signed content, by the function that the signing key asks for.

use aws_lc_rs::digest;
use countersign_artifact::Digest;

use crate::public_key::{HashAlgorithm, KeyAlgorithm};

/// A hash of what is signed. Unlike a [`Digest`] it may be SHA-384: that is what P-384 keys sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentHash {
    algorithm: HashAlgorithm,
    bytes: Vec<u8>,
}

impl ContentHash {
    /// Hashes `content` as a signature with such a key does.
    #[must_use]
    pub fn for_key(key: KeyAlgorithm, content: &[u8]) -> Self {
        // Every kind of key has a usual hash.
        let algorithm = key
            .usual_hashes()
            .first()
            .copied()
            .unwrap_or(HashAlgorithm::Sha256);
        let function = match algorithm {
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
        };
        Self {
            algorithm,
            bytes: digest::digest(function, content).as_ref().to_vec(),
        }
    }

    /// The hash itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The function's name in a log entry of Rekor v1.
    pub(super) fn name(&self) -> &'static str {
        match self.algorithm {
            HashAlgorithm::Sha256 => "sha256",
            HashAlgorithm::Sha384 => "sha384",
            HashAlgorithm::Sha512 => "sha512",
        }
    }

    /// The function's name in protobuf-specs.
    pub(super) fn protobuf_name(&self) -> &'static str {
        match self.algorithm {
            HashAlgorithm::Sha256 => "SHA2_256",
            HashAlgorithm::Sha384 => "SHA2_384",
            HashAlgorithm::Sha512 => "SHA2_512",
        }
    }
}

impl From<&Digest> for ContentHash {
    fn from(digest: &Digest) -> Self {
        let algorithm = match digest {
            Digest::Sha256(_) => HashAlgorithm::Sha256,
            Digest::Sha512(_) => HashAlgorithm::Sha512,
        };
        Self {
            algorithm,
            bytes: digest.as_bytes().to_vec(),
        }
    }
}

impl From<&ContentHash> for ContentHash {
    fn from(hash: &ContentHash) -> Self {
        hash.clone()
    }
}
