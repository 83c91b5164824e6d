//! How to reach registries.

use std::path::PathBuf;

use clap::Args;

use super::Secret;

/// Flags of every command that talks to a registry.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct RegistryFlags {
    /// whether to allow insecure connections to registries (e.g., with expired or self-signed TLS certificates). Don't use this for anything but testing
    #[arg(long)]
    pub(crate) allow_insecure_registry: bool,
    /// whether to allow using HTTP protocol while connecting to registries. Don't use this for anything but testing
    #[arg(long)]
    pub(crate) allow_http_registry: bool,
    /// registry basic auth username
    #[arg(long, value_name = "NAME")]
    pub(crate) registry_username: Option<String>,
    /// registry basic auth password
    #[arg(long, value_name = "PASSWORD")]
    pub(crate) registry_password: Option<Secret>,
    /// registry bearer auth token
    #[arg(long, value_name = "TOKEN")]
    pub(crate) registry_token: Option<Secret>,
    /// path to the X.509 CA certificate file in PEM format to be used for the connection to the registry
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_cacert: Option<PathBuf>,
    /// path to the X.509 certificate file in PEM format to be used for the connection to the registry
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_client_cert: Option<PathBuf>,
    /// path to the X.509 private key file in PEM format to be used, together with the 'registry-client-cert' value, for the connection to the registry
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_client_key: Option<PathBuf>,
}
