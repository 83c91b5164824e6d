//! What is made once, at the first start of a data folder: the keys and certificates of every
//! service, the host name they speak under, and the number of the log's tree.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use der::Decode as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use x509_cert::Certificate;

use crate::certificate::{IssueError, Purpose, chain_pem, found_authority};
use crate::data_folder::{DataFolder, FileError, PUBLIC, SECRET, SMALL_FILE, Step, read_capped};
use crate::signing_key::{EcdsaKey, KeyError, RsaKey, random};

/// The keys, certificates and lasting facts of one data folder.
#[derive(Debug)]
pub(crate) struct ServiceKeys {
    pub(crate) identity_provider: RsaKey,
    pub(crate) certificate_authority: Authority,
    pub(crate) certificate_transparency: EcdsaKey,
    pub(crate) transparency_log: EcdsaKey,
    pub(crate) timestamp_authority: Authority,
    pub(crate) trust_repository: RoleKeys,
    pub(crate) facts: Facts,
}

/// A key with its certificate chain (DER, own certificate first, root last).
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) key: EcdsaKey,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) certificate: Certificate,
}

/// One key for each TUF role.
#[derive(Debug)]
pub(crate) struct RoleKeys {
    pub(crate) root: EcdsaKey,
    pub(crate) targets: EcdsaKey,
    pub(crate) snapshot: EcdsaKey,
    pub(crate) timestamp: EcdsaKey,
}

/// What must never change while the keys live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    /// Name in URLs and in the origin line of checkpoints. Without port, so that a restart on
    /// another port keeps every old checkpoint valid.
    pub(crate) hostname: String,
    /// First start, to the second: from then on the keys are valid.
    pub(crate) created: Timestamp,
    /// Number of the transparency log's tree.
    pub(crate) tree_id: u64,
}

impl ServiceKeys {
    /// Opens the keys of `folder`, or makes them when there are none.
    ///
    /// They appear all at once, by the rename of a finished folder: a crash during the first start
    /// leaves no half set of keys.
    pub(crate) fn open_or_found(
        folder: &DataFolder,
        hostname: &str,
        now: Timestamp,
    ) -> Result<ServiceKeys, ServiceKeysError> {
        let place = folder.file(FOLDER);
        if !place.exists() {
            found(&folder.file("keys.new"), &place, hostname, now)?;
        }
        open(&place)
    }
}

/// The identity provider's key alone, for minting tokens beside a running stack.
pub(crate) fn open_identity_provider(dir: &Path) -> Result<RsaKey, ServiceKeysError> {
    read_rsa(&dir.join(FOLDER), IDENTITY_PROVIDER)
}

fn open(place: &Path) -> Result<ServiceKeys, ServiceKeysError> {
    let facts_path = place.join(FACTS);
    let facts = serde_json::from_slice(&read(&facts_path)?)
        .map_err(|_| ServiceKeysError::Damaged { path: facts_path })?;
    Ok(ServiceKeys {
        identity_provider: read_rsa(place, IDENTITY_PROVIDER)?,
        certificate_authority: read_authority(place, CERTIFICATE_AUTHORITY)?,
        certificate_transparency: read_ecdsa(place, CERTIFICATE_TRANSPARENCY)?,
        transparency_log: read_ecdsa(place, TRANSPARENCY_LOG)?,
        timestamp_authority: read_authority(place, TIMESTAMP_AUTHORITY)?,
        trust_repository: RoleKeys {
            root: read_ecdsa(place, ROLES[0])?,
            targets: read_ecdsa(place, ROLES[1])?,
            snapshot: read_ecdsa(place, ROLES[2])?,
            timestamp: read_ecdsa(place, ROLES[3])?,
        },
        facts,
    })
}

fn found(
    staging: &Path,
    place: &Path,
    hostname: &str,
    now: Timestamp,
) -> Result<(), ServiceKeysError> {
    // What an interrupted first start left behind was never used.
    match fs::remove_dir_all(staging) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(FileError::new(Step::Create, staging, &e).into());
        }
        _ => {}
    }
    fs::DirBuilder::new()
        .mode(0o700)
        .create(staging)
        .map_err(|e| FileError::new(Step::Create, staging, &e))?;
    // All written first and flushed after: the first flush carries most of the others along.
    for (path, file) in write_all(staging, hostname, now)? {
        file.sync_all()
            .map_err(|e| FileError::new(Step::Write, &path, &e))?;
    }
    let sync = |path: &Path| File::open(path)?.sync_all();
    sync(staging)
        .and_then(|()| fs::rename(staging, place))
        .and_then(|()| sync(place.parent().unwrap_or(place)))
        .map_err(|e| FileError::new(Step::Write, place, &e))?;
    Ok(())
}

