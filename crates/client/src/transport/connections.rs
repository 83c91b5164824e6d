//! The pools of connections, made when they are first needed.
//!
//! Loading the system's certificates takes longer than a verification, and a container built from
//! nothing has none: plain HTTP must do without.

use std::sync::OnceLock;
use std::time::Duration;

use url::{Host, Url};

use super::{Patience, TransportFault};
use crate::Secret;

/// How connections are made.
#[derive(Clone, Debug, Default)]
pub struct TransportOptions {
    /// Whether servers must show a trusted certificate.
    pub certificates: CertificateCheck,
    /// Certificates in PEM that are trusted beside the system's.
    pub extra_roots: Vec<u8>,
    /// What to show servers that ask for a certificate.
    pub identity: Option<ClientIdentity>,
    /// How long to try.
    pub patience: Patience,
}

/// Whether servers must show a trusted certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateCheck {
    /// They must.
    #[default]
    Required,
    /// Anyone who answers is believed to be the server.
    DangerouslySkipped,
}

/// A client certificate.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The certificate and its issuers, PEM.
    pub certificate: Vec<u8>,
    /// The private key, PEM.
    pub key: Secret,
}

#[derive(Debug)]
pub(super) struct Connections {
    options: TransportOptions,
    pools: [OnceLock<reqwest::Client>; 4],
}

impl Connections {
    pub(super) fn new(options: TransportOptions) -> Result<Self, TransportFault> {
        // What is wrong with configured files is told now and not at the first request.
        parse_roots(&options)?;
        parse_identity(&options)?;
        Ok(Self {
            options,
            pools: Default::default(),
        })
    }

    pub(super) fn client_for(&self, url: &Url) -> Result<&reqwest::Client, TransportFault> {
        let tls = url.scheme() == "https";
        let loopback = is_loopback(url);
        let pool = &self.pools[usize::from(tls) * 2 + usize::from(loopback)];
        if let Some(client) = pool.get() {
            return Ok(client);
        }
        let client = self.build(tls, loopback)?;
        Ok(pool.get_or_init(|| client))
    }

    fn build(&self, tls: bool, loopback: bool) -> Result<reqwest::Client, TransportFault> {
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_gzip()
            .referer(false)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(30))
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_nodelay(true);
        if loopback {
            // As Go's ProxyFromEnvironment: a proxy's loopback is not ours.
            builder = builder.no_proxy();
        }
        if !tls {
            builder = builder.tls_certs_only([]);
        } else if self.options.certificates == CertificateCheck::DangerouslySkipped {
            builder = builder.tls_danger_accept_invalid_certs(true);
        } else {
            builder = builder.tls_certs_merge(parse_roots(&self.options)?);
        }
        if let Some(identity) = parse_identity(&self.options)?.filter(|_| tls) {
            builder = builder.identity(identity);
        }
        builder.build().map_err(|error| setup(&error))
    }
}

fn parse_roots(options: &TransportOptions) -> Result<Vec<reqwest::Certificate>, TransportFault> {
    if options.extra_roots.is_empty() {
        return Ok(Vec::new());
    }
    let roots = reqwest::Certificate::from_pem_bundle(&options.extra_roots)
        .map_err(|error| setup(&error))?;
    if roots.is_empty() {
        return Err(TransportFault::TlsSetup {
            detail: "no certificate in the file of trusted certificates".to_owned(),
        });
    }
    Ok(roots)
}

fn parse_identity(options: &TransportOptions) -> Result<Option<reqwest::Identity>, TransportFault> {
    let Some(identity) = &options.identity else {
        return Ok(None);
    };
    let mut pem = zeroize::Zeroizing::new(identity.certificate.clone());
    pem.push(b'\n');
    pem.extend_from_slice(identity.key.expose().as_bytes());
    match reqwest::Identity::from_pem(&pem) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) => Err(setup(&error)),
    }
}

fn setup(error: &reqwest::Error) -> TransportFault {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    TransportFault::TlsSetup {
        detail: cause.to_string().chars().take(300).collect(),
    }
}

/// Whether `url` names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));
