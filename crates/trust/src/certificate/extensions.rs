//! What Fulcio writes into a certificate about the identity, besides its name.
//!
//! Source: fulcio, `docs/oid-info.md`. The extensions `.1` to `.6` hold bare text, those from `.8` a
//! DER `UTF8String`; `.7` is a type of name, not an extension.

use const_oid::ObjectIdentifier;
use der::Decode;
use der::asn1::Utf8StringRef;

/// What a certificate says of the token that it was issued for. The issuer and the name are in
/// [`CertificateIdentity`](super::CertificateIdentity).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FulcioClaims {
    values: [Option<Box<str>>; Claim::ALL.len()],
}

/// One of the claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Claim {
    /// The event that began the workflow (`.2`, old).
    GithubWorkflowTrigger,
    /// The commit (`.3`, old).
    GithubWorkflowSha,
    /// The name of the workflow (`.4`, old).
    GithubWorkflowName,
    /// The repository, `owner/name` (`.5`, old).
    GithubWorkflowRepository,
    /// The ref, `refs/heads/main` (`.6`, old).
    GithubWorkflowRef,
    /// The build instructions that signed, with their ref (`.9`).
    BuildSignerUri,
    /// The commit of those instructions (`.10`).
    BuildSignerDigest,
    /// Whose machine it ran on (`.11`).
    RunnerEnvironment,
    /// The repository that was built (`.12`).
    SourceRepositoryUri,
    /// The commit that was built (`.13`).
    SourceRepositoryDigest,
    /// The ref that was built (`.14`).
    SourceRepositoryRef,
    /// The repository's number, which no rename changes (`.15`).
    SourceRepositoryIdentifier,
    /// The owner of the repository (`.16`).
    SourceRepositoryOwnerUri,
    /// The owner's number, which no rename changes (`.17`).
    SourceRepositoryOwnerIdentifier,
    /// The top-level build instructions (`.18`).
    BuildConfigUri,
    /// The commit of the top-level build instructions (`.19`).
    BuildConfigDigest,
    /// The event that began the build (`.20`).
    BuildTrigger,
    /// The run (`.21`).
    RunInvocationUri,
    /// Whether the repository was public then (`.22`).
    SourceRepositoryVisibility,
    /// The environment it is deployed to (`.23`).
    DeploymentEnvironment,
    /// The subject of the token (`.24`).
    TokenSubject,
}

/// An extension of Fulcio's that is not a [`Claim`].
pub(super) enum FulcioExtension {
    Claim(Claim),
    OldIssuer,
    Issuer,
}

impl Claim {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 21] = [
        Self::GithubWorkflowTrigger,
        Self::GithubWorkflowSha,
        Self::GithubWorkflowName,
        Self::GithubWorkflowRepository,
        Self::GithubWorkflowRef,
        Self::BuildSignerUri,
        Self::BuildSignerDigest,
        Self::RunnerEnvironment,
        Self::SourceRepositoryUri,
        Self::SourceRepositoryDigest,
        Self::SourceRepositoryRef,
        Self::SourceRepositoryIdentifier,
        Self::SourceRepositoryOwnerUri,
        Self::SourceRepositoryOwnerIdentifier,
        Self::BuildConfigUri,
        Self::BuildConfigDigest,
        Self::BuildTrigger,
        Self::RunInvocationUri,
        Self::SourceRepositoryVisibility,
        Self::DeploymentEnvironment,
        Self::TokenSubject,
    ];

    /// The last part of its object identifier, after [`ARC`].
    #[must_use]
    pub fn number(self) -> u32 {
        let place = self as u32;
        if place < OLD_CLAIMS {
            place + 2
        } else {
            place - OLD_CLAIMS + 9
        }
    }

    /// Its object identifier, `1.3.6.1.4.1.57264.1.12`.
    #[must_use]
    pub fn oid(self) -> String {
        format!("{ARC}.{}", self.number())
    }

    /// Its name as sigstore-go writes it in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GithubWorkflowTrigger => "githubWorkflowTrigger",
            Self::GithubWorkflowSha => "githubWorkflowSHA",
            Self::GithubWorkflowName => "githubWorkflowName",
            Self::GithubWorkflowRepository => "githubWorkflowRepository",
            Self::GithubWorkflowRef => "githubWorkflowRef",
            Self::BuildSignerUri => "buildSignerURI",
            Self::BuildSignerDigest => "buildSignerDigest",
            Self::RunnerEnvironment => "runnerEnvironment",
            Self::SourceRepositoryUri => "sourceRepositoryURI",
            Self::SourceRepositoryDigest => "sourceRepositoryDigest",
            Self::SourceRepositoryRef => "sourceRepositoryRef",
            Self::SourceRepositoryIdentifier => "sourceRepositoryIdentifier",
            Self::SourceRepositoryOwnerUri => "sourceRepositoryOwnerURI",
            Self::SourceRepositoryOwnerIdentifier => "sourceRepositoryOwnerIdentifier",
            Self::BuildConfigUri => "buildConfigURI",
            Self::BuildConfigDigest => "buildConfigDigest",
            Self::BuildTrigger => "buildTrigger",
            Self::RunInvocationUri => "runInvocationURI",
            Self::SourceRepositoryVisibility => "sourceRepositoryVisibilityAtSigning",
            Self::DeploymentEnvironment => "deploymentEnvironment",
            Self::TokenSubject => "tokenSubject",
        }
    }
}

