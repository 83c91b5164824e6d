//! Public keys, and whether a signature is by one.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, ParsedPublicKey, UnparsedPublicKey, VerificationAlgorithm};
use const_oid::db::rfc5912::{
    ID_EC_PUBLIC_KEY, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1, SECP_521_R_1,
};
use const_oid::db::rfc8410::ID_ED_25519;
use countersign_artifact::Digest;
use der::asn1::{BitStringRef, UintRef};
use der::oid::ObjectIdentifier;
use der::{Decode, Encode, Reader, SliceReader};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha512};
use spki::SubjectPublicKeyInfoRef;

use crate::base64_bytes;

/// A public key of a kind that is still safe. Cheap to clone.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    spki: Vec<u8>,
    algorithm: KeyAlgorithm,
    /// The key without its algorithm: a point, an `RSAPublicKey`, 32 bytes.
    raw: Vec<u8>,
    /// Read once, for the hash that is usual for this kind.
    parsed: ParsedPublicKey,
}

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// ECDSA over NIST P-256.
    EcdsaP256,
    /// ECDSA over NIST P-384.
    EcdsaP384,
    /// ECDSA over NIST P-521.
    EcdsaP521,
    /// RSA.
    Rsa {
        /// The length of the modulus, 2048 to 8192.
        bits: usize,
    },
    /// Ed25519, of which Ed25519ph is another way to sign.
    Ed25519,
}

/// A hash function of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// How a signature may have been made. The verifier says it, never the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashRule {
    /// As cosign's versions sign with such a key: ECDSA with the hash of the curve's size or SHA-256
    /// (what cosign itself expects of P-384 and P-521), RSA PKCS #1 v1.5 with SHA-256, Ed25519 or
    /// Ed25519ph.
    Usual,
    /// With exactly this hash: ECDSA, or RSA PKCS #1 v1.5. Ed25519 has its own hash, as in `Usual`.
    Only(HashAlgorithm),
    /// RSA-PSS with exactly this hash and a salt of its length.
    Pss(HashAlgorithm),
}

/// Why a text or bytes are not a public key that is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// It is not one PEM block.
    #[error("not a public key in PEM")]
    Pem,
    /// There is more than one PEM block: which key is meant?
    #[error("found {found} PEM blocks, expected one")]
    SeveralBlocks {
        /// How many there are.
        found: usize,
    },
    /// The PEM block is something else.
    #[error("expected `PUBLIC KEY`, found `{found}`")]
    Label {
        /// The label of the block.
        found: String,
    },
    /// The bytes are not a SubjectPublicKeyInfo in DER.
    #[error("not a public key in DER")]
    Encoding,
    /// The key is of a kind that is not taken.
    #[error("keys of the kind {oid} are not taken")]
    Kind {
        /// The algorithm.
        oid: String,
    },
    /// The key is on a curve that is not taken.
    #[error("keys on the curve {oid} are not taken")]
    Curve {
        /// The curve.
        oid: String,
    },
    /// The key's length is not safe or not sensible.
    #[error("RSA keys have 2048 to 8192 bits, found {bits}")]
    RsaLength {
        /// The length of its modulus.
        bits: usize,
    },
    /// The key is not on its curve, or is one that anybody can sign for.
    #[error("the key is not valid")]
    Invalid,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is not by this key over this content.
    #[error("the signature is not by this key over this content")]
    Mismatch,
    /// Such a key cannot sign by this rule.
    #[error("such a key does not sign this way")]
    RuleOfOtherKey,
    /// To judge it the content itself is needed, its digest is not enough.
    #[error("this signature can only be judged with the content at hand")]
    NeedsContent,
}

impl PublicKey {
    /// Reads one `PUBLIC KEY` (or `RSA PUBLIC KEY`) block.
    pub fn parse_pem(text: &str) -> Result<Self, PublicKeyError> {
        let blocks = pem::parse_many(text).map_err(|_| PublicKeyError::Pem)?;
        let [block] = blocks.as_slice() else {
            let found = blocks.len();
            return Err(match found {
                0 => PublicKeyError::Pem,
                _ => PublicKeyError::SeveralBlocks { found },
            });
        };
        match block.tag() {
            "PUBLIC KEY" => Self::from_spki_der(block.contents()),
            "RSA PUBLIC KEY" => Self::from_spki_der(&rsa_spki(block.contents())?),
            other => Err(PublicKeyError::Label {
                found: other.chars().take(64).collect(),
            }),
        }
    }

