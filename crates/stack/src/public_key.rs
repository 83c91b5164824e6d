//! Public keys that strangers send, and the signatures they claim to have made.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{self, ParsedPublicKey, UnparsedPublicKey, VerificationAlgorithm};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ID_EC_PUBLIC_KEY, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1, SECP_521_R_1,
};
use const_oid::db::rfc8410::ID_ED_25519;
use der::asn1::UintRef;
use der::{Decode as _, Encode as _};
use x509_cert::Certificate;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::certificate::pem_of;
use crate::signing_key::sha256;

/// A public key of an allowed kind and strength.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    spki: SubjectPublicKeyInfoOwned,
}

/// The kinds of key that Sigstore's services take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    P256,
    P384,
    P521,
    Rsa,
    Ed25519,
}

/// The hash a signature is made over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashAlgorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl PublicKey {
    /// Reads a DER `SubjectPublicKeyInfo`, refusing kinds, sizes and points that are not sound.
    pub(crate) fn from_der(der: &[u8]) -> Result<PublicKey, PublicKeyError> {
        let spki =
            SubjectPublicKeyInfoOwned::from_der(der).map_err(|_| PublicKeyError::Unreadable)?;
        PublicKey::from_spki(spki)
    }

    /// As [`from_der`](PublicKey::from_der), from a structure parsed before.
    pub(crate) fn from_spki(spki: SubjectPublicKeyInfoOwned) -> Result<PublicKey, PublicKeyError> {
        let kind = kind_of(&spki)?;
        let key = PublicKey { kind, spki };
        if kind == KeyKind::Rsa {
            check_rsa(key.bits())?;
        }
        // Parsing proves that the point is on its curve.
        let any = key.algorithm(kind.default_hash())?;
        ParsedPublicKey::new(any, key.bits()).map_err(|_| PublicKeyError::Insecure)?;
        Ok(key)
    }

    /// Reads PEM: a public key, or certificates of which the first holds the key.
    pub(crate) fn from_pem(text: &[u8]) -> Result<(PublicKey, Verifier), PublicKeyError> {
        let blocks = pem::parse_many(text).map_err(|_| PublicKeyError::Unreadable)?;
        let first = blocks.first().ok_or(PublicKeyError::Unreadable)?;
        match first.tag() {
            "PUBLIC KEY" if blocks.len() == 1 => {
                let key = PublicKey::from_der(first.contents())?;
                let pem = pem_of("PUBLIC KEY", &key.to_der());
                Ok((key, Verifier { pem, names: vec![] }))
            }
            "CERTIFICATE" if blocks.len() <= MAX_CERTIFICATES => {
                if blocks.iter().any(|block| block.tag() != "CERTIFICATE") {
                    return Err(PublicKeyError::Unreadable);
                }
                let certificate = Certificate::from_der(first.contents())
                    .map_err(|_| PublicKeyError::Unreadable)?;
                let pem = blocks
                    .iter()
                    .map(|block| pem_of("CERTIFICATE", block.contents()))
                    .collect();
                let names = subject_names(&certificate);
                let spki = certificate.tbs_certificate.subject_public_key_info;
                Ok((PublicKey::from_spki(spki)?, Verifier { pem, names }))
            }
            _ => Err(PublicKeyError::Unreadable),
        }
    }

    /// The kind of the key.
    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key as it goes into a certificate.
    pub(crate) fn spki(&self) -> &SubjectPublicKeyInfoOwned {
        &self.spki
    }

    /// DER `SubjectPublicKeyInfo`.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        self.spki.to_der().expect("it was parsed from DER")
    }

    /// Checks a signature over `message`.
    pub(crate) fn verify(
        &self,
        hash: HashAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), PublicKeyError> {
        UnparsedPublicKey::new(self.algorithm(hash)?, self.bits())
            .verify(message, signature)
            .map_err(|_| PublicKeyError::SignatureMismatch)
    }

    /// Checks a signature over a message of which only the digest is known.
    pub(crate) fn verify_digest(
        &self,
        hash: HashAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), PublicKeyError> {
        if self.kind == KeyKind::Ed25519 {
            // Pure Ed25519 signs the message itself, so a digest says nothing about it.
            return Err(PublicKeyError::NeedsMessage);
        }
        let digest = Digest::import_less_safe(digest, hash.algorithm())
            .map_err(|_| PublicKeyError::SignatureMismatch)?;
        UnparsedPublicKey::new(self.algorithm(hash)?, self.bits())
            .verify_digest(&digest, signature)
            .map_err(|_| PublicKeyError::SignatureMismatch)
    }

    fn bits(&self) -> &[u8] {
        self.spki.subject_public_key.raw_bytes()
    }

    fn algorithm(
        &self,
        hash: HashAlgorithm,
    ) -> Result<&'static dyn VerificationAlgorithm, PublicKeyError> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        Ok(match (self.kind, hash) {
            (KeyKind::P256, Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (KeyKind::P256, Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (KeyKind::P256, Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
            (KeyKind::P384, Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (KeyKind::P384, Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (KeyKind::P384, Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
            (KeyKind::P521, Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
            (KeyKind::P521, Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
            (KeyKind::P521, Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
            (KeyKind::Rsa, Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (KeyKind::Rsa, Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (KeyKind::Rsa, Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (KeyKind::Ed25519, _) => &signature::ED25519,
        })
    }
}

impl KeyKind {
    /// The hash Sigstore pairs with this kind of key. Ed25519 hashes by itself.
    pub(crate) fn default_hash(self) -> HashAlgorithm {
        match self {
            KeyKind::P256 | KeyKind::Rsa => HashAlgorithm::Sha256,
            KeyKind::P384 => HashAlgorithm::Sha384,
            KeyKind::P521 | KeyKind::Ed25519 => HashAlgorithm::Sha512,
        }
    }
}

impl HashAlgorithm {
    /// The algorithm Rekor and the timestamp authority call `name`.
    pub(crate) fn named(name: &str) -> Option<HashAlgorithm> {
        match name {
            "sha256" => Some(HashAlgorithm::Sha256),
            "sha384" => Some(HashAlgorithm::Sha384),
            "sha512" => Some(HashAlgorithm::Sha512),
            _ => None,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            HashAlgorithm::Sha256 => "sha256",
            HashAlgorithm::Sha384 => "sha384",
            HashAlgorithm::Sha512 => "sha512",
        }
    }

    /// Bytes in its digests.
    pub(crate) fn length(self) -> usize {
        self.algorithm().output_len()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
        }
    }
}

/// How a log entry names the signer: canonical PEM, and the names in its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verifier {
    pub(crate) pem: String,
    pub(crate) names: Vec<String>,
}

impl Verifier {
    /// What entries of this signer are found by: the hash of the key or certificate, and its names.
    pub(crate) fn terms(&self) -> impl Iterator<Item = String> {
        let key = hex::encode(sha256(self.pem.as_bytes()));
        let names = self.names.iter().map(|name| name.to_lowercase());
        std::iter::once(key).chain(names)
    }
}

/// Why a key or a signature is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublicKeyError {
    #[error("this is no public key or certificate")]
    Unreadable,
    #[error("keys of this kind are not supported")]
    Unsupported,
    #[error("the public key is insecure")]
    Insecure,
    #[error("an Ed25519 signature cannot be checked against a digest alone")]
    NeedsMessage,
    #[error("the signature does not verify with this key")]
    SignatureMismatch,
}

fn kind_of(spki: &SubjectPublicKeyInfoOwned) -> Result<KeyKind, PublicKeyError> {
    match spki.algorithm.oid {
        ID_ED_25519 => Ok(KeyKind::Ed25519),
        RSA_ENCRYPTION => Ok(KeyKind::Rsa),
        ID_EC_PUBLIC_KEY => {
            let parameters = spki.algorithm.parameters.as_ref();
            match parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok()) {
                Some(SECP_256_R_1) => Ok(KeyKind::P256),
                Some(SECP_384_R_1) => Ok(KeyKind::P384),
                Some(SECP_521_R_1) => Ok(KeyKind::P521),
                _ => Err(PublicKeyError::Unsupported),
            }
        }
        _ => Err(PublicKeyError::Unsupported),
    }
}

/// 2048 to 4096 bits in whole bytes, exponent 65537, no small factor.
fn check_rsa(bits: &[u8]) -> Result<(), PublicKeyError> {
    #[derive(der::Sequence)]
    struct RsaPublicKey<'a> {
        modulus: UintRef<'a>,
        exponent: UintRef<'a>,
    }
    let key = RsaPublicKey::from_der(bits).map_err(|_| PublicKeyError::Unreadable)?;
    let modulus = key.modulus.as_bytes();
    let whole_bytes = modulus.first().is_some_and(|top| top & 0x80 != 0);
    let small_factor = SMALL_PRIMES.iter().any(|prime| {
        modulus
            .iter()
            .fold(0, |rest: u32, byte| (rest * 256 + u32::from(*byte)) % prime)
            == 0
    });
    if !whole_bytes
        || !(256..=512).contains(&modulus.len())
        || key.exponent.as_bytes() != [1, 0, 1]
        || small_factor
    {
        return Err(PublicKeyError::Insecure);
    }
    Ok(())
}

/// E-mail addresses and URIs a certificate speaks for.
fn subject_names(certificate: &Certificate) -> Vec<String> {
    use x509_cert::ext::pkix::SubjectAltName;
    use x509_cert::ext::pkix::name::GeneralName;
    let Ok(Some((_, SubjectAltName(names)))) = certificate.tbs_certificate.get::<SubjectAltName>()
    else {
        return Vec::new();
    };
    names
        .iter()
        .filter_map(|name| match name {
            GeneralName::Rfc822Name(text) | GeneralName::UniformResourceIdentifier(text) => {
                Some(text.to_string())
            }
            _ => None,
        })
        .collect()
}

/// Rekor's cap on certificates in one verifier.
const MAX_CERTIFICATES: usize = 10;

const SMALL_PRIMES: [u32; 54] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193,
    197, 199, 211, 223, 227, 229, 233, 239, 241, 251,
];
