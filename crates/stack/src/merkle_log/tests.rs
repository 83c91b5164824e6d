//! The log's own promises: the tree, the batches, and what it does when the disk fails or lies.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::*;
use crate::data_folder::Step;
use crate::signing_key::sha256;

fn identity(key: &Arc<EcdsaKey>) -> LogIdentity {
    LogIdentity {
        origin: "log.example - 7".into(),
        signer: "log.example".into(),
        key: Arc::clone(key),
    }
}

fn key() -> Arc<EcdsaKey> {
    Arc::new(EcdsaKey::generate().unwrap().0)
}

fn entry(leaf: impl Into<Vec<u8>>) -> NewEntry {
    let leaf = leaf.into();
    NewEntry {
        terms: vec![sha256(b"all"), sha256(&leaf)],
        extra: b"extra".to_vec(),
        logged_at: 42,
        leaf,
    }
}

fn leaf(number: u64) -> Vec<u8> {
    format!("leaf {number}").into_bytes()
}

async fn fill(log: &MerkleLog, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let place = log.append(entry(leaf(number))).await.unwrap();
        assert_eq!(place, Appended::New { index: number });
    }
}

/// Merkle tree hash by the definition (RFC 6962 §2.1), not by our code.
fn root(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => sha256(b""),
        [one] => sha256(&[&[0], one.as_slice()].concat()),
        many => {
            let left = many.len().next_power_of_two() / 2;
            let (a, b) = (root(&many[..left]), root(&many[left..]));
            sha256(&[&[1], &a[..], &b[..]].concat())
        }
    }
}

#[tokio::test]
async fn the_tree_is_the_one_of_the_definition() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.redb");
    let key = key();
    let mut leaves = Vec::new();
    for size in 0..20 {
        // Opened anew each time: what is stored is enough to go on.
        let log = MerkleLog::open(&path, identity(&key)).unwrap();
        let head = log.reader().checkpoint();
        assert_eq!((head.size, head.root), (size, root(&leaves)));
        fill(&log, size..size + 1).await;
        leaves.push(leaf(size));
        for first in 1..=size {
            let found = log.reader().consistency(first, size).unwrap().unwrap();
            assert_eq!(found.root, root(&leaves[..usize::try_from(size).unwrap()]));
        }
    }
    let log = MerkleLog::open(&path, identity(&key)).unwrap();
    assert_eq!(log.reader().entry(3).unwrap().unwrap().leaf, leaf(3));
    assert_eq!(log.reader().entry(20).unwrap(), None);
    assert_eq!(log.reader().consistency(0, 1).unwrap(), None);
    assert_eq!(log.reader().consistency(2, 21).unwrap(), None);
    assert_eq!(log.reader().inclusion(1, 1).unwrap(), None);
    assert_eq!(log.reader().find(&sha256(b"all"), 3).unwrap(), [17, 18, 19]);
    assert!(log.reader().find(&sha256(b"none"), 3).unwrap().is_empty());
}

#[tokio::test]
async fn a_leaf_is_logged_once_even_within_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let log = MerkleLog::open(&dir.path().join("log.redb"), identity(&key())).unwrap();
    let places = futures_util::future::join_all((0..50).map(|n| log.append(entry(leaf(n % 5)))));
    let mut new = 0;
    for place in places.await {
        match place.unwrap() {
            Appended::New { .. } => new += 1,
            Appended::Present { index } => assert!(index < 5),
        }
    }
    assert_eq!((new, log.reader().checkpoint().size), (5, 5));
}

#[tokio::test]
async fn an_older_copy_of_the_database_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("log.redb"), dir.path().join("copy"));
    let key = key();
    let log = MerkleLog::open(&path, identity(&key)).unwrap();
    fill(&log, 0..3).await;
    drop(log);
    std::fs::copy(&path, &copy).unwrap();
    let log = MerkleLog::open(&path, identity(&key)).unwrap();
    fill(&log, 3..5).await;
    drop(log);
    std::fs::copy(&copy, &path).unwrap();
    let error = MerkleLog::open(&path, identity(&key)).unwrap_err();
    let damage = Damage::RolledBack {
        published: 5,
        stored: 3,
    };
    assert_eq!(error, LogError::damaged(&path, damage));

    // Nor one that went on differently from there: same size, another history.
    let witness = path.with_extension("checkpoint");
    let told = std::fs::read(&witness).unwrap();
    std::fs::remove_file(&witness).unwrap();
    let log = MerkleLog::open(&path, identity(&key)).unwrap();
    for number in 100..102 {
        log.append(entry(leaf(number))).await.unwrap();
    }
    drop(log);
    std::fs::write(&witness, told).unwrap();
    let error = MerkleLog::open(&path, identity(&key)).unwrap_err();
    assert_eq!(error, LogError::damaged(&path, Damage::Root));

    // A checkpoint file cut short by a power failure is no accusation; a foreign one is.
    std::fs::write(&witness, "").unwrap();
    MerkleLog::open(&path, identity(&key)).unwrap();
    std::fs::write(&witness, "junk").unwrap();
    let error = MerkleLog::open(&path, identity(&key)).unwrap_err();
    assert_eq!(
        error,
        LogError::damaged(&witness, Damage::ForeignCheckpoint)
    );
}

