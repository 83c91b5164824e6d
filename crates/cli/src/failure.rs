//! Everything that can end a command: data here, sentences in [`crate::report`].

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_artifact::{PlatformError, ReferenceError};
use countersign_client::audit::AuditError;
use countersign_client::describe::DescribeError;
use countersign_client::identity_token::IdentityTokenError;
use countersign_client::image_source::{LayoutError, PushError};
use countersign_client::key_source::KeySourceError;
use countersign_client::material::PlaceError;
use countersign_client::registry::{KeychainError, RegistryError};
use countersign_client::services::ServicesError;
use countersign_client::sign::SignError;
use countersign_client::transport::TransportFault;
use countersign_client::trust_root_source::TrustRootSourceError;
use countersign_client::verify_attestation::VerifyAttestationError;
use countersign_client::verify_image::VerifyImageError;
use countersign_kube::{PoliciesError, StartError};
use countersign_policy::ExpressionError;
use countersign_policy::identity::IdentityError;
use countersign_policy::yaml::YamlError;
use countersign_stack::StackError;
use countersign_stack::token::MintError;
use countersign_trust::predicate_type::PredicateTypeError;
use countersign_trust::private_key::PrivateKeyError;

use crate::flags::Refused;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A part of another tool that is not there.
    NotThere(Refused),
    /// Something that failed in the middle of a command whose name belongs in the message.
    While {
        /// What was being done.
        doing: Doing,
        /// What failed.
        failure: Box<Failure>,
    },
    /// Flags that do not go together, or one that is missing.
    Flags(FlagsDisagree),
    /// An annotation that is not `key=value`.
    Annotation {
        /// As typed.
        text: String,
    },
    /// An image reference that does not parse.
    Reference {
        /// As typed.
        text: String,
        /// Which part is wrong.
        error: ReferenceError,
    },
    /// A registry did not do what was asked.
    Registry(RegistryError),
    /// The machine's files of credentials cannot be read.
    Credentials(KeychainError),
    /// Certificates for connections cannot be used.
    Connections(TransportFault),
    /// A layout on the disk cannot be read or written.
    Layout(LayoutError),
    /// A layout was not pushed.
    Push(PushError),
    /// `COSIGN_REPOSITORY` names no repository.
    Place(PlaceError),
    /// A platform that does not parse.
    Platform(PlatformError),
    /// A key cannot be used.
    Key(KeySourceError),
    /// A new key cannot be made or sealed.
    PrivateKey(PrivateKeyError),
    /// There is no identity token that could be used.
    IdentityToken(IdentityTokenError),
    /// A trust root cannot be used.
    TrustRoot(TrustRootSourceError),
    /// A signing config cannot be used.
    SigningConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: ServicesError,
    },
    /// The address of a service is none.
    ServiceUrl(ServicesError),
    /// A predicate type is none.
    PredicateType(PredicateTypeError),
    /// Nothing was signed.
    Sign(SignError),
    /// An image is not verified.
    VerifyImage(VerifyImageError),
    /// Attestations are not verified.
    VerifyAttestation(VerifyAttestationError),
    /// An expression for an identity does not compile.
    Identity(IdentityError),
    /// The log cannot be read.
    Audit(AuditError),
    /// Entries of the log are not proven.
    LogNotProven {
        /// How many.
        unproven: usize,
        /// Of how many.
        read: usize,
    },
    /// A file of policies is no text.
    PolicyNotText {
        /// The file.
        path: PathBuf,
    },
    /// A file of a CUE or Rego rule does not compile.
    PolicyRule {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: ExpressionError,
    },
    /// Policies cannot be used.
    Policies(PoliciesError),
    /// The object of `--resource` cannot be read.
    Resource {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: YamlError,
    },
    /// The policies do not admit the image.
    PoliciesRefuse {
        /// The image.
        image: String,
        /// What each policy says.
        errors: Vec<String>,
        /// Whether it could not be judged.
        undecided: bool,
    },
    /// The controller did not start.
    Controller(StartError),
    /// An image or file cannot be described.
    Describe(DescribeError),
    /// `SOURCE_DATE_EPOCH` is no time.
    Epoch {
        /// What it is.
        text: String,
    },
    /// The program is ending.
    Interrupted,
    /// The demo's webhook cannot be asked.
    Webhook {
        /// What the HTTP library said.
        detail: String,
    },
    /// The embedded services did not start.
    Stack(StackError),
    /// No identity token was made.
    Token(MintError),
    /// `--timeout` is over.
    TimedOut {
        /// How long that was.
        after: Duration,
    },
    /// No runtime could be started.
    Runtime {
        /// What the system says.
        error: ErrorKind,
    },
    /// Standard error cannot be written, and a question was to be asked there.
    Talk {
        /// What the system says.
        error: ErrorKind,
    },
    /// Standard input cannot be read.
    Input {
        /// What the system says.
        error: ErrorKind,
    },
    /// Standard output cannot be written.
    Output {
        /// What the system says.
        error: ErrorKind,
    },
    /// A file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: ErrorKind,
    },
    /// A file cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: ErrorKind,
    },
    /// A file is larger than anything of its kind should be.
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        most: u64,
    },
    /// The person said no.
    Declined,
    /// The person said something else than yes or no.
    NeitherYesNorNo {
        /// What they said.
        answer: String,
    },
    /// The two typed passwords are not the same.
    PasswordsDiffer,
}

/// What was being done when something failed: cosign's messages begin with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doing {
    /// `sign`.
    Signing {
        /// The images, as typed.
        images: Vec<String>,
    },
    /// `attest`.
    Attesting {
        /// The image, as typed.
        image: String,
    },
    /// `verify`.
    Verifying,
    /// `verify-attestation`.
    VerifyingAttestation {
        /// `--type`, as typed.
        predicate_type: String,
    },
}

/// Flags that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FlagsDisagree {
    /// Keyless verification without an identity.
    IdentityMissing,
    /// Keyless verification without an issuer.
    IssuerMissing,
    /// A key and an identity.
    KeyAndIdentity,
    /// `--signing-config` and service URLs.
    SigningConfigAndUrls,
    /// `--signing-config` and `--tlog-upload=false`.
    SigningConfigAndNoLog,
    /// Neither upload nor `--bundle`.
    NoDestination,
    /// One `--bundle` for more than one image.
    OneBundleForSeveral,
    /// A form of output that is none.
    OutputFormat {
        /// As typed.
        asked: String,
    },
    /// A format that is not written.
    Format {
        /// As typed.
        asked: String,
    },
    /// A policy file that is neither CUE nor Rego.
    PolicyFormat {
        /// As typed.
        path: PathBuf,
    },
    /// A flag that must be given.
    Missing {
        /// Its name.
        flag: &'static str,
    },
}

impl Failure {
    /// Notes what was being done.
    pub(crate) fn during(self, doing: Doing) -> Self {
        Self::While {
            doing,
            failure: Box::new(self),
        }
    }

    /// A file could not be read.
    pub(crate) fn read(path: &Path, error: &io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            error: error.kind(),
        }
    }

    /// A file could not be written.
    pub(crate) fn write(path: &Path, error: &io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            error: error.kind(),
        }
    }
}
