//! What a signature must prove, and why one does not.

use std::collections::BTreeMap;

use countersign_artifact::Digest;
use countersign_policy::identity::{IdentityMismatch, IdentityPattern, Meaning, check_any};
use countersign_trust::{
    Artifact, Content, Evidence, Form, Material, PublicKey, Shape, Signer, Stranger, TimeSource,
    TrustRoot, Verifier, VerifyError, Weakening,
};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What signatures are asked to prove. Weaker rules have names that say so, and show in the result.
#[derive(Clone, Debug)]
pub struct Rules<'a> {
    /// Who may have signed.
    pub signer: WantedSigner<'a>,
    /// Who is believed about certificates, logs and times.
    pub trust_root: Option<&'a TrustRoot>,
    /// Whether it must be in a log.
    pub log: LogRule,
    /// Whether a timestamp authority must have seen it.
    pub timestamp: TimestampRule,
    /// Whether certificates must be in a log for certificates.
    pub certificate_log: CertificateLogRule,
    /// Whether it must be about this image.
    pub claims: ClaimRule,
    /// What it must say besides, `-a` of `cosign verify`.
    pub annotations: BTreeMap<String, String>,
}

/// Who may have signed.
#[derive(Clone, Copy, Debug)]
pub enum WantedSigner<'a> {
    /// The holder of this key.
    Key(&'a PublicKey),
    /// Anyone whose certificate fits one of these. Nobody fits none.
    Identities(&'a [IdentityPattern]),
}

/// Whether a signature must be in a transparency log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogRule {
    /// In one of the trust root's.
    #[default]
    Required,
    /// It need not be; a certificate without a proven time is judged at `now`
    /// (`--insecure-ignore-tlog`).
    DangerouslyIgnored {
        /// The time.
        now: Timestamp,
    },
}

/// Whether a timestamp authority must have seen the signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampRule {
    /// Its word counts where it is there.
    #[default]
    Welcome,
    /// It must be there (`--use-signed-timestamps`).
    Required,
}

/// Whether certificates must be in a log for certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateLogRule {
    /// In one of the trust root's.
    #[default]
    Required,
    /// They need not be (`--insecure-ignore-sct`).
    DangerouslyIgnored,
}

/// Whether what is signed must be this image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimRule {
    /// It must.
    #[default]
    Checked,
    /// Legacy signatures of anything will do (`--check-claims=false`); a bundle's subject is compared
    /// even so, as cosign does.
    DangerouslyUnchecked,
}

/// A check that was left out because someone asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// No log entry was asked for, and there is none.
    NotLogged,
    /// The verifier left something out.
    Verifier(Weakening),
    /// It is an attestation that was taken for a signature.
    AttestationAsSignature,
}

/// Why material does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It proves nothing.
    #[error(transparent)]
    NotProven(#[from] VerifyError),
    /// Someone else signed it.
    #[error("{0}")]
    Identity(IdentityMismatch),
    /// It is in no log that the trust root knows.
    #[error("it is in no transparency log of the trust root{}", unknown_log(log_id.as_deref()))]
    NotLogged {
        /// The log that it is in, in hexadecimal, if it names one.
        log_id: Option<String>,
    },
    /// No timestamp authority of the trust root has seen it.
    #[error("it has no timestamp of an authority of the trust root")]
    NoTimestamp,
    /// It does not say what it should.
    #[error("missing or incorrect annotation `{name}`: expected `{expected}`, found {}", found.as_deref().unwrap_or("nothing"))]
    Annotation {
        /// The name.
        name: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: Option<String>,
    },
}

/// Material that does not count, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How it is written.
    pub form: Form,
    /// What it claims to be.
    pub shape: Shape,
    /// Its predicate type, as it claims.
    pub predicate_type: Option<String>,
    /// Why it does not count.
    pub reason: Reason,
}

/// A check that every signature in a result has passed, in the order and the sense of cosign's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The annotations asked for are there.
    Annotations,
    /// It is about this image.
    Claims,
    /// Its log entry was proven without asking the log.
    LogOffline,
    /// The given key made it.
    Key,
    /// Its certificate is by an authority of the trust root.
    Certificate,
}

