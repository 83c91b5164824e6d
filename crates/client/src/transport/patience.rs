//! How long and how often something is tried.

use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};
use jiff::Timestamp;

/// How long a caller waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The most time for one request with everything it needs: tokens, redirects, pauses, the body.
    pub total: Duration,
    /// The most times one request is sent.
    pub attempts: u32,
    /// The pause before the second time; each later one is twice as long.
    pub first_pause: Duration,
}

impl Default for Patience {
    /// A minute and five attempts: a registry that restarts is back by then.
    fn default() -> Self {
        Self {
            total: Duration::from_secs(60),
            attempts: 5,
            first_pause: Duration::from_millis(250),
        }
    }
}

impl Patience {
    /// The pause after the given attempt, with up to a quarter added so that many clients that were
    /// refused together do not come back together.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let doubled = self
            .first_pause
            .saturating_mul(1 << attempt.saturating_sub(1).min(6));
        doubled + doubled.mul_f64(0.25 * spread())
    }
}

/// A number from 0 to 1 that differs from process to process and call to call. It spreads load and
/// protects nothing, so the clock is enough.
pub(crate) fn spread() -> f64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let bits = RandomState::new().build_hasher().finish();
    f64::from((bits >> 40) as u32) / f64::from(1_u32 << 24)
}

/// Reads `Retry-After`, a number of seconds or a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = date.duration_since(Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())])
    }

    #[test]
    fn both_forms() {
        assert_eq!(retry_after(&headers("7")), Some(Duration::from_secs(7)));
        let past = headers("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(retry_after(&past), Some(Duration::ZERO));
        let future = retry_after(&headers("Wed, 21 Oct 2099 07:28:00 GMT")).unwrap();
        assert!(future > Duration::from_secs(3600));
        for nonsense in ["", "soon", "-1", "99999999999999999999"] {
            assert_eq!(retry_after(&headers(nonsense)), None, "{nonsense}");
        }
    }

    #[test]
    fn pauses_grow_and_never_overflow() {
        let patience = Patience::default();
        assert!(patience.pause(2) >= 2 * patience.first_pause);
        assert!(patience.pause(u32::MAX) <= 80 * patience.first_pause);
    }
}