macro_rules! claims {
    ($($accessor:ident => $claim:ident),+ $(,)?) => {
        impl FulcioClaims {
            $(
                #[doc = concat!("The value of [`Claim::", stringify!($claim), "`].")]
                #[must_use]
                pub fn $accessor(&self) -> Option<&str> {
                    self.value(Claim::$claim)
                }
            )+
        }
    };
}

claims! {
    github_workflow_trigger => GithubWorkflowTrigger,
    github_workflow_sha => GithubWorkflowSha,
    github_workflow_name => GithubWorkflowName,
    github_workflow_repository => GithubWorkflowRepository,
    github_workflow_ref => GithubWorkflowRef,
    build_signer_uri => BuildSignerUri,
    build_signer_digest => BuildSignerDigest,
    runner_environment => RunnerEnvironment,
    source_repository_uri => SourceRepositoryUri,
    source_repository_digest => SourceRepositoryDigest,
    source_repository_ref => SourceRepositoryRef,
    source_repository_identifier => SourceRepositoryIdentifier,
    source_repository_owner_uri => SourceRepositoryOwnerUri,
    source_repository_owner_identifier => SourceRepositoryOwnerIdentifier,
    build_config_uri => BuildConfigUri,
    build_config_digest => BuildConfigDigest,
    build_trigger => BuildTrigger,
    run_invocation_uri => RunInvocationUri,
    source_repository_visibility => SourceRepositoryVisibility,
    deployment_environment => DeploymentEnvironment,
    token_subject => TokenSubject,
}

impl FulcioClaims {
    /// The value of `claim`, where the certificate has it.
    #[must_use]
    pub fn value(&self, claim: Claim) -> Option<&str> {
        self.values[claim as usize].as_deref()
    }

    /// The names and values of all that the certificate has.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        Claim::ALL
            .into_iter()
            .filter_map(|claim| Some((claim.name(), self.value(claim)?)))
    }

    pub(super) fn set(&mut self, claim: Claim, value: String) {
        self.values[claim as usize] = Some(value.into_boxed_str());
    }
}

impl FulcioExtension {
    /// Recognises an extension; `None` where it is nobody's we know.
    pub(super) fn of(oid: &ObjectIdentifier) -> Option<Self> {
        let arc = ObjectIdentifier::new_unwrap(ARC);
        if oid.parent() != Some(arc) {
            return None;
        }
        match oid.arcs().last()? {
            1 => Some(Self::OldIssuer),
            8 => Some(Self::Issuer),
            number => {
                let claim = Claim::ALL
                    .into_iter()
                    .find(|claim| claim.number() == number)?;
                Some(Self::Claim(claim))
            }
        }
    }

    /// Reads the value of the extension.
    pub(super) fn text(&self, value: &[u8]) -> Option<String> {
        let bare = match self {
            Self::OldIssuer => true,
            Self::Issuer => false,
            Self::Claim(claim) => (*claim as u32) < OLD_CLAIMS,
        };
        if bare {
            return String::from_utf8(value.to_vec()).ok();
        }
        // Strict: bytes behind the string are no part of it (sigstore-go refuses them too).
        Utf8StringRef::from_der(value)
            .ok()
            .map(|text| text.as_str().to_owned())
    }
}

/// Where Fulcio's extensions live.
pub const ARC: &str = "1.3.6.1.4.1.57264.1";

/// How many claims have the old, bare form: `.2` to `.6`.
const OLD_CLAIMS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let numbers: Vec<u32> = Claim::ALL.iter().map(|claim| claim.number()).collect();
        let expected: Vec<u32> = (2..=6).chain(9..=24).collect();
        assert_eq!(numbers, expected);
        assert_eq!(Claim::SourceRepositoryUri.oid(), "1.3.6.1.4.1.57264.1.12");
        assert!(
            Claim::ALL
                .iter()
                .enumerate()
                .all(|(place, claim)| *claim as usize == place)
        );
    }

    #[test]
    fn values_are_read_strictly() {
        let new = FulcioExtension::Claim(Claim::BuildTrigger);
        assert_eq!(new.text(b"\x0c\x04push").as_deref(), Some("push"));
        for forged in [
            &b"push"[..],
            b"\x0c\x04pushx",
            b"\x0c\x05push",
            b"\x16\x04push",
            b"\x0c\x81\x04push",
            b"",
        ] {
            assert_eq!(new.text(forged), None, "{forged:?}");
        }
        let old = FulcioExtension::Claim(Claim::GithubWorkflowTrigger);
        assert_eq!(old.text(b"push").as_deref(), Some("push"));
        assert_eq!(old.text(b"\xff"), None);
    }

    #[test]
    fn strangers_are_no_claims() {
        for oid in [
            "1.3.6.1.4.1.57264.1.25",
            "1.3.6.1.4.1.57264.1.7",
            "1.3.6.1.4.1.57264.2",
            "1.3.6.1.4.1.57264.1.12.1",
            "1.3.6.1.4.1.57265.1.12",
        ] {
            assert!(
                FulcioExtension::of(&ObjectIdentifier::new_unwrap(oid)).is_none(),
                "{oid}"
            );
        }
    }
}
