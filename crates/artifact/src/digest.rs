//! Content digests: an algorithm and the bytes it gave.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

/// Names content by its hash. Only algorithms that are still safe exist here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// SHA-256, what registries use.
    Sha256([u8; 32]),
    /// SHA-512, which the OCI specification allows too.
    Sha512([u8; 64]),
}

/// A hash function for content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// What is wrong with the text of a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no `:` between algorithm and hash.
    #[error("a digest is written `sha256:<hex>`, found no `:`")]
    NoAlgorithm,
    /// The algorithm is not one of [`Algorithm`].
    #[error("unsupported digest algorithm `{0}`, expected sha256 or sha512")]
    UnsupportedAlgorithm(String),
    /// The hash has another number of characters.
    #[error("a {algorithm} digest has {expected} hexadecimal characters, found {found}")]
    Length {
        /// The algorithm that the digest names.
        algorithm: Algorithm,
        /// How many characters it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// The hash has a character that is not a lower-case hexadecimal digit.
    #[error("a digest is written with 0-9 and a-f only")]
    NotLowerHex,
}

impl Digest {
    /// Reads `sha256:<64 hex>` or `sha512:<128 hex>`, lower case only: one content has one spelling.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::NoAlgorithm)?;
        match algorithm {
            "sha256" => Ok(Self::Sha256(decode(Algorithm::Sha256, hex)?)),
            "sha512" => Ok(Self::Sha512(decode(Algorithm::Sha512, hex)?)),
            other => {
                let shown = other.chars().take(32).collect();
                Err(DigestError::UnsupportedAlgorithm(shown))
            }
        }
    }

    /// Hashes `content` with SHA-256.
    #[must_use]
    pub fn sha256_of(content: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(content).into())
    }

    /// Hashes `content` with SHA-512.
    #[must_use]
    pub fn sha512_of(content: &[u8]) -> Self {
        Self::Sha512(Sha512::digest(content).into())
    }

    /// Hashes `content` with the algorithm of this digest and tells whether it is the content named.
    #[must_use]
    pub fn matches(&self, content: &[u8]) -> bool {
        match self {
            Self::Sha256(_) => Self::sha256_of(content) == *self,
            Self::Sha512(_) => Self::sha512_of(content) == *self,
        }
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The hash in lower-case hexadecimal, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.as_bytes())
    }

    /// The bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }
}

fn decode<const N: usize>(algorithm: Algorithm, text: &str) -> Result<[u8; N], DigestError> {
    if text.len() != N * 2 {
        return Err(DigestError::Length {
            algorithm,
            expected: N * 2,
            found: text.chars().count(),
        });
    }
    if text
        .bytes()
        .any(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Err(DigestError::NotLowerHex);
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestError::NotLowerHex)?;
    Ok(bytes)
}

impl Algorithm {
    /// The name in a digest, `sha256` or `sha512`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// Hashes content that comes in pieces.
#[derive(Clone)]
pub struct DigestHasher(Hasher);

#[derive(Clone)]
enum Hasher {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl DigestHasher {
    /// Begins with no content.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Sha512 => Hasher::Sha512(Box::new(Sha512::new())),
        })
    }

    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            Hasher::Sha256(hasher) => hasher.update(piece),
            Hasher::Sha512(hasher) => hasher.update(piece),
        }
    }

    /// Gives the digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            Hasher::Sha256(hasher) => Digest::Sha256(hasher.finalize().into()),
            Hasher::Sha512(hasher) => Digest::Sha512(hasher.finalize().into()),
        }
    }
}

impl fmt::Debug for DigestHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestHasher(..)")
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn round_trip_and_stream() {
        let digest = Digest::parse(EMPTY).unwrap();
        assert_eq!(digest, Digest::sha256_of(b""));
        assert_eq!(digest.to_string(), EMPTY);
        assert!(digest.matches(b"") && !digest.matches(b"x"));
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let mut hasher = DigestHasher::new(algorithm);
            hasher.update(b"ab");
            hasher.update(b"c");
            let digest = hasher.finish();
            assert!(digest.matches(b"abc"));
            assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
            let json = serde_json::to_string(&digest).unwrap();
            assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        }
    }

    #[test]
    fn refuses_other_spellings() {
        assert_eq!(Digest::parse("abc"), Err(DigestError::NoAlgorithm));
        assert_eq!(
            Digest::parse(&EMPTY.replace('e', "E")),
            Err(DigestError::NotLowerHex)
        );
        assert!(matches!(
            Digest::parse(&EMPTY[..70]),
            Err(DigestError::Length {
                expected: 64,
                found: 63,
                ..
            })
        ));
        assert!(matches!(
            Digest::parse("md5:d41d8cd98f00b204e9800998ecf8427e"),
            Err(DigestError::UnsupportedAlgorithm(_))
        ));
        assert!(Digest::parse(&format!("sha256:{}", "é".repeat(32))).is_err());
    }
}
