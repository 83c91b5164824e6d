//! The certificate authority: Fulcio's API, version 2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_trust::{PrivateKey, PrivateKeyError};
use http::header::{AUTHORIZATION, HeaderValue};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::identity_token::IdentityToken;
use crate::service::{Refusal, below, is_created, post, shown_url};
use crate::transport::{Repeat, Transport, TransportFault};

/// A certificate that was issued for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    leaf: Vec<u8>,
    issuers: Vec<Vec<u8>>,
}

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FulcioError {
    /// It refused; most often the token.
    #[error(transparent)]
    Refused(Refusal),
    /// It did not answer.
    #[error("{url}: {fault}")]
    Transport {
        /// Who was asked.
        url: String,
        /// What happened.
        fault: TransportFault,
    },
    /// The answer is not one.
    #[error("the answer of {url} holds no certificates")]
    NoCertificates {
        /// Who was asked.
        url: String,
    },
    /// The proof that a log for certificates has seen it does not come in the certificate, where alone
    /// a bundle can carry it.
    #[error("{url} issues certificates without an embedded timestamp of a certificate log")]
    DetachedSct {
        /// Who was asked.
        url: String,
    },
    /// The certificate is for another key.
    #[error("the certificate from {url} is for another key")]
    OtherKey {
        /// Who was asked.
        url: String,
    },
    /// The proof of possession could not be signed.
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
}

impl IssuedCertificate {
    /// The certificate, in DER.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        &self.leaf
    }

    /// Its issuer and that one's, in DER.
    #[must_use]
    pub fn issuers(&self) -> &[Vec<u8>] {
        &self.issuers
    }
}

/// Asks the authority at `base` for a certificate that says whom `token` names, for `key`.
///
/// That the certificate is one to trust is not checked here: whoever signs with it verifies the whole.
pub async fn request_certificate(
    transport: &Transport,
    base: &Url,
    token: &IdentityToken,
    key: &PrivateKey,
) -> Result<IssuedCertificate, FulcioError> {
    let url = below(base, "api/v2/signingCert");
    let proof = key.sign(token.subject().as_bytes())?;
    let public_key = key.public_key().to_pem();
    let request = json!({
        "publicKeyRequest": {
            "publicKey": { "algorithm": "ECDSA", "content": public_key },
            "proofOfPossession": STANDARD.encode(proof),
        },
    });
    let mut outgoing = post(
        url.clone(),
        "application/json",
        request.to_string().into_bytes(),
    );
    let bearer = format!("Bearer {}", token.raw().expose());
    // A token is base64 with dots, which are fit for a header.
    if let Ok(mut header) = HeaderValue::from_str(&bearer) {
        header.set_sensitive(true);
        outgoing.headers.insert(AUTHORIZATION, header);
    }
    // Asking twice gives two certificates, of which one is used.
    let answer = transport
        .exchange(&outgoing, Repeat::Allowed, MAX_ANSWER)
        .await;
    let answer = answer.map_err(|fault| FulcioError::Transport {
        url: shown_url(&url),
        fault,
    })?;
    if !is_created(answer.status) {
        return Err(FulcioError::Refused(Refusal::of(&url, &answer)));
    }
    let issued = read(&answer.body, &url)?;
    // The certificate holds the key as it was sent.
    let spki = key.public_key().spki_der();
    if !issued.leaf.windows(spki.len()).any(|window| window == spki) {
        return Err(FulcioError::OtherKey {
            url: shown_url(&url),
        });
    }
    Ok(issued)
}

fn read(body: &[u8], url: &Url) -> Result<IssuedCertificate, FulcioError> {
    let nothing = || FulcioError::NoCertificates {
        url: shown_url(url),
    };
    let wire: Wire = serde_json::from_slice(body).map_err(|_| nothing())?;
    let Some(embedded) = wire.signed_certificate_embedded_sct else {
        return Err(match wire.signed_certificate_detached_sct {
            Some(_) => FulcioError::DetachedSct {
                url: shown_url(url),
            },
            None => nothing(),
        });
    };
    if embedded.chain.certificates.len() > MAX_CHAIN {
        return Err(nothing());
    }
    let decode = |pem: &String| CertificateDer::from_pem_slice(pem.as_bytes());
    let decoded: Result<Vec<_>, _> = embedded.chain.certificates.iter().map(decode).collect();
    let mut chain = decoded
        .map_err(|_| nothing())?
        .into_iter()
        .map(|der| der.to_vec());
    Ok(IssuedCertificate {
        leaf: chain.next().ok_or_else(nothing)?,
        issuers: chain.collect(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    signed_certificate_embedded_sct: Option<Signed>,
    signed_certificate_detached_sct: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Signed {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

/// Three certificates have 5 KB.
const MAX_ANSWER: u64 = 256 * 1024;
/// As many as a trust root's chain may have.
const MAX_CHAIN: usize = 10;
