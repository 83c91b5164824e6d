//! The certificate that the webhook shows, and the authority behind it that the API server is told to
//! trust.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum ServerIdentity {
    /// Made here, for these host names and addresses, by an authority of our own.
    Generated {
        /// Where the authority is kept, so that a restart does not ask for a new `caBundle`. Without a
        /// folder it lives as long as the process.
        folder: Option<PathBuf>,
        /// Names besides `localhost` and the address listened on.
        names: Vec<String>,
    },
    /// Given as files in PEM; a changed file is taken up while running.
    Files {
        /// The certificate, followed by those between it and its authority.
        certificate: PathBuf,
        /// Its key: PKCS#8, SEC1 or PKCS#1.
        key: PathBuf,
        /// The authority, for whoever asks which one to trust.
        authority: PathBuf,
    },
}

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read or written.
    #[error("{}: {kind}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A file does not hold what it should; what it holds is not told, it may be a key.
    #[error("{}: no {wanted} in PEM", file.display())]
    Content {
        /// Which.
        file: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// The key is not that of the certificate, or of a kind that is not served.
    #[error("{}: not the key of {}", key.display(), certificate.display())]
    Mismatch {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// A host name that a certificate cannot have.
    #[error("`{0}` is not a host name")]
    Name(String),
    /// The authority in the folder does not carry a fresh certificate: expired, or not its own key.
    #[error("the certificate authority in {} is expired or does not fit its key", folder.display())]
    Authority {
        /// The folder.
        folder: PathBuf,
    },
    /// The cryptographic library failed.
    #[error("cannot make a certificate")]
    Library,
}

/// The present certificate, which can be exchanged under running connections.
pub(crate) struct Identity {
    source: Source,
    authority: String,
    present: Arc<Present>,
}

enum Source {
    Authority {
        issuer: Box<Issuer<'static, KeyPair>>,
        names: Vec<String>,
    },
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
}

impl Identity {
    /// Loads or makes authority and certificate.
    pub(crate) fn open(
        wanted: &ServerIdentity,
        address: std::net::IpAddr,
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        let (source, authority) = match wanted {
            ServerIdentity::Generated { folder, names } => {
                let mut names = names.clone();
                names.extend([
                    "localhost".to_owned(),
                    "127.0.0.1".to_owned(),
                    "::1".to_owned(),
                ]);
                names.push(address.to_string());
                let (key, certificate) = authority(folder.as_deref(), now)?;
                let issuer = Issuer::from_ca_cert_pem(&certificate, key);
                let issuer = issuer.map_err(|_| broken_authority(folder.as_deref()))?;
                (
                    Source::Authority {
                        issuer: Box::new(issuer),
                        names,
                    },
                    certificate,
                )
            }
            ServerIdentity::Files {
                certificate,
                key,
                authority,
            } => {
                let pem = read(authority)?;
                certificates(&pem, authority)?;
                let pem = String::from_utf8(pem).map_err(|_| no("certificate", authority))?;
                (
                    Source::Files {
                        certificate: certificate.clone(),
                        key: key.clone(),
                    },
                    pem,
                )
            }
        };
        let shown = source.certificate(now)?;
        if let (Source::Authority { .. }, ServerIdentity::Generated { folder, .. }) =
            (&source, wanted)
        {
            require_valid(&authority, &shown, now)
                .ok_or_else(|| broken_authority(folder.as_deref()))?;
        }
        let present = Arc::new(Present(ArcSwap::from_pointee(shown)));
        Ok(Self {
            source,
            authority,
            present,
        })
    }

    /// The certificate of the authority, in PEM: the `caBundle`.
    pub(crate) fn authority_pem(&self) -> &str {
        &self.authority
    }

    /// Makes or reads the certificate anew and shows it from the next connection on.
    pub(crate) fn renew(&self, now: Timestamp) -> Result<(), IdentityError> {
        self.present
            .0
            .store(Arc::new(self.source.certificate(now)?));
        Ok(())
    }

    /// TLS 1.3 and HTTP/1.1, which is all an API server speaks to a webhook.
    pub(crate) fn server_config(&self) -> Result<ServerConfig, IdentityError> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&self.present) as _;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| IdentityError::Library)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[derive(Debug)]
