//! `generate-key-pair` and `public-key`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// `generate-key-pair`.
#[derive(Debug, Args)]
pub(crate) struct GenerateKeyPair {
    /// name used for generated .pub and .key files (defaults to `cosign`)
    #[arg(long, value_name = "PREFIX", default_value = "cosign")]
    pub(crate) output_key_prefix: String,
    /// skip confirmation prompts for non-destructive operations
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Where to keep the pair: only files are supported
    #[arg(hide = true)]
    pub(crate) place: Option<String>,
}

/// `public-key`.
#[derive(Debug, Args)]
pub(crate) struct PublicKey {
    /// path to the private key file, KMS URI or Kubernetes Secret
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) key: String,
    /// write the public key to FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) outfile: Option<PathBuf>,
}
