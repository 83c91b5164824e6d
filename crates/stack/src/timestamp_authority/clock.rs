//! A clock that never runs backwards, across restarts too.

use std::path::PathBuf;
use std::sync::Mutex;

use jiff::Timestamp;

use crate::data_folder::{FileError, PUBLIC, SMALL_FILE, read_capped, write_whole};

/// The wall clock, watched.
#[derive(Debug)]
pub(super) struct Clock {
    file: PathBuf,
    /// Newest second that was ever signed, as the file has it.
    newest: Mutex<i64>,
}

impl Clock {
    pub(super) fn open(file: PathBuf) -> Result<Clock, ClockError> {
        let newest = match read_capped(&file, SMALL_FILE)? {
            None => 0,
            Some(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| ClockError::Damaged { file: file.clone() })?,
        };
        Ok(Clock {
            file,
            newest: Mutex::new(newest),
        })
    }

    /// `now` as a second that may be signed: not before any that was. Remembered on the disk first,
    /// once a second at most.
    pub(super) fn tick(&self, now: Timestamp) -> Result<i64, ClockError> {
        let mut newest = self.newest.lock().unwrap_or_else(|e| e.into_inner());
        let now = now.as_second();
        if now < *newest {
            // A clock set back could date a signature before the revocation of its key.
            return Err(ClockError::WentBack {
                signed: *newest,
                now,
            });
        }
        if now > *newest {
            write_whole(&self.file, format!("{now}\n").as_bytes(), PUBLIC)?;
            *newest = now;
        }
        Ok(now)
    }
}

/// Why the authority does not sign a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The wall clock shows an earlier second than one that was signed.
    #[error("the clock went back: {signed} was signed, it is {now} (seconds since 1970)")]
    WentBack {
        /// The newest second that was signed.
        signed: i64,
        /// What the clock shows.
        now: i64,
    },
    /// The file that remembers the newest second holds something else.
    #[error("{} does not hold a time", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn time_moves_on_across_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("clock");
        let clock = Clock::open(file.clone()).unwrap();
        assert_eq!(clock.tick(at(100)), Ok(100));
        assert_eq!(clock.tick(at(100)), Ok(100));
        drop(clock);
        let clock = Clock::open(file.clone()).unwrap();
        assert_eq!(
            clock.tick(at(99)),
            Err(ClockError::WentBack {
                signed: 100,
                now: 99
            })
        );
        assert_eq!(clock.tick(at(101)), Ok(101));
        std::fs::write(&file, "noon").unwrap();
        assert_eq!(
            Clock::open(file.clone()).unwrap_err(),
            ClockError::Damaged { file }
        );
    }
}
