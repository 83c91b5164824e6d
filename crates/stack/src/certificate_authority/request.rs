//! What is asked of the authority, in both versions of the protocol, and the proof of possession.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::Decode as _;
use serde::Deserialize;
use x509_cert::request::CertReq;
use zeroize::Zeroizing;

use super::TokenError;
use crate::certificate_transparency::leaf::signed_part;
use crate::public_key::{PublicKey, PublicKeyError};
use crate::signing_key::sha256;

/// A request for a certificate. The token is a credential: it is wiped, and never printed.
pub(crate) struct SigningRequest {
    pub(super) token: Zeroizing<String>,
    proof: Proof,
}

/// How the caller shows that the private key is theirs.
enum Proof {
    /// A signature over the identity they claim.
    Challenge { key: Vec<u8>, signature: Vec<u8> },
    /// A PKCS#10 request, signed by its own key.
    Request(Vec<u8>),
}

impl SigningRequest {
    /// Reads `POST /api/v2/signingCert`.
    pub(super) fn from_v2(body: &[u8], headers: &HeaderMap) -> Result<Self, RequestError> {
        let body: V2 = serde_json::from_slice(body).map_err(|_| RequestError::NotJson)?;
        let token = match body.credentials {
            Some(V2Credentials { token: Some(token) }) => Zeroizing::new(token),
            _ => bearer(headers)?,
        };
        let proof = match (body.public_key_request, body.csr) {
            (Some(request), None) => Proof::Challenge {
                key: key_bytes(&request.public_key.content)?,
                signature: decode(&request.proof_of_possession)
                    .ok_or(RequestError::ProofRefused)?,
            },
            (None, Some(csr)) => Proof::Request(request_bytes(&csr)?),
            _ => return Err(RequestError::OneProof),
        };
        Ok(SigningRequest { token, proof })
    }

    /// Reads the legacy `POST /api/v1/signingCert`.
    pub(super) fn from_v1(body: &[u8], headers: &HeaderMap) -> Result<Self, RequestError> {
        let body: V1 = serde_json::from_slice(body).map_err(|_| RequestError::NotJson)?;
        let token = bearer(headers)?;
        let proof = match (body.public_key, body.signed_email_address, body.csr) {
            (Some(key), Some(signature), None) => Proof::Challenge {
                key: key_bytes(&key.content)?,
                signature: decode(&signature).ok_or(RequestError::ProofRefused)?,
            },
            (_, _, Some(csr)) if !csr.is_empty() => Proof::Request(request_bytes(&csr)?),
            _ => return Err(RequestError::OneProof),
        };
        Ok(SigningRequest { token, proof })
    }

    /// The key, once its holder has proven to hold it.
    pub(super) fn proven_key(&self, challenge: &str) -> Result<PublicKey, RequestError> {
        match &self.proof {
            Proof::Challenge { key, signature } => {
                let key = PublicKey::from_der(key).map_err(RequestError::from_key)?;
                key.verify(key.kind().default_hash(), challenge.as_bytes(), signature)
                    .map_err(|_| RequestError::ProofRefused)?;
                Ok(key)
            }
            Proof::Request(der) => {
                // Subject and wished-for extensions are nobody's business but the token's.
                let request = CertReq::from_der(der).map_err(|_| RequestError::UnreadableCsr)?;
                let signed = signed_part(der).ok_or(RequestError::UnreadableCsr)?;
                let key = PublicKey::from_spki(request.info.public_key)
                    .map_err(RequestError::from_key)?;
                key.verify(
                    key.kind().default_hash(),
                    signed,
                    request.signature.raw_bytes(),
                )
                .map_err(|_| RequestError::ProofRefused)?;
                Ok(key)
            }
        }
    }
}

impl std::fmt::Debug for SigningRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = hex::encode(&sha256(self.token.as_bytes())[..4]);
        write!(f, "SigningRequest {{ token: (hash {id}), .. }}")
    }
}