/// Makes every key and certificate, and writes them to `staging`.
fn write_all(
    staging: &Path,
    hostname: &str,
    now: Timestamp,
) -> Result<Vec<(PathBuf, File)>, ServiceKeysError> {
    // RSA key generation takes longer than everything else together: let it run beside.
    let rsa = std::thread::spawn(RsaKey::generate);
    let mut written = Vec::new();
    let mut put = |name: String, bytes: &[u8], mode: u32| {
        let path = staging.join(name);
        let mut file = fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(mode)
            .open(&path)
            .map_err(|e| FileError::new(Step::Create, &path, &e))?;
        file.write_all(bytes)
            .map_err(|e| FileError::new(Step::Write, &path, &e))?;
        written.push((path, file));
        Ok::<(), FileError>(())
    };
    for (name, label, purpose) in AUTHORITIES {
        let hierarchy = found_authority(label, purpose, now)?;
        put(format!("{name}.pem"), hierarchy.key_pem.as_bytes(), SECRET)?;
        let chain = chain_pem(&hierarchy.chain);
        put(format!("{name}.chain.pem"), chain.as_bytes(), PUBLIC)?;
    }
    let plain = [CERTIFICATE_TRANSPARENCY, TRANSPARENCY_LOG];
    for name in plain.iter().chain(&ROLES) {
        let (_, pem) = EcdsaKey::generate()?;
        put(format!("{name}.pem"), pem.as_bytes(), SECRET)?;
    }
    let facts = Facts {
        hostname: hostname.to_owned(),
        created: Timestamp::from_second(now.as_second()).unwrap_or(now),
        // Positive as a signed number, and never short: it is printed as 16 hexadecimal digits.
        tree_id: u64::from_be_bytes(random()?) >> 2 | 1 << 61,
    };
    let text = serde_json::to_vec_pretty(&facts).expect("plain strings and numbers serialise");
    put(FACTS.to_owned(), &text, PUBLIC)?;
    let (_, pem) = rsa.join().map_err(|_| KeyError::Library)??;
    put(format!("{IDENTITY_PROVIDER}.pem"), pem.as_bytes(), SECRET)?;
    Ok(written)
}

fn read(path: &Path) -> Result<Vec<u8>, ServiceKeysError> {
    read_capped(path, SMALL_FILE)?.ok_or_else(|| ServiceKeysError::Missing {
        path: path.to_path_buf(),
    })
}

fn read_ecdsa(place: &Path, name: &str) -> Result<EcdsaKey, ServiceKeysError> {
    let path = place.join(format!("{name}.pem"));
    let pem = zeroize::Zeroizing::new(read(&path)?);
    EcdsaKey::from_pem(&pem).map_err(|error| ServiceKeysError::Key { path, error })
}

fn read_rsa(place: &Path, name: &str) -> Result<RsaKey, ServiceKeysError> {
    let path = place.join(format!("{name}.pem"));
    let pem = zeroize::Zeroizing::new(read(&path)?);
    RsaKey::from_pem(&pem).map_err(|error| ServiceKeysError::Key { path, error })
}

fn read_authority(place: &Path, name: &str) -> Result<Authority, ServiceKeysError> {
    let key = read_ecdsa(place, name)?;
    let path = place.join(format!("{name}.chain.pem"));
    let damaged = || ServiceKeysError::Damaged { path: path.clone() };
    let chain: Vec<Vec<u8>> = pem::parse_many(read(&path)?)
        .map_err(|_| damaged())?
        .into_iter()
        .map(|block| block.into_contents())
        .collect();
    let own = chain.first().ok_or_else(damaged)?;
    let certificate = Certificate::from_der(own).map_err(|_| damaged())?;
    // A chain of another key would sign things nobody can verify.
    let certified = &certificate.tbs_certificate.subject_public_key_info;
    if der::Encode::to_der(certified).ok().as_deref() != Some(key.public_der()) {
        return Err(damaged());
    }
    Ok(Authority {
        key,
        chain,
        certificate,
    })
}

/// Why the keys of a data folder could not be made or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceKeysError {
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that was made at the first start is gone.
    #[error("{} is missing; the data folder is not whole", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file does not hold what was written at the first start.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A key file cannot be used.
    #[error("{}: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        error: KeyError,
    },
    /// A key could not be made.
    #[error(transparent)]
    Generate(#[from] KeyError),
    /// A certificate could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

const FOLDER: &str = "keys";
const FACTS: &str = "facts.json";
const IDENTITY_PROVIDER: &str = "identity_provider";
const CERTIFICATE_AUTHORITY: &str = "certificate_authority";
const CERTIFICATE_TRANSPARENCY: &str = "certificate_transparency";
const TRANSPARENCY_LOG: &str = "transparency_log";
const TIMESTAMP_AUTHORITY: &str = "timestamp_authority";
const AUTHORITIES: [(&str, &str, Purpose); 2] = [
    (
        CERTIFICATE_AUTHORITY,
        "countersign certificate authority",
        Purpose::CodeSigning,
    ),
    (
        TIMESTAMP_AUTHORITY,
        "countersign timestamp authority",
        Purpose::TimeStamping,
    ),
];
const ROLES: [&str; 4] = [
    "trust_repository_root",
    "trust_repository_targets",
    "trust_repository_snapshot",
    "trust_repository_timestamp",
];
