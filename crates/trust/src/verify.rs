//! The story of a verification, on one screen.

use countersign_artifact::Digest;
use jiff::Timestamp;

use crate::assemble::pem_block;
use crate::certificate;
use crate::error::VerifyError;
use crate::evidence::{Evidence, Signer, Stranger, VerifiedKey, VerifiedTime, Weakening};
use crate::material::{Claims, Form, KeyMaterial, Material, SignedContent};
use crate::public_key::{HashRule, PublicKey};
use crate::signature;
use crate::timestamp::{self, Stamped};
use crate::transparency_log::{self, Expected, Logged, SignerKey};
use crate::trust_root::TrustRoot;

/// What a signature is wanted for.
#[derive(Clone, Copy, Debug)]
pub enum Artifact<'a> {
    /// What has this digest.
    Digest(Digest),
    /// These bytes.
    Bytes(&'a [u8]),
    /// Anything: `--check-claims=false`. It shows in the evidence.
    Unchecked,
}

/// Who may have signed, and which root is asked about times and logs.
#[derive(Clone, Debug)]
pub struct Verifier<'a> {
    asked: Asked<'a>,
    rule: HashRule,
    sct: SctRule,
    fallback: Option<Timestamp>,
}

#[derive(Clone, Debug)]
enum Asked<'a> {
    Certificates(&'a TrustRoot),
    Key(&'a PublicKey, Option<&'a TrustRoot>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SctRule {
    Required,
    Ignored,
}

/// Whose signature it is, proven.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each verification"
)]
enum ProvenSigner<'a> {
    Certificate(certificate::VerifiedSigner, &'a [u8]),
    Key(&'a PublicKey),
}

impl<'a> Verifier<'a> {
    /// Takes signatures of those to whom an authority of `root` gave a certificate.
    #[must_use]
    pub fn of_certificates(root: &'a TrustRoot) -> Self {
        Self {
            asked: Asked::Certificates(root),
            rule: HashRule::Usual,
            sct: SctRule::Required,
            fallback: None,
        }
    }

    /// Takes signatures of one key. Without a root log entries and timestamps are no facts.
    #[must_use]
    pub fn of_key(key: &'a PublicKey, root: Option<&'a TrustRoot>) -> Self {
        Self {
            asked: Asked::Key(key, root),
            rule: HashRule::Usual,
            sct: SctRule::Required,
            fallback: None,
        }
    }

    /// Takes signatures over this hash alone, where a policy names one for its key. Certificates always
    /// have the usual one of their key.
    #[must_use]
    pub fn with_hash(self, rule: HashRule) -> Self {
        match self.asked {
            Asked::Key(..) => Self { rule, ..self },
            Asked::Certificates(_) => self,
        }
    }

    /// Asks no log for certificates: `--insecure-ignore-sct`. A certificate that its issuer gave away
    /// in secret passes then.
    #[must_use]
    pub fn dangerous_without_sct(self) -> Self {
        Self {
            sct: SctRule::Ignored,
            ..self
        }
    }

    /// Judges a certificate at `now` where no time is proven: `--insecure-ignore-tlog`.
    #[must_use]
    pub fn dangerous_at(self, now: Timestamp) -> Self {
        Self {
            fallback: Some(now),
            ..self
        }
    }

    /// States what `material` proves about `artifact`, as facts a policy can ask for.
    ///
    /// Material from a party that the trust root knows must be right, or this is an error. Material
    /// that is absent, or from a stranger, is no fact: removing something can never satisfy more
    /// policies.
    pub fn verify(
        &self,
        material: &Material,
        artifact: &Artifact<'_>,
    ) -> Result<Evidence, VerifyError> {
        let claims = material.claims()?;
        // 1. When was it signed? Every later step is judged at these times, never at "now".
        let (logged, stamped) = self.ask_root(claims)?;
        let times = times(&logged, stamped.times);
        // 2. Who signed it? Chain, SCT and profile must hold at each of those times.
        let mut weakened = Vec::new();
        let strangers = strangers(&logged, stamped.strangers);
        let signer = self.signer(material.form(), claims, &times, &strangers, &mut weakened)?;
        // 3. What was signed? That signer's key, over this artifact.
        let content = signature::verify(&claims.content, signer.key(), self.rule, artifact)?;
        if matches!(artifact, Artifact::Unchecked) {
            weakened.push(Weakening::ArtifactUnchecked);
        }
        // 4. Was it public? Each entry must describe this very signature.
        let entries = bind(logged, claims, &signer, artifact, &times)?;
        let (certificate_pem, chain_pem) = pem_of_chain(&claims.key);
        Ok(Evidence {
            form: material.form(),
            signer: signer.into_fact(),
            content,
            times,
            entries,
            strangers,
            weakened,
            signature: claims.content.signature().to_vec(),
            certificate_pem,
            chain_pem,
        })
    }

    fn ask_root<'m>(&'m self, claims: &'m Claims) -> Result<(Logged<'m>, Stamped), VerifyError> {
        let root = match self.asked {
            Asked::Certificates(root) | Asked::Key(_, Some(root)) => root,
            Asked::Key(_, None) => return Ok((Logged::default(), Stamped::default())),
        };
        let stamped = timestamp::verify_all(claims, root)?;
        Ok((transparency_log::prove_all(&claims.entries, root)?, stamped))
    }

    fn signer<'m>(
        &'m self,
        form: Form,
        claims: &'m Claims,
        times: &[VerifiedTime],
        strangers: &[Stranger],
        weakened: &mut Vec<Weakening>,
    ) -> Result<ProvenSigner<'m>, VerifyError> {
        let root = match (&self.asked, &claims.key) {
            // A layer may carry a certificate beside a signature with a key; in a bundle there is one
            // signer, and it is not the one asked for.
            (Asked::Key(..), KeyMaterial::Certificate { .. }) if form == Form::Bundle => {
                return Err(VerifyError::NotTheKey);
            }
            (Asked::Key(key, _), _) => return Ok(ProvenSigner::Key(key)),
            (Asked::Certificates(root), _) => root,
        };
        let KeyMaterial::Certificate {
            leaf,
            intermediates,
        } = &claims.key
        else {
            return Err(VerifyError::NoCertificate);
        };
        let times: Vec<_> = match self.fallback {
            Some(now) if times.is_empty() => {
                weakened.push(Weakening::JudgedAt(now));
                vec![now]
            }
            None if times.is_empty() => return Err(no_proven_time(strangers)),
            _ => times.iter().map(VerifiedTime::at).collect(),
        };
        let authorities = root.certificate_authorities();
        let signer = certificate::chain::verify(leaf, intermediates, authorities, &times)?;
        match self.sct {
            SctRule::Required => certificate::sct::verify(&signer, root.ct_logs())?,
            SctRule::Ignored => weakened.push(Weakening::NoSct),
        }
        Ok(ProvenSigner::Certificate(signer, leaf))
    }
}

