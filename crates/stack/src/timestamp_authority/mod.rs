//! The timestamp authority (RFC 3161): says that something existed at a time.

mod clock;
mod http;
mod request;
mod token;

pub(crate) use http::router;

use std::path::PathBuf;

use clock::Clock;
pub use clock::ClockError;

use crate::service_keys::Authority;

/// The authority and its clock.
#[derive(Debug)]
pub(crate) struct TimestampAuthority {
    authority: Authority,
    clock: Clock,
}

impl TimestampAuthority {
    /// `high_water_mark` is the file that remembers the newest time ever signed.
    pub(crate) fn open(
        authority: Authority,
        high_water_mark: PathBuf,
    ) -> Result<TimestampAuthority, ClockError> {
        Ok(TimestampAuthority {
            authority,
            clock: Clock::open(high_water_mark)?,
        })
    }
}
