//! `sign` and `attest`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::{RegistryFlags, Secret};

/// `sign`.
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// extra key=value pairs to sign
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) annotations: Vec<String>,
    /// whether to upload the signature
    #[arg(long, default_value = "true")]
    pub(crate) upload: bool,
    #[command(flatten)]
    pub(crate) signing: SigningFlags,
    #[command(flatten)]
    pub(crate) registry: RegistryFlags,
    /// The images, best by digest
    #[arg(required = true, value_name = "IMAGE", help_heading = "Arguments")]
    pub(crate) images: Vec<String>,
}

/// `attest`.
#[derive(Debug, Args)]
pub(crate) struct Attest {
    /// path to the predicate file, `-` for standard input
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) predicate: PathBuf,
    /// specify a predicate type (slsaprovenance|slsaprovenance02|slsaprovenance1|link|spdx|spdxjson|cyclonedx|vuln|openvex|custom) or an URI
    #[arg(long = "type", value_name = "TYPE", default_value = "custom")]
    pub(crate) predicate_type: String,
    /// do not upload the generated attestation
    #[arg(long)]
    pub(crate) no_upload: bool,
    #[command(flatten)]
    pub(crate) signing: SigningFlags,
    #[command(flatten)]
    pub(crate) registry: RegistryFlags,
    /// The images, best by digest
    #[arg(required = true, value_name = "IMAGE", help_heading = "Arguments")]
    pub(crate) images: Vec<String>,
}

/// Who signs, and which services bear witness.
#[derive(Debug, Clone, Args)]
pub(crate) struct SigningFlags {
    /// path to the private key file, or env://VARIABLE
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) key: Option<String>,
    /// write everything required to verify the image to FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// skip confirmation prompts for non-destructive operations
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// identity token to use for certificate from fulcio. the token or a path to a file containing the token is accepted.
    #[arg(long, value_name = "TOKEN", help_heading = "Identity options")]
    pub(crate) identity_token: Option<Secret>,
    /// Disable ambient OIDC providers. When true, ambient credentials will not be read
    #[arg(long, help_heading = "Identity options")]
    pub(crate) oidc_disable_ambient_providers: bool,
    /// path to a signing config file
    #[arg(long, value_name = "FILE", help_heading = "Service options")]
    pub(crate) signing_config: Option<PathBuf>,
    /// whether to use a TUF-provided signing config for the service URLs
    #[arg(long, default_value = "true", help_heading = "Service options")]
    pub(crate) use_signing_config: bool,
    /// optional path to a TrustedRoot JSON file to verify a signature after signing
    #[arg(long, value_name = "FILE", help_heading = "Service options")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// whether or not to upload to the transparency log
    #[arg(long, default_value = "true", help_heading = "Service options")]
    pub(crate) tlog_upload: bool,
    /// address of sigstore PKI server
    #[arg(long, value_name = "URL", help_heading = "Service options")]
    pub(crate) fulcio_url: Option<String>,
    /// address of rekor STL server
    #[arg(long, value_name = "URL", help_heading = "Service options")]
    pub(crate) rekor_url: Option<String>,
    /// OIDC provider to be used to issue ID token
    #[arg(long, value_name = "URL", help_heading = "Service options")]
    pub(crate) oidc_issuer: Option<String>,
    /// url to the Timestamp RFC3161 server, default none. Must be the path to the API to request timestamp responses
    #[arg(long, value_name = "URL", help_heading = "Service options")]
    pub(crate) timestamp_server_url: Option<String>,
    /// expect the signature/attestation to be packaged in a Sigstore bundle
    #[arg(long, default_value = "true", hide = true)]
    pub(crate) new_bundle_format: bool,
}
