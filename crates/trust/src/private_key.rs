//! Private keys: making, reading and signing with them.
//!
//! Randomness for keys, salts and ECDSA comes from aws-lc inside, not from the caller: a caller's bad
//! randomness in one ECDSA signature gives the key away.

use std::fmt;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use const_oid::db::rfc5912::{
    ID_EC_PUBLIC_KEY, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1, SECP_521_R_1,
};
use const_oid::db::rfc8410::ID_ED_25519;
use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::oid::ObjectIdentifier;
use der::{Decode, Encode, Reader, SliceReader};
use sha2::{Digest as _, Sha512};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::key_file;
use crate::public_key::{PublicKey, PublicKeyError};

/// A private key. It is wiped from memory when it goes, and nothing prints it.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    signer: Signer,
    public: PublicKey,
}

enum Signer {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a private key cannot be had or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// It is not one PEM block.
    #[error("not a private key in PEM")]
    Pem,
    /// The PEM block is something else.
    #[error("expected `{expected}`, found `{found}`")]
    Label {
        /// What such a file has.
        expected: &'static str,
        /// The label of the block.
        found: String,
    },
    /// What is inside the key file is not what cosign writes.
    #[error("the key file is damaged: its content cannot be read")]
    Syntax,
    /// The key file is sealed in a way that is not known.
    #[error("the key file is sealed with `{found}`, which is not known")]
    Sealing {
        /// The function that turns the password into a key, or the cipher.
        found: String,
    },
    /// The work that the key file asks for is not one of those that cosign's versions write.
    #[error("the key file asks for scrypt with N={n}, r={r}, p={p}, which is not taken")]
    Work {
        /// Cost.
        n: u64,
        /// Block size.
        r: u64,
        /// Parallelism.
        p: u64,
    },
    /// The password is wrong, or the key file was changed; nobody can tell these apart.
    #[error("wrong password, or the key file was changed")]
    WrongPassword,
    /// What was unsealed is not a private key in PKCS #8.
    #[error("not a private key in PKCS #8")]
    Encoding,
    /// The key is of a kind or length that is not taken.
    #[error("{0}")]
    Kind(#[from] PublicKeyError),
    /// The library could not: no randomness or no memory.
    #[error("the cryptographic library failed")]
    Library,
}

impl PrivateKey {
    /// Makes a key as `cosign generate-key-pair` does: ECDSA over P-256.
    pub fn generate() -> Result<Self, PrivateKeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map_err(|_| PrivateKeyError::Library)?;
        Self::of_pair(pair)
    }

