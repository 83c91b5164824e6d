//! The private keys of the services: P-256 everywhere, RSA only where OpenID Connect wants it.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

/// A P-256 key that signs with SHA-256. Its Debug form shows the key id alone.
pub(crate) struct EcdsaKey {
    pair: EcdsaKeyPair,
    public_der: Vec<u8>,
}

impl EcdsaKey {
    /// Makes a key, and its private part as PEM for the data folder.
    pub(crate) fn generate() -> Result<(EcdsaKey, Zeroizing<String>), KeyError> {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .map_err(|_| KeyError::Library)?;
        let key = EcdsaKey::from_pkcs8(document.as_ref())?;
        Ok((key, private_pem(document.as_ref())))
    }

    /// Reads what [`EcdsaKey::generate`] gave.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<EcdsaKey, KeyError> {
        EcdsaKey::from_pkcs8(&private_der(pem)?)
    }

    fn from_pkcs8(der: &[u8]) -> Result<EcdsaKey, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
            .map_err(|_| KeyError::NotThisKind)?;
        let public: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|_| KeyError::Library)?;
        let public_der = public.as_ref().to_vec();
        Ok(EcdsaKey { pair, public_der })
    }

    /// ECDSA with SHA-256 over `message`, as ASN.1.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pair
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| KeyError::Library)
    }

    /// The public key as DER `SubjectPublicKeyInfo`.
    pub(crate) fn public_der(&self) -> &[u8] {
        &self.public_der
    }

    /// The public key as PEM.
    pub(crate) fn public_pem(&self) -> String {
        pem::encode_config(
            &pem::Pem::new("PUBLIC KEY", self.public_der.as_slice()),
            pem_config(),
        )
    }

    /// SHA-256 of the DER public key: the id that logs and trust roots use.
    pub(crate) fn id(&self) -> [u8; 32] {
        sha256(&self.public_der)
    }
}

impl fmt::Debug for EcdsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EcdsaKey({})", hex::encode(self.id()))
    }
}

/// The RSA-2048 key of the identity provider. Its Debug form shows no key material.
pub(crate) struct RsaKey {
    pair: RsaKeyPair,
}

impl RsaKey {
    /// Makes a key, and its private part as PEM for the data folder.
    pub(crate) fn generate() -> Result<(RsaKey, Zeroizing<String>), KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Library)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Library)?;
        let pem = private_pem(der.as_ref());
        Ok((RsaKey { pair }, pem))
    }

    /// Reads what [`RsaKey::generate`] gave.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<RsaKey, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(&private_der(pem)?).map_err(|_| KeyError::NotThisKind)?;
        Ok(RsaKey { pair })
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, the `RS256` of JSON Web Signatures.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| KeyError::Library)?;
        Ok(signature)
    }

    /// The public key as PKCS#1 DER, which is what verification wants.
    pub(crate) fn public_pkcs1(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Modulus, big endian.
    pub(crate) fn modulus(&self) -> Vec<u8> {
        self.pair
            .public_key()
            .modulus()
            .big_endian_without_leading_zero()
            .to_vec()
    }

    /// Public exponent, big endian.
    pub(crate) fn exponent(&self) -> Vec<u8> {
        self.pair
            .public_key()
            .exponent()
            .big_endian_without_leading_zero()
            .to_vec()
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({})", hex::encode(sha256(self.public_pkcs1())))
    }
}

/// Why a private key could not be made, read or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file is no PEM with one private key.
    #[error("this is no PEM file with one private key")]
    NotPem,
    /// A private key, but not of the kind this service uses.
    #[error("this private key is not of the kind this service uses")]
    NotThisKind,
    /// The cryptographic library refused, which it does when it finds no randomness.
    #[error("the cryptographic library failed")]
    Library,
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyError::Library)?;
    Ok(bytes)
}

/// Go's form of PEM: lines of 64, line feeds. Log bodies hold PEM, so the bytes matter.
pub(crate) fn pem_config() -> pem::EncodeConfig {
    pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF)
}

fn private_pem(der: &[u8]) -> Zeroizing<String> {
    use base64::Engine as _;
    // By hand: the pem crate copies the secret into values it does not wipe.
    let body = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 80));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}

fn private_der(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    use base64::Engine as _;
    let text = std::str::from_utf8(text).map_err(|_| KeyError::NotPem)?;
    let body = text
        .trim()
        .strip_prefix("-----BEGIN PRIVATE KEY-----")
        .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
        .ok_or(KeyError::NotPem)?;
    let joined: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    base64::engine::general_purpose::STANDARD
        .decode(joined.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| KeyError::NotPem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_file() {
        let (key, pem) = EcdsaKey::generate().unwrap();
        assert_eq!(EcdsaKey::from_pem(pem.as_bytes()).unwrap().id(), key.id());
        assert_eq!(
            RsaKey::from_pem(pem.as_bytes()).unwrap_err(),
            KeyError::NotThisKind
        );
        assert_eq!(EcdsaKey::from_pem(b"junk").unwrap_err(), KeyError::NotPem);
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}