struct Present(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Present {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Source {
    fn certificate(&self, now: Timestamp) -> Result<CertifiedKey, IdentityError> {
        match self {
            Self::Authority { issuer, names } => issue(issuer, names, now),
            Self::Files { certificate, key } => {
                let chain = certificates(&read(certificate)?, certificate)?;
                let private =
                    PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| no("key", key))?;
                CertifiedKey::from_der(chain, private, &provider()).map_err(|_| {
                    IdentityError::Mismatch {
                        certificate: certificate.clone(),
                        key: key.clone(),
                    }
                })
            }
        }
    }
}

/// The leaf's key is made here and never touches the disk: every start and every renewal has a new one.
fn issue(
    issuer: &Issuer<'static, KeyPair>,
    names: &[String],
    now: Timestamp,
) -> Result<CertifiedKey, IdentityError> {
    let key = KeyPair::generate().map_err(|_| IdentityError::Library)?;
    let params = CertificateParams::new(names.to_vec());
    let mut params = params.map_err(|_| IdentityError::Name(names.join(", ")))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "countersign controller");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let at = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
    params.not_before = at(day(now, -1));
    params.not_after = at(day(now, LEAF_DAYS));
    let certificate = params
        .signed_by(&key, issuer)
        .map_err(|_| IdentityError::Library)?;
    let private =
        PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| IdentityError::Library)?;
    CertifiedKey::from_der(vec![certificate.der().clone()], private, &provider())
        .map_err(|_| IdentityError::Library)
}

fn authority(folder: Option<&Path>, now: Timestamp) -> Result<(KeyPair, String), IdentityError> {
    let Some(folder) = folder else {
        return new_authority(now);
    };
    let (key_file, certificate_file) = (folder.join("ca-key.pem"), folder.join("ca-cert.pem"));
    if !key_file.exists() && !certificate_file.exists() {
        let (key, certificate) = new_authority(now)?;
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        // The certificate last: a folder with a certificate has its key.
        write_private(&key_file, key.serialize_pem().as_bytes())?;
        write_private(&certificate_file, certificate.as_bytes())?;
        return Ok((key, certificate));
    }
    let key = String::from_utf8(read(&key_file)?).map_err(|_| no("key", &key_file))?;
    let key = KeyPair::from_pem(&key).map_err(|_| no("key", &key_file))?;
    let pem = read(&certificate_file)?;
    certificates(&pem, &certificate_file)?;
    let pem = String::from_utf8(pem).map_err(|_| no("certificate", &certificate_file))?;
    Ok((key, pem))
}

fn new_authority(now: Timestamp) -> Result<(KeyPair, String), IdentityError> {
    let key = KeyPair::generate().map_err(|_| IdentityError::Library)?;
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "countersign webhook authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let at = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
    params.not_before = at(day(now, -1));
    params.not_after = at(day(now, AUTHORITY_DAYS));
    let certificate = params
        .self_signed(&key)
        .map_err(|_| IdentityError::Library)?;
    Ok((key, certificate.pem()))
}

/// Asks the way a client will: is `shown` good under `authority` at this time?
fn require_valid(authority: &str, shown: &CertifiedKey, now: Timestamp) -> Option<()> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).ok()?)
        .ok()?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
    let name = ServerName::try_from("localhost").ok()?;
    let seconds = u64::try_from(now.as_second()).ok()?;
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let leaf = shown.end_entity_cert().ok()?;
    verifier
        .build()
        .ok()?
        .verify_server_cert(leaf, &[], &name, &[], now)
        .ok()
        .map(drop)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(pem: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(no("certificate", file)),
    }
}

/// Midnight of the day that many days from `now`: certificates need no finer times.
fn day(now: Timestamp, days: i64) -> (i32, u8, u8) {
    let then = now
        .checked_add(SignedDuration::from_hours(24 * days))
        .unwrap_or(now);
    let date = then.to_zoned(TimeZone::UTC).date();
    (
        i32::from(date.year()),
        date.month().unsigned_abs(),
        date.day().unsigned_abs(),
    )
}

fn read(file: &Path) -> Result<Vec<u8>, IdentityError> {
    fs::read(file).map_err(|error| failed(file, &error))
}

fn write_private(file: &Path, content: &[u8]) -> Result<(), IdentityError> {
    let fresh = file.with_extension("pem.new");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut to| to.write_all(content).and_then(|()| to.sync_all()))
        .and_then(|()| fs::rename(&fresh, file));
    written.map_err(|error| failed(file, &error))
}

fn failed(file: &Path, error: &io::Error) -> IdentityError {
    IdentityError::File {
        file: file.to_owned(),
        kind: error.kind(),
    }
}

fn no(wanted: &'static str, file: &Path) -> IdentityError {
    IdentityError::Content {
        file: file.to_owned(),
        wanted,
    }
}

fn broken_authority(folder: Option<&Path>) -> IdentityError {
    folder.map_or(IdentityError::Library, |folder| IdentityError::Authority {
        folder: folder.to_owned(),
    })
}

/// Long enough that a stopped clock of renewal is noticed before it hurts, short enough to matter.
const LEAF_DAYS: i64 = 30;
const AUTHORITY_DAYS: i64 = 3_650;
