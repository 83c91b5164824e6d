//! `signing_config.json`: which services sign, and how many of them.
//!
//! Source: protobuf-specs, `sigstore_trustroot.proto`, `SigningConfig` v0.2; sigstore-go,
//! `pkg/root/signing_config.go`.

use jiff::Timestamp;
use serde::Deserialize;

use crate::trust_root::Validity;

/// The services of an instance of Sigstore, with the time of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningConfig {
    certificate_authorities: Vec<Service>,
    oidc_providers: Vec<Service>,
    transparency_logs: Vec<Service>,
    log_selector: Option<Selector>,
    timestamp_authorities: Vec<Service>,
    timestamp_selector: Option<Selector>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    url: String,
    api_version: u32,
    window: Validity,
    operator: String,
}

/// How many of the services that could be asked must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selector {
    All,
    Any,
    Exact(usize),
}

/// Why services cannot be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningConfigError {
    /// It is larger than any signing config.
    #[error("a signing config has at most {limit} bytes, found {found}")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// It is not JSON of the right shape.
    #[error("not a signing config: line {line}, column {column}")]
    Syntax {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// It has another media type.
    #[error("unknown media type `{found}` of a signing config")]
    MediaType {
        /// What was found.
        found: String,
    },
    /// The address of a service is not one.
    #[error("`{found}` is not the address of a service")]
    Address {
        /// What was found.
        found: String,
    },
    /// None of the services listed is in use at this time with an API that is spoken here.
    #[error("no {what} of the signing config is in use at {at} with an API that is spoken here")]
    NoneInUse {
        /// The kind of service.
        what: ServiceKind,
        /// The time.
        at: Timestamp,
    },
    /// Services are listed, but not how many to ask.
    #[error("the signing config does not say how many of its {what} to ask")]
    NoSelector {
        /// The kind of service.
        what: ServiceKind,
    },
    /// More services are asked for than there are.
    #[error("the signing config asks for {wanted} {what}, in use are {found}")]
    TooFew {
        /// The kind of service.
        what: ServiceKind,
        /// How many are wanted.
        wanted: usize,
        /// How many are in use.
        found: usize,
    },
}

/// A kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// Issues certificates.
    CertificateAuthority,
    /// Issues identity tokens.
    OidcProvider,
    /// Logs signatures.
    TransparencyLog,
    /// Tells the time.
    TimestampAuthority,
}

impl SigningConfig {
    /// The config of the public-good instance as it was when this program was built.
    #[must_use]
    pub fn public_good() -> Self {
        let json = sigstore_trust_root::SIGSTORE_PRODUCTION_SIGNING_CONFIG;
        // A constant of this build: a test reads it.
        #[allow(clippy::expect_used, reason = "constant data, read by a test")]
        Self::parse(json.as_bytes()).expect("the embedded signing config is one")
    }

    /// Reads a `signing_config.json` of version 0.2.
    pub fn parse(json: &[u8]) -> Result<Self, SigningConfigError> {
        if json.len() > MAXIMAL_SIZE {
            let (limit, found) = (MAXIMAL_SIZE, json.len());
            return Err(SigningConfigError::TooLarge { limit, found });
        }
        let wire: Wire =
            serde_json::from_slice(json).map_err(|error| SigningConfigError::Syntax {
                line: error.line(),
                column: error.column(),
            })?;
        if wire.media_type != MEDIA_TYPE {
            let found = wire.media_type.chars().take(128).collect();
            return Err(SigningConfigError::MediaType { found });
        }
        Ok(Self {
            certificate_authorities: services(wire.ca_urls)?,
            oidc_providers: services(wire.oidc_urls)?,
            transparency_logs: services(wire.rekor_tlog_urls)?,
            log_selector: wire.rekor_tlog_config.unwrap_or_default().selector(),
            timestamp_authorities: services(wire.tsa_urls)?,
            timestamp_selector: wire.tsa_config.unwrap_or_default().selector(),
        })
    }

    /// The certificate authority in use at `now`.
    pub fn certificate_authority(&self, now: Timestamp) -> Result<&Service, SigningConfigError> {
        one(
            &self.certificate_authorities,
            ServiceKind::CertificateAuthority,
            now,
        )
    }

    /// The provider of identity tokens in use at `now`.
    pub fn oidc_provider(&self, now: Timestamp) -> Result<&Service, SigningConfigError> {
        one(&self.oidc_providers, ServiceKind::OidcProvider, now)
    }

    /// The transparency logs to write to at `now`. None where none are listed: that is how a signature
    /// without a log is asked for.
    pub fn transparency_logs(&self, now: Timestamp) -> Result<Vec<&Service>, SigningConfigError> {
        let kind = ServiceKind::TransparencyLog;
        some(&self.transparency_logs, self.log_selector, kind, now)
    }