#[tokio::test]
async fn another_key_or_name_does_not_open_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.redb");
    let key = key();
    fill(&MerkleLog::open(&path, identity(&key)).unwrap(), 0..2).await;
    let foreign = LogError::damaged(&path, Damage::ForeignCheckpoint);
    let other = identity(&self::key());
    assert_eq!(MerkleLog::open(&path, other).unwrap_err(), foreign);
    let mut renamed = identity(&key);
    renamed.origin = "log.example - 8".into();
    assert_eq!(MerkleLog::open(&path, renamed).unwrap_err(), foreign);
}

#[tokio::test]
async fn changed_entries_and_hashes_are_noticed() {
    let key = key();
    let size = |signed, stored| Damage::Size { signed, stored };
    type Change = fn(&redb::WriteTransaction);
    let cases: [(Damage, Change); 5] = [
        (Damage::Entry { index: 2 }, |t| {
            let mut entries = t.open_table(store::ENTRIES).unwrap();
            entries.insert(2, (42, &b"forged"[..], &b""[..])).unwrap();
        }),
        (Damage::Root, |t| {
            let mut hashes = t.open_table(store::HASHES).unwrap();
            let place = tlog_tiles::stored_hash_index(2, 0);
            hashes.insert(place, &[7; 32]).unwrap();
        }),
        (size(5, 4), |t| {
            t.open_table(store::ENTRIES).unwrap().remove(4).unwrap();
        }),
        (size(8, 9), |t| {
            let mut hashes = t.open_table(store::HASHES).unwrap();
            hashes.insert(8, &[7; 32]).unwrap();
        }),
        (Damage::NoCheckpoint, |t| {
            let mut facts = t.open_table(store::FACTS).unwrap();
            facts.remove(store::CHECKPOINT).unwrap();
        }),
    ];
    for (damage, change) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.redb");
        fill(&MerkleLog::open(&path, identity(&key)).unwrap(), 0..5).await;
        let database = Database::open(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        change(&transaction);
        transaction.commit().unwrap();
        drop(database);
        let error = MerkleLog::open(&path, identity(&key)).unwrap_err();
        assert_eq!(error, LogError::damaged(&path, damage));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.redb");
    std::fs::write(
        &path,
        "not a database, but long enough to look at".repeat(200),
    )
    .unwrap();
    let error = MerkleLog::open(&path, identity(&key)).unwrap_err();
    assert!(
        matches!(
            &error,
            LogError::Damaged {
                damage: Damage::Database(_),
                ..
            } | LogError::File(_)
        ),
        "{error}"
    );
}

/// A file on a disk that becomes full after so many writes.
#[derive(Debug)]
struct FillingDisk {
    file: FileBackend,
    writes_left: Arc<AtomicI64>,
    /// Whether it is the flush, not the write, that tells.
    at_sync: bool,
    failed: Mutex<bool>,
}

impl FillingDisk {
    fn check(&self) -> io::Result<()> {
        if self.writes_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            *self.failed.lock().unwrap() = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for FillingDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        if self.at_sync {
            self.check()?;
        }
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if !self.at_sync {
            self.check()?;
        }
        self.file.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

/// Wherever the disk becomes full, nothing acknowledged is lost and the log opens again.
#[tokio::test]
async fn a_full_disk_stops_the_log_and_loses_nothing() {
    let key = key();
    let mut stops = 0;
    for at_sync in [false, true] {
        for room in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log.redb");
            fill(&MerkleLog::open(&path, identity(&key)).unwrap(), 0..3).await;
            let file = std::fs::File::options()
                .read(true)
                .write(true)
                .open(&path)
                .unwrap();
            let writes_left = Arc::new(AtomicI64::new(i64::MAX));
            let disk = FillingDisk {
                file: FileBackend::new(file).unwrap(),
                writes_left: Arc::clone(&writes_left),
                at_sync,
                failed: Mutex::new(false),
            };
            let database = Database::builder().create_with_backend(disk).unwrap();
            let log = MerkleLog::over(database, &path, identity(&key)).unwrap();
            writes_left.store(room, Ordering::SeqCst);

            let mut acknowledged = 3;
            while acknowledged < 40 {
                match log.append(entry(leaf(acknowledged))).await {
                    Ok(place) => {
                        assert_eq!(
                            place,
                            Appended::New {
                                index: acknowledged
                            }
                        );
                        acknowledged += 1;
                    }
                    Err(AppendError::Log(LogError::File(error))) => {
                        assert_eq!(
                            (error.step, error.kind),
                            (Step::Write, io::ErrorKind::StorageFull)
                        );
                        stops += 1;
                        break;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            // After a failed write there is no second try, not even when there is room again.
            writes_left.store(i64::MAX, Ordering::SeqCst);
            if acknowledged < 40 {
                let again = log.append(entry(leaf(acknowledged))).await;
                assert_eq!(again, Err(AppendError::Stopped));
            }
            drop(log);

            let log = MerkleLog::open(&path, identity(&key)).unwrap();
            assert!(log.reader().checkpoint().size >= acknowledged);
            for number in 0..acknowledged {
                assert_eq!(
                    log.reader().entry(number).unwrap().unwrap().leaf,
                    leaf(number)
                );
            }
            log.append(entry(leaf(1000))).await.unwrap();
        }
    }
    assert!(stops >= 15, "the disk was full in {stops} runs only");
}
