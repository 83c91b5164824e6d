//! The certificate transparency log (RFC 6962): every certificate the authority issues is in it
//! before the certificate exists.

mod http;
pub(crate) mod leaf;

pub(crate) use http::router;

use std::sync::Arc;

use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use x509_cert::Certificate;

use crate::merkle_log::{AppendError, Appended, LogError, MerkleLog, NewEntry};
use crate::public_key::{HashAlgorithm, PublicKey};
use crate::signing_key::{EcdsaKey, KeyError, sha256};
use leaf::{LoggedCertificate, signed_timestamp_input};

/// The log, and the one authority it takes certificates from.
#[derive(Debug)]
pub(crate) struct CertificateLog {
    log: MerkleLog,
    key: Arc<EcdsaKey>,
    /// The issuing certificate, and those above it: the only chain this log accepts.
    issuer_chain: Vec<Vec<u8>>,
    issuer_key: PublicKey,
}

/// A promise that is already kept: the certificate is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedCertificateTimestamp {
    pub(crate) log_id: [u8; 32],
    /// Milliseconds since 1970.
    pub(crate) timestamp: u64,
    pub(crate) signature: Vec<u8>,
}

impl CertificateLog {
    pub(crate) fn new(
        log: MerkleLog,
        key: Arc<EcdsaKey>,
        issuer_chain: Vec<Vec<u8>>,
    ) -> Result<CertificateLog, SubmitError> {
        let issuer = issuer_chain.first().ok_or(SubmitError::ForeignIssuer)?;
        let issuer = Certificate::from_der(issuer).map_err(|_| SubmitError::Unreadable)?;
        let issuer_key = PublicKey::from_spki(issuer.tbs_certificate.subject_public_key_info)
            .map_err(|_| SubmitError::ForeignIssuer)?;
        Ok(CertificateLog {
            log,
            key,
            issuer_chain,
            issuer_key,
        })
    }

    /// Logs a precertificate of the authority and gives the timestamp to embed.
    pub(crate) async fn add_precertificate(
        &self,
        precertificate: &[u8],
    ) -> Result<SignedCertificateTimestamp, SubmitError> {
        let certificate = self.check_issuer(precertificate)?;
        let tbs = leaf::without_poison(certificate.tbs_certificate)?;
        let logged = LoggedCertificate::Precertificate {
            issuer_key_hash: sha256(&self.issuer_key.to_der()),
            tbs: tbs.to_der().map_err(|_| SubmitError::Unreadable)?,
        };
        self.add(logged, precertificate).await
    }

    /// Logs a finished certificate of the authority.
    pub(crate) async fn add_certificate(
        &self,
        certificate: &[u8],
    ) -> Result<SignedCertificateTimestamp, SubmitError> {
        let parsed = self.check_issuer(certificate)?;
        if leaf::is_poisoned(&parsed.tbs_certificate) {
            return Err(SubmitError::Poisoned);
        }
        let logged = LoggedCertificate::Certificate(certificate.to_vec());
        self.add(logged, certificate).await
    }

    async fn add(
        &self,
        logged: LoggedCertificate,
        submitted: &[u8],
    ) -> Result<SignedCertificateTimestamp, SubmitError> {
        // A certificate sent again gets the timestamp it has (RFC 6962 §3).
        let term = sha256(submitted);
        let reader = self.log.reader();
        let timestamp = match reader.find(&term, 1)?.first() {
            Some(&index) => match reader.entry(index)? {
                Some(entry) => entry.logged_at,
                None => return Err(SubmitError::Unreadable),
            },
            None => {
                let now = Timestamp::now().as_millisecond();
                let entry = NewEntry {
                    leaf: logged.merkle_leaf(now.unsigned_abs()),
                    extra: self.extra_data(&logged, submitted),
                    logged_at: now,
                    terms: vec![term],
                };
                match self.log.append(entry).await? {
                    Appended::New { .. } | Appended::Present { .. } => now,
                }
            }
        };
        let timestamp = timestamp.unsigned_abs();
        // Signed only now that the entry is on the disk.
        let signature = self.key.sign(&signed_timestamp_input(&logged, timestamp))?;
        Ok(SignedCertificateTimestamp {
            log_id: self.key.id(),
            timestamp,
            signature,
        })
    }

    /// Only what our authority signed is logged; a log open to all fills up with spam.
    fn check_issuer(&self, der: &[u8]) -> Result<Certificate, SubmitError> {
        let certificate = Certificate::from_der(der).map_err(|_| SubmitError::Unreadable)?;
        let signed = leaf::signed_part(der).ok_or(SubmitError::Unreadable)?;
        self.issuer_key
            .verify(
                HashAlgorithm::Sha256,
                signed,
                certificate.signature.raw_bytes(),
            )
            .map_err(|_| SubmitError::ForeignIssuer)?;
        Ok(certificate)
    }

    /// `PrecertChainEntry` or the chain of an X.509 entry (RFC 6962 §3.1).
    fn extra_data(&self, logged: &LoggedCertificate, submitted: &[u8]) -> Vec<u8> {
        let mut extra = Vec::new();
        if matches!(logged, LoggedCertificate::Precertificate { .. }) {
            leaf::put_opaque_24(&mut extra, submitted);
        }
        let mut chain = Vec::new();
        for certificate in &self.issuer_chain {
            leaf::put_opaque_24(&mut chain, certificate);
        }
        leaf::put_opaque_24(&mut extra, &chain);
        extra
    }
}

impl SignedCertificateTimestamp {
    /// The value of the SCT list extension, before its OCTET STRING (RFC 6962 §3.3).
    pub(crate) fn list(&self) -> Vec<u8> {
        let mut sct = vec![0];
        sct.extend(self.log_id);
        sct.extend(self.timestamp.to_be_bytes());
        leaf::put_opaque_16(&mut sct, &[]);
        sct.extend(self.digitally_signed());
        let mut list = Vec::new();
        leaf::put_opaque_16(&mut list, &sct);
        let mut value = Vec::new();
        leaf::put_opaque_16(&mut value, &list);
        value
    }

    /// The TLS `DigitallySigned` structure.
    pub(crate) fn digitally_signed(&self) -> Vec<u8> {
        leaf::digitally_signed(&self.signature)
    }
}

/// Why a certificate is not logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SubmitError {
    #[error("this is no X.509 certificate")]
    Unreadable,
    #[error("the certificate is not signed by this instance's certificate authority")]
    ForeignIssuer,
    #[error("the certificate is no precertificate: it has no poison extension")]
    NotPoisoned,
    #[error("the certificate is a precertificate")]
    Poisoned,
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Key(#[from] KeyError),
}
