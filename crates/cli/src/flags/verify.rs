//! `verify` and `verify-attestation`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::RegistryFlags;

/// `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// extra key=value pairs to sign
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) annotations: Vec<String>,
    /// output format for the signing image information (json|text)
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    pub(crate) output: String,
    /// count any attestation as a signature, as cosign 3 does
    #[arg(long)]
    pub(crate) accept_attestation_as_signature: bool,
    #[command(flatten)]
    pub(crate) trust: TrustFlags,
    #[command(flatten)]
    pub(crate) identity: IdentityFlags,
    #[command(flatten)]
    pub(crate) registry: RegistryFlags,
    /// The images
    #[arg(required = true, value_name = "IMAGE", help_heading = "Arguments")]
    pub(crate) images: Vec<String>,
}

/// `verify-attestation`.
#[derive(Debug, Args)]
pub(crate) struct VerifyAttestation {
    /// specify a predicate type (slsaprovenance|slsaprovenance02|slsaprovenance1|link|spdx|spdxjson|cyclonedx|vuln|openvex|custom) or an URI
    #[arg(long = "type", value_name = "TYPE", default_value = "custom")]
    pub(crate) predicate_type: String,
    /// specify CUE or Rego files with policies to be used for validation
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub(crate) policy: Vec<PathBuf>,
    /// output format for the signing image information (json|text)
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) trust: TrustFlags,
    #[command(flatten)]
    pub(crate) identity: IdentityFlags,
    #[command(flatten)]
    pub(crate) registry: RegistryFlags,
    /// The images
    #[arg(required = true, value_name = "IMAGE", help_heading = "Arguments")]
    pub(crate) images: Vec<String>,
}

/// Which proofs are asked for, and against which root.
#[derive(Debug, Clone, Args)]
pub(crate) struct TrustFlags {
    /// path to the public key file, or env://VARIABLE
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) key: Option<String>,
    /// Path to a Sigstore TrustedRoot JSON file
    #[arg(long, value_name = "FILE", help_heading = "Trust options")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// whether to check the claims found
    #[arg(long, default_value = "true", help_heading = "Trust options")]
    pub(crate) check_claims: bool,
    /// ignore transparency log verification, to be used when an artifact signature has not been uploaded to the transparency log. Artifacts cannot be publicly verified when not included in a log
    #[arg(long, help_heading = "Trust options")]
    pub(crate) insecure_ignore_tlog: bool,
    /// when set, verification will not check that a certificate contains an embedded SCT, a proof of inclusion in a certificate transparency log
    #[arg(long, help_heading = "Trust options")]
    pub(crate) insecure_ignore_sct: bool,
    /// verify rfc3161 timestamps
    #[arg(long, help_heading = "Trust options")]
    pub(crate) use_signed_timestamps: bool,
    /// skip transparency log verification, as --insecure-ignore-tlog, without its warning
    #[arg(long, hide = true)]
    pub(crate) private_infrastructure: bool,
    /// only allow offline verification (it always is)
    #[arg(long, hide = true)]
    pub(crate) offline: bool,
    /// expect the signature/attestation to be packaged in a Sigstore bundle (both forms are always read)
    #[arg(long, default_value = "true", hide = true)]
    pub(crate) new_bundle_format: bool,
    /// the amount of maximum workers for parallel executions
    #[arg(long, value_name = "N", default_value = "10", hide = true)]
    pub(crate) max_workers: u16,
}

/// Whom a certificate must name.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Identity options")]
pub(crate) struct IdentityFlags {
    /// The identity expected in a valid Fulcio certificate. Valid values include email address, DNS names, IP addresses, and URIs. Either --certificate-identity or --certificate-identity-regexp must be set for keyless flows.
    #[arg(long, value_name = "IDENTITY", alias = "cert-identity")]
    pub(crate) certificate_identity: Option<String>,
    /// A regular expression alternative to --certificate-identity. Accepts the Go regular expression syntax described at https://golang.org/s/re2syntax. Either --certificate-identity or --certificate-identity-regexp must be set for keyless flows.
    #[arg(long, value_name = "PATTERN", alias = "cert-identity-regexp")]
    pub(crate) certificate_identity_regexp: Option<String>,
    /// The OIDC issuer expected in a valid Fulcio certificate, e.g. https://token.actions.githubusercontent.com or https://oauth2.sigstore.dev/auth. Either --certificate-oidc-issuer or --certificate-oidc-issuer-regexp must be set for keyless flows.
    #[arg(long, value_name = "ISSUER", alias = "cert-oidc-issuer")]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// A regular expression alternative to --certificate-oidc-issuer. Accepts the Go regular expression syntax described at https://golang.org/s/re2syntax. Either --certificate-oidc-issuer or --certificate-oidc-issuer-regexp must be set for keyless flows.
    #[arg(long, value_name = "PATTERN", alias = "cert-oidc-issuer-regexp")]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,
    /// contains the event_name claim from the GitHub OIDC Identity token that contains the name of the event that triggered the workflow run
    #[arg(long, value_name = "EVENT")]
    pub(crate) certificate_github_workflow_trigger: Option<String>,
    /// contains the sha claim from the GitHub OIDC Identity token that contains the commit SHA that the workflow run was based upon.
    #[arg(long, value_name = "SHA")]
    pub(crate) certificate_github_workflow_sha: Option<String>,
    /// contains the workflow claim from the GitHub OIDC Identity token that contains the name of the executed workflow.
    #[arg(long, value_name = "NAME")]
    pub(crate) certificate_github_workflow_name: Option<String>,
    /// contains the repository claim from the GitHub OIDC Identity token that contains the repository that the workflow run was based upon
    #[arg(long, value_name = "REPOSITORY")]
    pub(crate) certificate_github_workflow_repository: Option<String>,
    /// contains the ref claim from the GitHub OIDC Identity token that contains the git ref that the workflow run was based upon.
    #[arg(long, value_name = "REF")]
    pub(crate) certificate_github_workflow_ref: Option<String>,
}
