//! Hashes that were recorded, as data: nothing is trusted for them.

/// A hash that someone stated or we computed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum {
    /// The function.
    pub algorithm: ChecksumAlgorithm,
    /// The value, lower-case hexadecimal.
    pub hex: String,
}

/// Hash functions, old ones too: this is what package managers recorded, nothing is trusted for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChecksumAlgorithm {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl ChecksumAlgorithm {
    /// The name SPDX gives it (`SHA256`); CycloneDX puts a hyphen before the number.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }

    /// How many hexadecimal characters a value has.
    #[must_use]
    pub fn hex_length(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl Checksum {
    /// Takes a value as someone wrote it; `None` if it is not one of this function.
    #[must_use]
    pub fn from_hex(algorithm: ChecksumAlgorithm, hex: &str) -> Option<Self> {
        let right =
            hex.len() == algorithm.hex_length() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        right.then(|| Self {
            algorithm,
            hex: hex.to_ascii_lowercase(),
        })
    }

    /// Takes the bytes of a value; `None` if there is another number of them.
    #[must_use]
    pub fn from_bytes(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Option<Self> {
        (bytes.len() * 2 == algorithm.hex_length()).then(|| Self {
            algorithm,
            hex: hex::encode(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_a_wrong_length_are_none() {
        assert!(
            Checksum::from_hex(ChecksumAlgorithm::Md5, "D41D8CD98F00B204E9800998ECF8427E")
                .is_some()
        );
        assert!(Checksum::from_hex(ChecksumAlgorithm::Md5, "d41d").is_none());
        assert!(
            Checksum::from_hex(ChecksumAlgorithm::Md5, "z41d8cd98f00b204e9800998ecf8427e")
                .is_none()
        );
    }
}