impl ProvenSigner<'_> {
    fn key(&self) -> &PublicKey {
        match self {
            Self::Certificate(signer, _) => signer.key(),
            Self::Key(key) => key,
        }
    }

    fn into_fact(self) -> Signer {
        match self {
            Self::Certificate(signer, _) => Signer::Certificate(signer.into_identity()),
            Self::Key(key) => Signer::Key(VerifiedKey::new(key.clone())),
        }
    }
}

impl Artifact<'_> {
    /// The digest of the artifact, if one is wanted.
    pub(crate) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Digest(digest) => Some(*digest),
            Self::Bytes(bytes) => Some(Digest::sha256_of(bytes)),
            Self::Unchecked => None,
        }
    }
}

fn times(logged: &Logged<'_>, stamped: Vec<VerifiedTime>) -> Vec<VerifiedTime> {
    let mut times = stamped;
    times.extend(logged.entries.iter().filter_map(|entry| entry.time()));
    times
}

fn bind(
    logged: Logged<'_>,
    claims: &Claims,
    signer: &ProvenSigner<'_>,
    artifact: &Artifact<'_>,
    times: &[VerifiedTime],
) -> Result<Vec<crate::evidence::VerifiedEntry>, VerifyError> {
    if logged.entries.is_empty() {
        return Ok(Vec::new());
    }
    let header = match &claims.content {
        SignedContent::Envelope(envelope) => envelope.header(),
        _ => String::new(),
    };
    let signed = signature::signed_bytes(&claims.content, artifact, &header);
    let expected = Expected {
        content: &claims.content,
        signer: match signer {
            ProvenSigner::Certificate(signer, leaf) => SignerKey::Certificate(leaf, signer.key()),
            ProvenSigner::Key(key) => SignerKey::Key(key),
        },
    };
    let bind_one = |entry: transparency_log::LoggedEntry<'_>| {
        entry.check_window(times)?;
        entry.bind(&expected, &signed)
    };
    logged.entries.into_iter().map(bind_one).collect()
}

fn strangers(logged: &Logged<'_>, timestamps: usize) -> Vec<Stranger> {
    let logs = logged.strangers.iter().map(|id| Stranger::Log {
        id: hex::encode(id),
    });
    let authorities = std::iter::repeat_n(Stranger::TimestampAuthority, timestamps);
    logs.chain(authorities).collect()
}

/// Says whose word was not enough, if anyone's.
fn no_proven_time(strangers: &[Stranger]) -> VerifyError {
    match strangers.first() {
        Some(Stranger::Log { id }) => VerifyError::UnknownLog { id: id.clone() },
        Some(Stranger::TimestampAuthority) => VerifyError::UnknownTimestampAuthority,
        None => VerifyError::NoProvenTime,
    }
}

fn pem_of_chain(key: &KeyMaterial) -> (Option<String>, Option<String>) {
    let KeyMaterial::Certificate {
        leaf,
        intermediates,
    } = key
    else {
        return (None, None);
    };
    let chain: String = intermediates
        .iter()
        .map(|der| pem_block("CERTIFICATE", der))
        .collect();
    (
        Some(pem_block("CERTIFICATE", leaf)),
        (!chain.is_empty()).then_some(chain),
    )
}