impl Rules<'_> {
    /// The strict rules: in a log, about this image.
    #[must_use]
    pub fn strict<'a>(signer: WantedSigner<'a>, trust_root: Option<&'a TrustRoot>) -> Rules<'a> {
        Rules {
            signer,
            trust_root,
            log: LogRule::default(),
            timestamp: TimestampRule::default(),
            certificate_log: CertificateLogRule::default(),
            claims: ClaimRule::default(),
            annotations: BTreeMap::new(),
        }
    }

    /// Whether these rules can be judged without a trust root: by a key, without logs and times.
    pub(crate) fn need_root(&self) -> bool {
        matches!(self.signer, WantedSigner::Identities(_))
            || self.log == LogRule::Required
            || self.timestamp == TimestampRule::Required
    }

    /// Judges one signature or attestation of the image with this digest.
    pub(crate) fn judge(&self, material: &Material, digest: &Digest) -> Result<Evidence, Refused> {
        self.reasoned(material, digest).map_err(|reason| Refused {
            form: material.form(),
            shape: material.shape(),
            predicate_type: material.claimed_predicate_type().map(str::to_owned),
            reason,
        })
    }

    fn reasoned(&self, material: &Material, digest: &Digest) -> Result<Evidence, Reason> {
        // 1. The facts.
        let artifact = match (self.claims, material.form()) {
            (ClaimRule::DangerouslyUnchecked, Form::Legacy) => Artifact::Unchecked,
            _ => Artifact::Digest(*digest),
        };
        let evidence = self.verifier()?.verify(material, &artifact)?;
        // 2. Who.
        if let (WantedSigner::Identities(wanted), Signer::Certificate(found)) =
            (self.signer, evidence.signer())
        {
            let meaning = match evidence.form() {
                Form::Bundle => Meaning::Bundle,
                Form::Legacy => Meaning::Legacy,
            };
            check_any(wanted, found, meaning).map_err(Reason::Identity)?;
        }
        // 3. Witnesses.
        if self.log == LogRule::Required && evidence.entries().is_empty() {
            return Err(Reason::NotLogged {
                log_id: unknown_log_of(&evidence),
            });
        }
        if self.timestamp == TimestampRule::Required && !has_timestamp(&evidence) {
            return Err(Reason::NoTimestamp);
        }
        // 4. What it says besides.
        let said = annotations(&evidence, digest);
        for (name, expected) in &self.annotations {
            let found = said.and_then(|said| said.get(name));
            if found.and_then(Value::as_str) != Some(expected) {
                return Err(Reason::Annotation {
                    name: name.clone(),
                    expected: expected.clone(),
                    found: found.map(Value::to_string),
                });
            }
        }
        Ok(evidence)
    }

    fn verifier(&self) -> Result<Verifier<'_>, VerifyError> {
        let mut verifier = match (self.signer, self.trust_root) {
            (WantedSigner::Key(key), root) => Verifier::of_key(key, root),
            (WantedSigner::Identities(_), Some(root)) => Verifier::of_certificates(root),
            // Callers are told before; without a root nobody's certificate is one.
            (WantedSigner::Identities(_), None) => return Err(VerifyError::NoProvenTime),
        };
        if self.certificate_log == CertificateLogRule::DangerouslyIgnored {
            verifier = verifier.dangerous_without_sct();
        }
        if let LogRule::DangerouslyIgnored { now } = self.log {
            verifier = verifier.dangerous_at(now);
        }
        Ok(verifier)
    }

    /// What was left out for `evidence`.
    pub(crate) fn leniencies(&self, evidence: &Evidence) -> Vec<Leniency> {
        let mut found: Vec<Leniency> = evidence
            .weakened()
            .iter()
            .copied()
            .map(Leniency::Verifier)
            .collect();
        if evidence.entries().is_empty() {
            found.push(Leniency::NotLogged);
        }
        found
    }

    /// What all of `evidence` has passed.
    pub(crate) fn checks<'e>(&self, evidence: impl Iterator<Item = &'e Evidence>) -> Vec<Check> {
        let logged = evidence.into_iter().all(|one| !one.entries().is_empty());
        let signer = match self.signer {
            WantedSigner::Key(_) => Check::Key,
            WantedSigner::Identities(_) => Check::Certificate,
        };
        [
            (!self.annotations.is_empty(), Check::Annotations),
            (self.claims == ClaimRule::Checked, Check::Claims),
            (logged, Check::LogOffline),
            (true, signer),
        ]
        .into_iter()
        .filter_map(|(passed, check)| passed.then_some(check))
        .collect()
    }
}

/// What the signer noted about the image with this digest.
pub(crate) fn annotations<'e>(
    evidence: &'e Evidence,
    digest: &Digest,
) -> Option<&'e Map<String, Value>> {
    match evidence.content() {
        Content::ImageSignature(signature) => Some(signature.annotations()),
        Content::Statement(statement) => {
            let mut subjects = statement.subjects().iter();
            let subject = subjects.find(|subject| subject.digests().contains(digest))?;
            Some(subject.annotations())
        }
        Content::Message(_) => None,
    }
}

fn has_timestamp(evidence: &Evidence) -> bool {
    let by_authority =
        |source: &TimeSource| matches!(source, TimeSource::TimestampAuthority { .. });
    evidence
        .times()
        .iter()
        .any(|time| by_authority(time.source()))
}

fn unknown_log_of(evidence: &Evidence) -> Option<String> {
    evidence
        .strangers()
        .iter()
        .find_map(|stranger| match stranger {
            Stranger::Log { id } => Some(id.clone()),
            Stranger::TimestampAuthority => None,
        })
}

fn unknown_log(id: Option<&str>) -> String {
    id.map(|id| format!(", but in the unknown log {id}"))
        .unwrap_or_default()
}