    /// Reads a `SubjectPublicKeyInfo`.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        if der.len() > MAXIMAL_SIZE {
            return Err(PublicKeyError::Encoding);
        }
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| PublicKeyError::Encoding)?;
        let raw = info
            .subject_public_key
            .as_bytes()
            .ok_or(PublicKeyError::Encoding)?;
        let algorithm = kind(&info, raw)?;
        let ed25519_is_weak = || {
            let bytes = raw.try_into().map_err(|_| PublicKeyError::Encoding)?;
            let key = VerifyingKey::from_bytes(bytes).map_err(|_| PublicKeyError::Invalid)?;
            Ok(key.is_weak())
        };
        if algorithm == KeyAlgorithm::Ed25519 && ed25519_is_weak()? {
            return Err(PublicKeyError::Invalid);
        }
        let parsed =
            ParsedPublicKey::new(usual(algorithm), raw).map_err(|_| PublicKeyError::Invalid)?;
        Ok(Self(Arc::new(Inner {
            spki: der.to_vec(),
            algorithm,
            raw: raw.to_vec(),
            parsed,
        })))
    }

    /// The kind of key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm
    }

    /// The `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// The key in PEM, as cosign writes `cosign.pub`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        crate::assemble::pem_block("PUBLIC KEY", &self.0.spki)
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`: the identifier of a log with this key.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::sha256_of(&self.0.spki)
    }

    /// The key's name in a bundle: the fingerprint in base64.
    #[must_use]
    pub fn hint(&self) -> String {
        base64_bytes::encode(self.fingerprint().as_bytes())
    }

    /// Checks that `signature` is by this key over `message`.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        rule: HashRule,
    ) -> Result<(), SignatureError> {
        if self.0.algorithm == KeyAlgorithm::Ed25519 {
            return match rule {
                HashRule::Usual | HashRule::Only(_) => self.verify_ed25519(message, signature),
                HashRule::Pss(_) => Err(SignatureError::RuleOfOtherKey),
            };
        }
        if rule == HashRule::Usual && self.0.parsed.verify_sig(message, signature).is_ok() {
            return Ok(());
        }
        let fits = |way: &'static dyn VerificationAlgorithm| {
            UnparsedPublicKey::new(way, &self.0.raw)
                .verify(message, signature)
                .is_ok()
        };
        self.others(rule)?
            .into_iter()
            .any(fits)
            .then_some(())
            .ok_or(SignatureError::Mismatch)
    }

    /// Checks that `signature` is by this key over the content with this digest.
    ///
    /// The digest must come from the caller's own hashing or from a reference, never from beside the
    /// signature.
    pub fn verify_digest(
        &self,
        digest: &Digest,
        signature: &[u8],
        rule: HashRule,
    ) -> Result<(), SignatureError> {
        if self.0.algorithm == KeyAlgorithm::Ed25519 {
            return Err(SignatureError::NeedsContent);
        }
        let (hash, function) = match digest {
            Digest::Sha256(_) => (HashAlgorithm::Sha256, &digest::SHA256),
            Digest::Sha512(_) => (HashAlgorithm::Sha512, &digest::SHA512),
        };
        let allowed = match rule {
            HashRule::Usual => self.0.algorithm.usual_hashes().contains(&hash),
            HashRule::Only(only) | HashRule::Pss(only) => only == hash,
        };
        if !allowed {
            return Err(SignatureError::NeedsContent);
        }
        let way = match rule {
            HashRule::Pss(_) => self.0.algorithm.pss(hash),
            _ => self.0.algorithm.with_hash(hash),
        };
        let way = way.ok_or(SignatureError::RuleOfOtherKey)?;
        let hashed = digest::Digest::import_less_safe(digest.as_bytes(), function)
            .map_err(|_| SignatureError::Mismatch)?;
        UnparsedPublicKey::new(way, &self.0.raw)
            .verify_digest(&hashed, signature)
            .map_err(|_| SignatureError::Mismatch)
    }

    /// The ways of `rule` that `parsed` has not tried.
    fn others(
        &self,
        rule: HashRule,
    ) -> Result<Vec<&'static dyn VerificationAlgorithm>, SignatureError> {
        let algorithm = self.0.algorithm;
        let way = match rule {
            HashRule::Usual => {
                let other = algorithm.usual_hashes().get(1);
                return Ok(other
                    .and_then(|hash| algorithm.with_hash(*hash))
                    .into_iter()
                    .collect());
            }
            HashRule::Only(hash) => algorithm.with_hash(hash),
            HashRule::Pss(hash) => algorithm.pss(hash),
        };
        way.map(|way| vec![way])
            .ok_or(SignatureError::RuleOfOtherKey)
    }

    /// Pure Ed25519, then Ed25519ph. A signature of one kind is never one of the other (RFC 8032,
    /// section 5.1: `dom2`), so trying both lets nothing in.
    fn verify_ed25519(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if self.0.parsed.verify_sig(message, signature).is_ok() {
            return Ok(());
        }
        let prehashed = || {
            let key = VerifyingKey::from_bytes(self.0.raw.as_slice().try_into().ok()?).ok()?;
            let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
            let hashed = Sha512::new_with_prefix(message);
            key.verify_prehashed_strict(hashed, None, &signature).ok()
        };
        prehashed().ok_or(SignatureError::Mismatch)
    }
}

impl KeyAlgorithm {
    /// The hashes that cosign's versions use with such a key, the one that fits the key first.
    #[must_use]
    pub fn usual_hashes(self) -> &'static [HashAlgorithm] {
        match self {
            Self::EcdsaP256 | Self::Rsa { .. } => &[HashAlgorithm::Sha256],
            Self::EcdsaP384 => &[HashAlgorithm::Sha384, HashAlgorithm::Sha256],
            Self::EcdsaP521 => &[HashAlgorithm::Sha512, HashAlgorithm::Sha256],
            Self::Ed25519 => &[HashAlgorithm::Sha512],
        }
    }

    /// The name that protobuf-specs gives to signing with such a key in a Rekor v2 entry, for the
    /// kinds the log takes (rekor-tiles keeps Ed25519ph only).
    #[must_use]
    pub fn key_details(self) -> Option<&'static str> {
        Some(match self {
            Self::EcdsaP256 => "PKIX_ECDSA_P256_SHA_256",
            Self::EcdsaP384 => "PKIX_ECDSA_P384_SHA_384",
            Self::EcdsaP521 => "PKIX_ECDSA_P521_SHA_512",
            Self::Rsa { bits: 2048 } => "PKIX_RSA_PKCS1V15_2048_SHA256",
            Self::Rsa { bits: 3072 } => "PKIX_RSA_PKCS1V15_3072_SHA256",
            Self::Rsa { bits: 4096 } => "PKIX_RSA_PKCS1V15_4096_SHA256",
            Self::Rsa { .. } => return None,
            Self::Ed25519 => "PKIX_ED25519_PH",
        })
    }

    fn with_hash(self, hash: HashAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        Some(match (self, hash) {
            (Self::EcdsaP256, Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Self::EcdsaP256, Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Self::EcdsaP256, Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
            (Self::EcdsaP384, Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Self::EcdsaP384, Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Self::EcdsaP384, Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
            (Self::EcdsaP521, Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
            (Self::EcdsaP521, Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
            (Self::EcdsaP521, Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
            (Self::Rsa { .. }, Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Self::Rsa { .. }, Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Self::Rsa { .. }, Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Self::Ed25519, _) => return None,
        })
    }

    fn pss(self, hash: HashAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
        match (self, hash) {
            (Self::Rsa { .. }, HashAlgorithm::Sha256) => Some(&signature::RSA_PSS_2048_8192_SHA256),
            (Self::Rsa { .. }, HashAlgorithm::Sha384) => Some(&signature::RSA_PSS_2048_8192_SHA384),
            (Self::Rsa { .. }, HashAlgorithm::Sha512) => Some(&signature::RSA_PSS_2048_8192_SHA512),
            _ => None,
        }
    }
}

impl HashAlgorithm {
    /// Reads `sha256`, `sha384` or `sha512`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::EcdsaP521 => f.write_str("ECDSA P-521"),
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.0.algorithm, self.fingerprint())
    }
}

fn usual(algorithm: KeyAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => &signature::ECDSA_P256_SHA256_ASN1,
        KeyAlgorithm::EcdsaP384 => &signature::ECDSA_P384_SHA384_ASN1,
        KeyAlgorithm::EcdsaP521 => &signature::ECDSA_P521_SHA512_ASN1,
        KeyAlgorithm::Rsa { .. } => &signature::RSA_PKCS1_2048_8192_SHA256,
        KeyAlgorithm::Ed25519 => &signature::ED25519,
    }
}

fn kind(info: &SubjectPublicKeyInfoRef<'_>, raw: &[u8]) -> Result<KeyAlgorithm, PublicKeyError> {
    let parameters = info.algorithm.parameters;
    match info.algorithm.oid {
        ID_EC_PUBLIC_KEY => {
            let curve: ObjectIdentifier = parameters
                .and_then(|curve| curve.decode_as().ok())
                .ok_or(PublicKeyError::Encoding)?;
            let (algorithm, length) = match curve {
                SECP_256_R_1 => (KeyAlgorithm::EcdsaP256, 65),
                SECP_384_R_1 => (KeyAlgorithm::EcdsaP384, 97),
                SECP_521_R_1 => (KeyAlgorithm::EcdsaP521, 133),
                other => {
                    return Err(PublicKeyError::Curve {
                        oid: other.to_string(),
                    });
                }
            };
            // Uncompressed only: one key has one encoding, hence one fingerprint.
            match raw.first() == Some(&4) && raw.len() == length {
                true => Ok(algorithm),
                false => Err(PublicKeyError::Encoding),
            }
        }
        RSA_ENCRYPTION => {
            if parameters.is_none_or(|found| !found.is_null()) {
                return Err(PublicKeyError::Encoding);
            }
            let bits = rsa_bits(raw)?;
            match bits {
                2048..=8192 => Ok(KeyAlgorithm::Rsa { bits }),
                _ => Err(PublicKeyError::RsaLength { bits }),
            }
        }
        ID_ED_25519 if parameters.is_none() && raw.len() == 32 => Ok(KeyAlgorithm::Ed25519),
        ID_ED_25519 => Err(PublicKeyError::Encoding),
        other => Err(PublicKeyError::Kind {
            oid: other.to_string(),
        }),
    }
}

fn rsa_bits(key: &[u8]) -> Result<usize, PublicKeyError> {
    let modulus = |reader: &mut SliceReader<'_>| {
        reader.sequence(|fields| {
            let modulus = UintRef::decode(fields)?;
            UintRef::decode(fields)?;
            let bytes = modulus.as_bytes();
            let zeros = bytes
                .first()
                .map_or(0, |first| first.leading_zeros() as usize);
            Ok(bytes.len() * 8 - zeros)
        })
    };
    let mut reader = SliceReader::new(key).map_err(|_| PublicKeyError::Encoding)?;
    let bits = modulus(&mut reader).map_err(|_| PublicKeyError::Encoding)?;
    reader.finish(bits).map_err(|_| PublicKeyError::Encoding)
}

fn rsa_spki(key: &[u8]) -> Result<Vec<u8>, PublicKeyError> {
    let null = der::AnyRef::NULL;
    let info = SubjectPublicKeyInfoRef {
        algorithm: spki::AlgorithmIdentifier {
            oid: RSA_ENCRYPTION,
            parameters: Some(null),
        },
        subject_public_key: BitStringRef::from_bytes(key).map_err(|_| PublicKeyError::Encoding)?,
    };
    info.to_der().map_err(|_| PublicKeyError::Encoding)
}

/// An RSA key of 8192 bits has 1,062 bytes.
const MAXIMAL_SIZE: usize = 4096;
