//! The one internal model of a policy: everything that can be checked or compiled beforehand is.

use countersign_artifact::Digest;

use crate::authority::{Authority, AuthorityKind};
use crate::expression::{Expression, ExpressionError};
use crate::image_pattern::ImagePattern;
use crate::kind_match::KindMatch;
use crate::reference::References;
use crate::wire;
use crate::workload::Workload;
use countersign_artifact::ImageReference;

/// A policy, ready to judge images.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    images: Vec<ImagePattern>,
    matches: Vec<KindMatch>,
    mode: Mode,
    authorities: Vec<Authority>,
    rule: Option<PolicyRule>,
    faults: Vec<Fault>,
    covers_everything: bool,
    fingerprint: Digest,
}

/// What a failing policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The image is refused.
    Enforce,
    /// The user is warned.
    Warn,
}

/// The rule of a policy over what its authorities found, and what it is shown besides.
#[derive(Clone, Debug)]
pub struct PolicyRule {
    /// The rule, or why there is none that could be asked.
    pub expression: Result<Expression, Fault>,
    /// Show it the image's configurations.
    pub with_image_config: bool,
    /// Show it the object's `spec`.
    pub with_spec: bool,
    /// Show it the object's `metadata`.
    pub with_object_meta: bool,
    /// Show it the object's kind and version.
    pub with_type_meta: bool,
}

/// Something in a policy that cannot be used. It denies what it would have decided; a policy never
/// becomes weaker because a part of it is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy `{policy}`: {place}: {kind}")]
pub struct Fault {
    /// The policy.
    pub policy: String,
    /// The part: `authority release`, `attestation scan of authority release`.
    pub place: String,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What is wrong with a part of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// The CUE or Rego text does not compile.
    #[error(transparent)]
    Expression(Box<ExpressionError>),
    /// A pattern of image names.
    #[error("{0}")]
    ImagePattern(crate::image_pattern::ImagePatternError),
    /// A label selector.
    #[error("{0}")]
    KindMatch(crate::kind_match::KindMatchError),
    /// An identity.
    #[error("{0}")]
    Identity(crate::identity::IdentityError),
    /// A key that is none.
    #[error("the public key cannot be read: {0}")]
    Key(String),
    /// A hash that is none, or that signatures of this key never use.
    #[error("unsupported hash algorithm `{0}`")]
    HashAlgorithm(String),
    /// A key in a key management service.
    #[error("keys in a key management service (`{0}`) are not supported yet")]
    KeyManagementService(String),
    /// What is referred to is not there.
    #[error("{0}")]
    Reference(crate::reference::ReferenceFault),
    /// `keyless` without `url`.
    #[error("no Keyless URL specified")]
    NoKeylessUrl,
    /// `keyless` with a certificate authority of its own beside `url`.
    #[error("keyless.ca-cert is not supported: name a trustRootRef")]
    CertificateAuthority,
    /// `keyless` without identities.
    #[error("keyless names no identities, and nobody is not anybody")]
    NoIdentities,
    /// Neither key, keyless nor static.
    #[error("authority has neither key, keyless, or static specified")]
    NoSigner,
    /// More than one of key, keyless and static, or of the sources of a key.
    #[error("authority has more than one of key, keyless and static specified")]
    SeveralSigners,
    /// A static action other than `pass` and `fail`.
    #[error("unsupported static action `{0}`")]
    StaticAction(String),
    /// `source.oci` that is no repository.
    #[error("failed to determine source: {0}")]
    Source(String),
    /// References that the bundle format cannot follow; upstream's text.
    #[error("{0}")]
    Bundle(crate::authority::BundleFault),
    /// No authority at all.
    #[error("the policy has no authorities, so nobody can vouch for an image")]
    NoAuthorities,
    /// A mode other than `enforce` and `warn`.
    #[error("unsupported mode `{0}`")]
    Mode(String),
}

impl From<ExpressionError> for FaultKind {
    fn from(error: ExpressionError) -> Self {
        Self::Expression(Box::new(error))
    }
}

impl AsRef<Policy> for Policy {
    fn as_ref(&self) -> &Policy {
        self
    }
}

impl Policy {
    /// Compiles a policy. Never fails: what is broken denies, and is listed in [`Self::faults`].
    #[must_use]
    pub fn compile(policy: &wire::ClusterImagePolicy, references: &dyn References) -> Self {
        let mut defaulted = policy.clone();
        defaulted.set_defaults();
        let spec = &defaulted.spec;
        let mut compiler = Compiler {
            policy: policy.name.clone(),
            faults: Vec::new(),
        };
        let (images, broken_image) = compiler.images(&spec.images);
        let (matches, broken_match) = compiler.matches(&spec.matches);
        let is_broken = broken_image || broken_match;
        let mode = match spec.mode.as_str() {
            // Of a policy that is about everything only because it cannot be read, a warning would be
            // weaker than no policy at all.
            "warn" if !is_broken => Mode::Warn,
            "warn" | "enforce" => Mode::Enforce,
            other => {
                compiler.fault("mode", FaultKind::Mode(other.to_owned()));
                Mode::Enforce
            }
        };
        let mut authorities = Vec::with_capacity(spec.authorities.len());
        for authority in &spec.authorities {
            let compiled = Authority::compile(authority, references, &policy.name);
            if let AuthorityKind::Broken(fault) = &compiled.kind {
                compiler.faults.push(fault.clone());
            }
            compiler.faults.extend(compiled.rule_faults().cloned());
            authorities.push(compiled);
        }
        if authorities.is_empty() {
            compiler.fault("authorities", FaultKind::NoAuthorities);
        }
        let rule = spec
            .policy
            .as_ref()
            .map(|text| compiler.rule(text, references));
        Self {
            name: policy.name.clone(),
            images,
            matches,
            mode,
            authorities,
            rule,
            covers_everything: is_broken,
            faults: compiler.faults,
            fingerprint: fingerprint(policy, references),
        }
    }