/// Why a request is refused before, or besides, its token. The texts are Fulcio's: clients and
/// their users know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the request is no JSON of this protocol")]
    NotJson,
    #[error("exactly one of publicKeyRequest and certificateSigningRequest must be given")]
    OneProof,
    #[error(
        "There was an error processing the identity token: {}",
        TokenError::Absent
    )]
    NoToken,
    #[error("The signature supplied in the request could not be verified")]
    ProofRefused,
    #[error("The public key supplied in the request could not be parsed")]
    UnreadableKey,
    #[error("The certificate signing request could not be parsed")]
    UnreadableCsr,
    #[error("The public key supplied in the request is insecure")]
    InsecureKey,
    #[error("signing algorithm not permitted: P-256, P-384, P-521, RSA and Ed25519 are")]
    KeyNotPermitted,
}

impl RequestError {
    fn from_key(error: PublicKeyError) -> RequestError {
        match error {
            PublicKeyError::Insecure => RequestError::InsecureKey,
            PublicKeyError::Unsupported => RequestError::KeyNotPermitted,
            PublicKeyError::Unreadable
            | PublicKeyError::NeedsMessage
            | PublicKeyError::SignatureMismatch => RequestError::UnreadableKey,
        }
    }
}

fn bearer(headers: &HeaderMap) -> Result<Zeroizing<String>, RequestError> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token)
        })
        .map(|token| Zeroizing::new(token.to_owned()))
        .ok_or(RequestError::NoToken)
}

/// A public key as PEM, or as base64 of DER or of PEM.
fn key_bytes(text: &str) -> Result<Vec<u8>, RequestError> {
    let bytes = if text.trim_start().starts_with("-----") {
        text.as_bytes().to_vec()
    } else {
        decode(text).ok_or(RequestError::UnreadableKey)?
    };
    unwrap_pem(bytes, &["PUBLIC KEY"]).ok_or(RequestError::UnreadableKey)
}

/// A certificate request: base64 of PEM, or of DER.
fn request_bytes(text: &str) -> Result<Vec<u8>, RequestError> {
    let bytes = decode(text).ok_or(RequestError::UnreadableCsr)?;
    unwrap_pem(bytes, &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"])
        .ok_or(RequestError::UnreadableCsr)
}

fn unwrap_pem(bytes: Vec<u8>, labels: &[&str]) -> Option<Vec<u8>> {
    if !bytes.trim_ascii_start().starts_with(b"-----") {
        return Some(bytes);
    }
    let block = pem::parse(&bytes).ok()?;
    labels.contains(&block.tag()).then(|| block.into_contents())
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

// The wire forms. Protobuf's JSON takes both spellings of a field and ignores unknown ones.

#[derive(Deserialize)]
struct V2 {
    credentials: Option<V2Credentials>,
    #[serde(rename = "publicKeyRequest", alias = "public_key_request")]
    public_key_request: Option<V2PublicKeyRequest>,
    #[serde(
        rename = "certificateSigningRequest",
        alias = "certificate_signing_request"
    )]
    csr: Option<String>,
}

#[derive(Deserialize)]
struct V2Credentials {
    #[serde(rename = "oidcIdentityToken", alias = "oidc_identity_token")]
    token: Option<String>,
}

#[derive(Deserialize)]
struct V2PublicKeyRequest {
    #[serde(rename = "publicKey", alias = "public_key")]
    public_key: Key,
    #[serde(rename = "proofOfPossession", alias = "proof_of_possession")]
    proof_of_possession: String,
}

/// `algorithm` is ignored: the key says what it is.
#[derive(Deserialize)]
struct Key {
    content: String,
}

#[derive(Deserialize)]
struct V1 {
    #[serde(rename = "publicKey")]
    public_key: Option<Key>,
    #[serde(rename = "signedEmailAddress")]
    signed_email_address: Option<String>,
    #[serde(rename = "certificateSigningRequest")]
    csr: Option<String>,
}
