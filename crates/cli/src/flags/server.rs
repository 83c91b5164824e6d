//! `stack`, `controller` and `policy`: what serves, and what is tried against policies.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{DataFormat, RegistryFlags};

/// `stack`.
#[derive(Debug, Subcommand)]
pub(crate) enum StackCommand {
    /// Start every service; stop with Ctrl-C or SIGTERM
    Up(StackUp),
    /// Print an identity token of the embedded issuer, for tests
    Token(Box<StackToken>),
}

/// `stack up`.
#[derive(Debug, Args)]
pub(crate) struct StackUp {
    /// The folder that keeps keys, logs, images and the trust root
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// How to print where everything is
    #[arg(short, long, value_enum, default_value = "text")]
    pub(crate) output: DataFormat,
}

/// `stack token`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("subject").args(["email", "github_workflow"]).required(true))]
pub(crate) struct StackToken {
    /// The data folder of the services
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: PathBuf,
    /// The e-mail address the token is for
    #[arg(long, value_name = "ADDRESS", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) email: Option<String>,
    /// The GitHub Actions workflow the token is for: OWNER/REPOSITORY/PATH@REF
    #[arg(
        long, value_name = "WORKFLOW", num_args = 0..=1,
        default_missing_value = "acme/shop/.github/workflows/release.yml@refs/tags/v1.0.0"
    )]
    pub(crate) github_workflow: Option<String>,
    /// The commit the workflow ran on
    #[arg(
        long,
        value_name = "COMMIT",
        default_value = "0123456789abcdef0123456789abcdef01234567"
    )]
    pub(crate) sha: String,
    /// The event that started the workflow
    #[arg(long, value_name = "EVENT", default_value = "push")]
    pub(crate) event: String,
    /// The name of the workflow
    #[arg(long, value_name = "NAME", default_value = "release")]
    pub(crate) workflow_name: String,
}

/// `controller`.
#[derive(Debug, Args)]
pub(crate) struct Controller {
    /// The folder with ClusterImagePolicies, TrustRoots and Secrets as YAML
    #[arg(long, value_name = "FOLDER")]
    pub(crate) policies: PathBuf,
    /// Where to listen for the API server, with HTTPS; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// What becomes of an image that no policy matches
    #[arg(long, value_enum, value_name = "VERDICT", default_value = "deny")]
    pub(crate) no_match_policy: NoMatchPolicy,
    /// Where to write the certificate of the authority that the API server must trust
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Path to the Sigstore TrustedRoot JSON file for policies that name no trust root
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// How to print where it listens
    #[arg(short, long, value_enum, default_value = "text")]
    pub(crate) output: DataFormat,
    #[command(flatten)]
    pub(crate) registry: RegistryFlags,
}

/// What becomes of an image that no policy matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NoMatchPolicy {
    /// Refuse it
    Deny,
    /// Admit it with a warning
    Warn,
    /// Admit it
    Allow,
}

/// `policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Try an image against policies
    Test(PolicyTest),
}

/// `policy test`, which is policy-tester.
#[derive(Debug, Args)]
pub(crate) struct PolicyTest {
    /// path to ClusterImagePolicy or URL to fetch from (http/https)
    #[arg(long, value_name = "FILE", default_value = "")]
    pub(crate) policy: String,
    /// image to compare against policy
    #[arg(long, value_name = "IMAGE", default_value = "")]
    pub(crate) image: String,
    /// path to a kubernetes resource to use with includeSpec, includeObjectMeta
    #[arg(long, value_name = "FILE")]
    pub(crate) resource: Option<PathBuf>,
    /// path to a kubernetes TrustRoot resource to use with the ClusterImagePolicy
    #[arg(long, value_name = "FILE")]
    pub(crate) trustroot: Option<PathBuf>,
    /// Path to the Sigstore TrustedRoot JSON file for policies that name no trust root
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// configure the tool's log level (debug, info, warn, error)
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: String,
    /// read signatures from OCI 1.1 referrers (they always are)
    #[arg(long)]
    pub(crate) enable_oci11: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryFlags,
}
