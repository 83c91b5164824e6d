//! Values as Go's flag packages read them: `3m0s`, `--yes=false`.

use std::time::Duration;

/// Reads a duration as Go's `time.ParseDuration`: numbers with a unit, added up.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration, expected one like 3m0s or 500ms");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanoseconds = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        let end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |length| digits + length);
        let unit = match &rest[digits..end] {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return Err(wrong()),
        };
        nanoseconds += number * unit;
        rest = &rest[end..];
    }
    if text.is_empty() || !nanoseconds.is_finite() || nanoseconds > MOST {
        return Err(wrong());
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within bounds"
    )]
    Ok(Duration::from_nanos(nanoseconds as u64))
}

/// A hundred years; Go's own limit is 292.
const MOST: f64 = 100.0 * 365.0 * 86_400.0 * 1e9;

/// Reads a truth value as Go's `strconv.ParseBool`.
pub(crate) fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up_and_nonsense_is_refused() {
        assert_eq!(duration("3m0s"), Ok(Duration::from_secs(180)));
        assert_eq!(duration("1h1.5s"), Ok(Duration::from_millis(3_601_500)));
        assert_eq!(duration("1ns"), Ok(Duration::from_nanos(1)));
        for wrong in ["", "3", "m", "3x", "-1s", "1e400s", "999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
