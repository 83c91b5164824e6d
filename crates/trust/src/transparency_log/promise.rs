//! Signed entry timestamps of Rekor v1: the log's promise to include an entry, with the time.

use jiff::Timestamp;

use super::Entry;
use crate::base64_bytes;
use crate::error::VerifyError;
use crate::public_key::HashRule;
use crate::trust_root::Log;

/// Checks that `log` signed body, time and index of `entry`, and gives the time.
pub(super) fn verify(entry: &Entry, promise: &[u8], log: &Log) -> Result<Timestamp, VerifyError> {
    let refused = || VerifyError::Promise {
        url: log.url.clone(),
    };
    let seconds = entry.integrated_time.ok_or_else(refused)?;
    log.key
        .verify(&signed_bytes(entry, seconds), promise, HashRule::Usual)
        .map_err(|_| refused())?;
    let at = Timestamp::from_second(seconds).map_err(|_| refused())?;
    if !log.window.contains(at) {
        return Err(VerifyError::LogOutsideTime {
            url: log.url.clone(),
            at,
        });
    }
    Ok(at)
}

/// JCS (RFC 8785) of what the log signs. Base64, hexadecimal and digits need no escaping, and the keys
/// are in order.
fn signed_bytes(entry: &Entry, seconds: i64) -> Vec<u8> {
    format!(
        r#"{{"body":"{}","integratedTime":{seconds},"logID":"{}","logIndex":{}}}"#,
        base64_bytes::encode(&entry.body),
        hex::encode(&entry.log_id),
        entry.log_index,
    )
    .into_bytes()
}
