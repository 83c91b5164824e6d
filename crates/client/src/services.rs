//! Which services bear witness to a signature.

use countersign_trust::{SigningConfig, SigningConfigError};
use jiff::Timestamp;
use url::Url;

/// The services that a signature is made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// Issues certificates; base URL of a Fulcio.
    pub fulcio: Option<Url>,
    /// Logs to write to, all of them; base URLs of Rekors of version 1.
    pub rekor: Vec<Url>,
    /// Timestamp authorities to ask, all of them; full URLs.
    pub timestamp_authorities: Vec<Url>,
}

/// Why the services of a signing config cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServicesError {
    /// The config does not say which.
    #[error(transparent)]
    Config(#[from] SigningConfigError),
    /// A service's address is not one.
    #[error("`{text}` is not the URL of a service")]
    Url {
        /// What was found.
        text: String,
    },
    /// The log is of a version that is not written to yet.
    #[error("the log {url} speaks version {version} of Rekor's API; version 1 is written to")]
    LogVersion {
        /// The log.
        url: String,
        /// Its version.
        version: u32,
    },
}

impl Services {
    /// Chooses the services of `config` that are in use at `now`. Without an authority in use only keys
    /// can sign, and whoever wants a certificate is told so then.
    pub fn of_signing_config(
        config: &SigningConfig,
        now: Timestamp,
    ) -> Result<Self, ServicesError> {
        let fulcio = config.certificate_authority(now).ok();
        let mut rekor = Vec::new();
        for log in config.transparency_logs(now)? {
            if log.api_version() != 1 {
                let (url, version) = (log.url().to_owned(), log.api_version());
                return Err(ServicesError::LogVersion { url, version });
            }
            rekor.push(service_url(log.url())?);
        }
        let authorities = config.timestamp_authorities(now)?.into_iter();
        Ok(Self {
            fulcio: fulcio
                .map(|service| service_url(service.url()))
                .transpose()?,
            rekor,
            timestamp_authorities: authorities
                .map(|service| service_url(service.url()))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Reads the URL of a service.
pub fn service_url(text: &str) -> Result<Url, ServicesError> {
    let refuse = || ServicesError::Url {
        text: text.chars().take(200).collect(),
    };
    let url = Url::parse(text).map_err(|_| refuse())?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(refuse()),
    }
}