    /// The timestamp authorities to ask at `now`. None where none are listed.
    pub fn timestamp_authorities(
        &self,
        now: Timestamp,
    ) -> Result<Vec<&Service>, SigningConfigError> {
        let kind = ServiceKind::TimestampAuthority;
        some(
            &self.timestamp_authorities,
            self.timestamp_selector,
            kind,
            now,
        )
    }
}

impl Service {
    /// Its address: the full one of a timestamp authority, the base of all others.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The major version of its API: 1 or 2 for a Rekor, 1 for all others.
    #[must_use]
    pub fn api_version(&self) -> u32 {
        self.api_version
    }

    /// Who runs it.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.operator
    }
}

impl ServiceKind {
    /// The API versions that are spoken here, the highest first.
    fn spoken(self) -> &'static [u32] {
        match self {
            Self::TransparencyLog => &[2, 1],
            _ => &[1],
        }
    }
}

impl std::fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CertificateAuthority => "certificate authorities",
            Self::OidcProvider => "identity providers",
            Self::TransparencyLog => "transparency logs",
            Self::TimestampAuthority => "timestamp authorities",
        })
    }
}

/// Gives the services of the highest version in use, the newest of each operator, newest first.
fn in_use(services: &[Service], kind: ServiceKind, now: Timestamp) -> Vec<&Service> {
    for version in kind.spoken() {
        let mut found: Vec<&Service> = services
            .iter()
            .filter(|one| one.api_version == *version && one.window.contains(now))
            .collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.window.start));
        let mut operators: Vec<&str> = Vec::new();
        found.retain(|one| {
            let fresh = !operators.contains(&one.operator.as_str());
            operators.push(&one.operator);
            fresh
        });
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn one(
    services: &[Service],
    what: ServiceKind,
    now: Timestamp,
) -> Result<&Service, SigningConfigError> {
    in_use(services, what, now)
        .first()
        .copied()
        .ok_or(SigningConfigError::NoneInUse { what, at: now })
}

/// sigstore-go draws lots where it need not ask all; the newest are as good, and the answer is the same
/// each time.
fn some(
    services: &[Service],
    selector: Option<Selector>,
    what: ServiceKind,
    now: Timestamp,
) -> Result<Vec<&Service>, SigningConfigError> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = in_use(services, what, now);
    if found.is_empty() {
        return Err(SigningConfigError::NoneInUse { what, at: now });
    }
    let wanted = match selector.ok_or(SigningConfigError::NoSelector { what })? {
        Selector::All => found.len(),
        Selector::Any => 1,
        Selector::Exact(count) => count,
    };
    if wanted > found.len() {
        return Err(SigningConfigError::TooFew {
            what,
            wanted,
            found: found.len(),
        });
    }
    found.truncate(wanted);
    Ok(found)
}

fn services(wire: Vec<WireService>) -> Result<Vec<Service>, SigningConfigError> {
    let read = |one: WireService| {
        let is_address = one.url.starts_with("https://") || one.url.starts_with("http://");
        if !is_address {
            let found = one.url.chars().take(128).collect();
            return Err(SigningConfigError::Address { found });
        }
        let window = one.valid_for.unwrap_or_default();
        Ok(Service {
            url: one.url,
            api_version: one.major_api_version,
            window: Validity {
                start: window.start,
                end: window.end,
            },
            operator: one.operator,
        })
    };
    wire.into_iter().map(read).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    media_type: String,
    #[serde(default)]
    ca_urls: Vec<WireService>,
    #[serde(default)]
    oidc_urls: Vec<WireService>,
    #[serde(default)]
    rekor_tlog_urls: Vec<WireService>,
    rekor_tlog_config: Option<WireSelector>,
    #[serde(default)]
    tsa_urls: Vec<WireService>,
    tsa_config: Option<WireSelector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireService {
    #[serde(default)]
    url: String,
    #[serde(default)]
    major_api_version: u32,
    valid_for: Option<WireWindow>,
    #[serde(default)]
    operator: String,
}

#[derive(Default, Deserialize)]
struct WireWindow {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
struct WireSelector {
    #[serde(default)]
    selector: String,
    #[serde(default)]
    count: usize,
}

impl WireSelector {
    /// Absent and unknown selectors, and none of something, leave open how many to ask.
    fn selector(&self) -> Option<Selector> {
        match (self.selector.as_str(), self.count) {
            ("ALL", _) => Some(Selector::All),
            ("ANY", _) => Some(Selector::Any),
            ("EXACT", 1..) => Some(Selector::Exact(self.count)),
            _ => None,
        }
    }
}

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";

/// The public one has 1.5 KB.
const MAXIMAL_SIZE: usize = 1 << 20;
