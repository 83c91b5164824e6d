//! The command line, exactly as typed: names and defaults are those of cosign, syft and policy-tester,
//! so that a later flag is added and never renamed.
//!
//! What a flag means is decided elsewhere ([`crate::config`] and `commands/`); below that nobody knows
//! that flags exist. Doc comments here are the help that a user reads.

mod arguments;
pub(crate) mod deprecated;
mod go_value;
mod key;
mod refused;
mod registry;
mod sbom;
mod secret;
mod server;
mod sign;
mod story;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use arguments::{
    NotParsed, command_of, parse, program_name, variable_behind, were_read,
};
pub(crate) use key::{GenerateKeyPair, PublicKey};
pub(crate) use refused::Refused;
pub(crate) use registry::RegistryFlags;
pub(crate) use sbom::{Sbom, SbomFormat, SbomOutput};
pub(crate) use secret::Secret;
pub(crate) use server::{
    Controller, NoMatchPolicy, PolicyCommand, PolicyTest, StackCommand, StackToken, StackUp,
};
pub(crate) use sign::{Attest, Sign, SigningFlags};
pub(crate) use story::{Audit, DebugCommand, Demo, PackImage, PushImage};
pub(crate) use verify::{IdentityFlags, TrustFlags, Verify, VerifyAttestation};

/// Signs container images, makes and attests SBOMs, verifies, and guards a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, disable_version_flag = true)]
pub(crate) struct Countersign {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command has.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Write the output to this file instead of standard output
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub(crate) output_file: Option<PathBuf>,
    /// Give up after this time
    #[arg(
        short, long, global = true, value_name = "DURATION", default_value = "3m0s",
        value_parser = go_value::duration, help_heading = "Global options"
    )]
    pub(crate) timeout: Duration,
    /// Say on standard error what is being done
    #[arg(short = 'd', long, global = true, help_heading = "Global options")]
    pub(crate) verbose: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole story on an embedded Sigstore: push, describe, sign, verify, enforce, audit
    Demo(Demo),
    /// Sign the supplied container image
    Sign(Box<Sign>),
    /// Attest the supplied container image
    Attest(Box<Attest>),
    /// Verify a signature on the supplied container image
    Verify(Box<Verify>),
    /// Verify an attestation on the supplied container image
    VerifyAttestation(Box<VerifyAttestation>),
    /// Generates a key-pair
    GenerateKeyPair(GenerateKeyPair),
    /// Gets a public key from the key-pair
    PublicKey(PublicKey),
    /// Describe what is in an image: SPDX, CycloneDX, a table or package URLs
    #[command(alias = "scan")]
    Sbom(Sbom),
    /// Run the admission controller on a folder of policies
    Controller(Controller),
    /// Work with ClusterImagePolicies without a cluster
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Show who signed what, when and from which workflow, read back from the log and proven
    Audit(Audit),
    /// Run a private Sigstore and an OCI registry in one process
    #[command(subcommand)]
    Stack(StackCommand),
    /// Prints the version
    Version(Version),
    /// Generate completion script
    Completion(Completion),
    /// Entries for the project's own checks
    #[command(subcommand, hide = true)]
    Debug(DebugCommand),
}

/// `version`.
#[derive(Debug, Args)]
pub(crate) struct Version {
    /// print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// `completion`.
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell to write for
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// The shells that have completion.
#[allow(clippy::enum_variant_names, reason = "it is the shell's name")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shell {
    /// GNU Bash
    Bash,
    /// Z shell
    Zsh,
    /// Friendly interactive shell
    Fish,
    /// PowerShell
    #[value(name = "powershell")]
    PowerShell,
}

/// How data is written where there are two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DataFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// `cosign ...`: the part of its command line that is there.
#[derive(Debug, Parser)]
#[command(
    name = "cosign",
    about = "A tool for Container Signing, Verification and Storage in an OCI registry",
    disable_version_flag = true
)]
pub(crate) struct Cosign {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: CosignCommand,
}

/// The commands of cosign that are there.
#[derive(Debug, Subcommand)]
pub(crate) enum CosignCommand {
    /// Attest the supplied container image
    Attest(Box<Attest>),
    /// Generate completion script
    Completion(Completion),
    /// Generates a key-pair
    GenerateKeyPair(GenerateKeyPair),
    /// Gets a public key from the key-pair
    PublicKey(PublicKey),
    /// Sign the supplied container image
    Sign(Box<Sign>),
    /// Verify a signature on the supplied container image
    Verify(Box<Verify>),
    /// Verify an attestation on the supplied container image
    VerifyAttestation(Box<VerifyAttestation>),
    /// Prints the version
    Version(Version),
}

impl From<CosignCommand> for Command {
    fn from(command: CosignCommand) -> Self {
        match command {
            CosignCommand::Attest(flags) => Self::Attest(flags),
            CosignCommand::Completion(flags) => Self::Completion(flags),
            CosignCommand::GenerateKeyPair(flags) => Self::GenerateKeyPair(flags),
            CosignCommand::PublicKey(flags) => Self::PublicKey(flags),
            CosignCommand::Sign(flags) => Self::Sign(flags),
            CosignCommand::Verify(flags) => Self::Verify(flags),
            CosignCommand::VerifyAttestation(flags) => Self::VerifyAttestation(flags),
            CosignCommand::Version(flags) => Self::Version(flags),
        }
    }
}

/// `syft [SOURCE]`, `syft scan SOURCE`, `syft version`.
#[derive(Debug, Parser)]
#[command(
    name = "syft",
    about = "Generate a packaged-based Software Bill Of Materials (SBOM) from container images",
    disable_version_flag = true
)]
pub(crate) struct Syft {
    #[command(subcommand)]
    pub(crate) command: SyftCommand,
}

#[allow(clippy::large_enum_variant, reason = "there is one of them")]
/// The commands of syft that are there. A first word that is none of syft's commands is a source.
#[derive(Debug, Subcommand)]
pub(crate) enum SyftCommand {
    /// Generate an SBOM
    Scan(Sbom),
    /// Show version information
    Version(Version),
    /// Generate completion script
    Completion(Completion),
}

/// `policy-tester --policy P --image I`.
#[derive(Debug, Parser)]
#[command(
    name = "policy-tester",
    about = "Try an image against policies, without a cluster",
    disable_version_flag = true
)]
pub(crate) struct PolicyTester {
    #[command(flatten)]
    pub(crate) test: PolicyTest,
    /// Print the version
    #[arg(long)]
    pub(crate) version: bool,
}