    /// Reads a private key in PKCS #8 (DER).
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let (oid, curve) = algorithm(der).ok_or(PrivateKeyError::Encoding)?;
        let unreadable = |_| PrivateKeyError::Encoding;
        let (signer, spki) = match oid {
            ID_EC_PUBLIC_KEY => {
                let way = signing_way(curve)?;
                let pair = EcdsaKeyPair::from_pkcs8(way, der).map_err(unreadable)?;
                let spki = spki_of(pair.public_key())?;
                (Signer::Ecdsa(pair), spki)
            }
            RSA_ENCRYPTION => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| rsa_fault(der))?;
                let spki = spki_of(pair.public_key())?;
                (Signer::Rsa(pair), spki)
            }
            ID_ED_25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(unreadable)?;
                let spki = spki_of(pair.public_key())?;
                (Signer::Ed25519(pair), spki)
            }
            other => {
                return Err(PublicKeyError::Kind {
                    oid: other.to_string(),
                }
                .into());
            }
        };
        let public = PublicKey::from_spki_der(&spki)?;
        Ok(Self {
            pkcs8: Zeroizing::new(der.to_vec()),
            signer,
            public,
        })
    }

    /// Reads a private key that no password protects, as `cosign import-key-pair` takes it: PKCS #8,
    /// PKCS #1 (RSA) or SEC 1 (ECDSA) in PEM.
    pub fn from_plain_pem(text: &str) -> Result<Self, PrivateKeyError> {
        let block = key_file::one_block(text)?;
        let der = Zeroizing::new(block.contents().to_vec());
        let (label, found) = ("PRIVATE KEY", block.tag().to_owned());
        drop(Zeroizing::new(block.into_contents()));
        match found.as_str() {
            "PRIVATE KEY" => Self::from_pkcs8_der(&der),
            "RSA PRIVATE KEY" => Self::from_pkcs8_der(&rsa_pkcs8(&der)?),
            "EC PRIVATE KEY" => {
                let curve = sec1_curve(&der).ok_or(PrivateKeyError::Encoding)?;
                let pair = EcdsaKeyPair::from_private_key_der(signing_way(Some(curve))?, &der)
                    .map_err(|_| PrivateKeyError::Encoding)?;
                Self::of_pair(pair)
            }
            _ => Err(PrivateKeyError::Label {
                expected: label,
                found: found.chars().take(64).collect(),
            }),
        }
    }

    /// Opens a key file of cosign's. An empty password is one.
    pub fn from_encrypted_pem(text: &str, password: &[u8]) -> Result<Self, PrivateKeyError> {
        Self::from_pkcs8_der(&key_file::open(text, password)?)
    }

    /// Seals the key as `cosign generate-key-pair` does.
    pub fn to_encrypted_pem(&self, password: &[u8]) -> Result<String, PrivateKeyError> {
        key_file::seal(&self.pkcs8, password)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message`: ECDSA with the hash of the curve's size in ASN.1, RSA PKCS #1 v1.5 with SHA-256,
    /// pure Ed25519.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        let random = SystemRandom::new();
        let signature = match &self.signer {
            Signer::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|found| found.as_ref().to_vec()),
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map(|()| signature)
            }
            Signer::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        };
        signature.map_err(|_| PrivateKeyError::Library)
    }

    /// Signs `message` so that a transparency log can check it, which has only a digest: as
    /// [`sign`](Self::sign), but Ed25519ph with an Ed25519 key.
    pub fn sign_for_log(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        let Signer::Ed25519(pair) = &self.signer else {
            return self.sign(message);
        };
        let seed = pair.seed().and_then(|seed| seed.as_be_bytes());
        let seed = seed.map_err(|_| PrivateKeyError::Library)?;
        let seed: &[u8; 32] = seed
            .as_ref()
            .try_into()
            .map_err(|_| PrivateKeyError::Library)?;
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let hashed = Sha512::new_with_prefix(message);
        let signature = key
            .sign_prehashed(hashed, None)
            .map_err(|_| PrivateKeyError::Library)?;
        Ok(signature.to_bytes().to_vec())
    }

    fn of_pair(pair: EcdsaKeyPair) -> Result<Self, PrivateKeyError> {
        let document = pair.to_pkcs8v1().map_err(|_| PrivateKeyError::Library)?;
        Self::from_pkcs8_der(document.as_ref())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(.., {:?})", self.public)
    }
}

fn spki_of<K>(key: &K) -> Result<Vec<u8>, PrivateKeyError>
where
    K: AsDer<PublicKeyX509Der<'static>>,
{
    let der = key.as_der().map_err(|_| PrivateKeyError::Library)?;
    Ok(der.as_ref().to_vec())
}

fn signing_way(
    curve: Option<ObjectIdentifier>,
) -> Result<&'static EcdsaSigningAlgorithm, PrivateKeyError> {
    match curve {
        Some(SECP_256_R_1) => Ok(&ECDSA_P256_SHA256_ASN1_SIGNING),
        Some(SECP_384_R_1) => Ok(&ECDSA_P384_SHA384_ASN1_SIGNING),
        Some(SECP_521_R_1) => Ok(&ECDSA_P521_SHA512_ASN1_SIGNING),
        Some(other) => Err(PublicKeyError::Curve {
            oid: other.to_string(),
        }
        .into()),
        None => Err(PrivateKeyError::Encoding),
    }
}

/// The algorithm of a `PrivateKeyInfo` (RFC 5208), and the curve where there is one.
fn algorithm(pkcs8: &[u8]) -> Option<(ObjectIdentifier, Option<ObjectIdentifier>)> {
    let (algorithm, _) = private_key_info(pkcs8)?;
    let curve = algorithm
        .parameters
        .and_then(|found| found.decode_as().ok());
    Some((algorithm.oid, curve))
}

fn private_key_info(pkcs8: &[u8]) -> Option<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(pkcs8).ok()?;
    let parts = reader.sequence(|fields| {
        UintRef::decode(fields)?;
        let algorithm = AlgorithmIdentifierRef::decode(fields)?;
        let key = OctetStringRef::decode(fields)?;
        while !fields.is_finished() {
            fields.tlv_bytes()?;
        }
        Ok((algorithm, key.as_bytes()))
    });
    reader.finish(parts.ok()?).ok()
}

/// The curve that a SEC 1 `ECPrivateKey` (RFC 5915) names in its parameters.
fn sec1_curve(der: &[u8]) -> Option<ObjectIdentifier> {
    let mut reader = SliceReader::new(der).ok()?;
    let parameters = reader.sequence(|fields| {
        UintRef::decode(fields)?;
        OctetStringRef::decode(fields)?;
        let parameters = AnyRef::decode(fields)?;
        while !fields.is_finished() {
            fields.tlv_bytes()?;
        }
        Ok(parameters)
    });
    ObjectIdentifier::from_der(parameters.ok()?.value()).ok()
}

/// Wraps a PKCS #1 `RSAPrivateKey`.
fn rsa_pkcs8(key: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    let algorithm = AlgorithmIdentifierRef {
        oid: RSA_ENCRYPTION,
        parameters: Some(AnyRef::NULL),
    };
    let wrapped = || {
        let key = OctetStringRef::new(key)?;
        let length = (0u8.encoded_len()? + algorithm.encoded_len()? + key.encoded_len()?)?;
        let mut der = Zeroizing::new(Vec::with_capacity(usize::try_from(length)? + 8));
        der::Header::new(der::Tag::Sequence, length)?.encode_to_vec(&mut der)?;
        0u8.encode_to_vec(&mut der)?;
        algorithm.encode_to_vec(&mut der)?;
        key.encode_to_vec(&mut der)?;
        Ok(der)
    };
    wrapped().map_err(|_: der::Error| PrivateKeyError::Encoding)
}

/// aws-lc does not say why it refuses an RSA key; short keys deserve a better answer.
fn rsa_fault(pkcs8: &[u8]) -> PrivateKeyError {
    let bits = || {
        let (_, key) = private_key_info(pkcs8)?;
        let mut reader = SliceReader::new(key).ok()?;
        let modulus = reader.sequence(|fields| {
            UintRef::decode(fields)?;
            let modulus = UintRef::decode(fields)?;
            while !fields.is_finished() {
                fields.tlv_bytes()?;
            }
            Ok(modulus.as_bytes())
        });
        Some(modulus.ok()?.len() * 8)
    };
    match bits() {
        Some(bits) if !(2048..=8192).contains(&bits) => PublicKeyError::RsaLength { bits }.into(),
        _ => PrivateKeyError::Encoding,
    }
}