    /// Compiles a policy, and refuses one with any broken part: for files that a person has just
    /// written and wants to hear about.
    pub fn compile_strictly(
        policy: &wire::ClusterImagePolicy,
        references: &dyn References,
    ) -> Result<Self, Vec<Fault>> {
        let compiled = Self::compile(policy, references);
        if compiled.faults.is_empty() {
            Ok(compiled)
        } else {
            Err(compiled.faults)
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does when an image fails.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Who may vouch.
    #[must_use]
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// The rule over what the authorities found.
    #[must_use]
    pub fn rule(&self) -> Option<&PolicyRule> {
        self.rule.as_ref()
    }

    /// The patterns of image names.
    #[must_use]
    pub fn images(&self) -> &[ImagePattern] {
        &self.images
    }

    /// What is broken.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What is broken about the question which images the policy is about. With anything here it refuses
    /// every image: nobody knows which ones were meant to pass.
    pub fn scope_faults(&self) -> impl Iterator<Item = &Fault> {
        let is_of_scope = |fault: &&Fault| {
            matches!(
                fault.kind,
                FaultKind::ImagePattern(_) | FaultKind::KindMatch(_)
            )
        };
        self.faults.iter().filter(is_of_scope)
    }

    /// Changes whenever a verdict of this policy could change: part of the key of a verdict cache.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// Whether `image` in `workload` is this policy's business. A policy whose patterns cannot be
    /// read is about everything, because nobody knows what it was not about.
    #[must_use]
    pub fn applies_to(&self, image: &ImageReference, workload: &Workload) -> bool {
        self.covers_everything
            || (self.images.iter().any(|pattern| pattern.covers(image))
                && (self.matches.is_empty()
                    || self.matches.iter().any(|entry| entry.matches(workload))))
    }
}

struct Compiler {
    policy: String,
    faults: Vec<Fault>,
}

impl Compiler {
    fn fault(&mut self, place: &str, kind: FaultKind) -> Fault {
        let fault = Fault {
            policy: self.policy.clone(),
            place: place.to_owned(),
            kind,
        };
        self.faults.push(fault.clone());
        fault
    }

    fn images(&mut self, images: &[wire::ImagePattern]) -> (Vec<ImagePattern>, bool) {
        let (mut patterns, mut broken) = (Vec::new(), false);
        for (index, image) in images.iter().enumerate() {
            match ImagePattern::parse(&image.glob) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => {
                    broken = true;
                    self.fault(&format!("images[{index}]"), FaultKind::ImagePattern(error));
                }
            }
        }
        (patterns, broken)
    }

    fn matches(&mut self, entries: &[wire::MatchResource]) -> (Vec<KindMatch>, bool) {
        let (mut matches, mut broken) = (Vec::new(), false);
        for (index, entry) in entries.iter().enumerate() {
            match KindMatch::compile(entry) {
                Ok(entry) => matches.push(entry),
                Err(error) => {
                    broken = true;
                    self.fault(&format!("match[{index}]"), FaultKind::KindMatch(error));
                }
            }
        }
        (matches, broken)
    }

    fn rule(&mut self, text: &wire::PolicyText, references: &dyn References) -> PolicyRule {
        let expression = match Expression::from_wire(RULE_NAME, text, references) {
            Ok(expression) => Ok(expression),
            Err(kind) => Err(self.fault("policy", kind)),
        };
        PolicyRule {
            expression,
            with_image_config: text.fetch_config_file == Some(true),
            with_spec: text.include_spec == Some(true),
            with_object_meta: text.include_object_meta == Some(true),
            with_type_meta: text.include_type_meta == Some(true),
        }
    }
}

/// The hash of all that a verdict depends on in the policy: its text and what its references hold.
fn fingerprint(policy: &wire::ClusterImagePolicy, references: &dyn References) -> Digest {
    let spec = serde_json::to_vec(&policy.spec).unwrap_or_default();
    let mut text = policy.name.clone().into_bytes();
    text.push(0);
    text.extend(spec);
    for authority in &policy.spec.authorities {
        let keys = authority
            .key
            .iter()
            .chain(authority.keyless.iter().flat_map(|one| &one.ca_cert));
        for secret in keys.filter_map(|key| key.secret_ref.as_ref()) {
            text.extend(format!("{:?}", references.public_key(&secret.name)).into_bytes());
        }
    }
    let rules = policy
        .spec
        .authorities
        .iter()
        .flat_map(|authority| &authority.attestations);
    let rules = rules.filter_map(|attestation| attestation.policy.as_ref());
    for rule in rules.chain(&policy.spec.policy) {
        text.extend(format!("{:?}", references.policy_text(rule)).into_bytes());
    }
    Digest::sha256_of(&text)
}

/// The name of a policy's own rule in messages, whatever the policy is called.
pub(crate) const RULE_NAME: &str = "ClusterImagePolicy";
