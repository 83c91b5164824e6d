//! `time`: instants as text, without a clock.

use super::{Arguments, Entry, constant, function, int, predicate};
use crate::eval::{Ev, Stop};
use crate::value::{Kinds, Value, quoted};

const T: &str = "time";
const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

pub(super) static MEMBERS: &[Entry] = &[
    constant(T, "time.RFC3339", || Some(Value::str(RFC3339))),
    constant(T, "time.RFC3339Nano", || Some(Value::str(RFC3339_NANO))),
    constant(T, "time.RFC3339Date", || Some(Value::str("2006-01-02"))),
    constant(T, "time.Nanosecond", || int(1).ok()),
    constant(T, "time.Microsecond", || int(1_000).ok()),
    constant(T, "time.Millisecond", || int(1_000_000).ok()),
    constant(T, "time.Second", || int(1_000_000_000i64).ok()),
    constant(T, "time.Minute", || int(60_000_000_000i64).ok()),
    constant(T, "time.Hour", || int(3_600_000_000_000i64).ok()),
    predicate(T, "time.Time", 1, Kinds::STRING, |a| {
        let text = a.text(0)?;
        let instant = parse(RFC3339, text).filter(|_| !text.contains(','));
        instant
            .map(|_| Value::Bool(true))
            .ok_or_else(|| invalid_time(text))
    }),
    predicate(T, "time.Duration", 1, Kinds::STRING, |a| {
        duration(a.text(0)?).map(|_| Value::Bool(true))
    }),
    predicate(T, "time.Format", 2, Kinds::STRING, |a| {
        let text = a.text(0)?;
        known_layout(a, 1)?;
        parse(a.text(1)?, text)
            .map(|_| Value::Bool(true))
            .ok_or_else(|| invalid_time(text))
    }),
    function(T, "time.Parse", 2, |a| {
        let (layout, text) = (a.text(0)?, a.text(1)?);
        known_layout(a, 0)?;
        let failed = || {
            let (value, layout) = (quoted(text), quoted(layout));
            Ev::bottom(format!(
                "parsing time {value} as {layout}: cannot parse {value} as \"2006\""
            ))
        };
        Ok(Value::Str(
            parse(layout, text).ok_or_else(failed)?.text().into(),
        ))
    }),
    function(T, "time.Unix", 2, |a| {
        let (seconds, nanos) = (a.int(0)?, a.int(1)?);
        let seconds = seconds
            .checked_add(nanos.div_euclid(1_000_000_000))
            .ok_or_else(Ev::digits)?;
        let instant = Instant {
            seconds,
            nanos: nanos.rem_euclid(1_000_000_000) as u32,
        };
        if !(MIN_SECONDS..=MAX_SECONDS).contains(&seconds) {
            return Err(Ev::bottom("year outside of range [0,9999]"));
        }
        Ok(Value::Str(instant.text().into()))
    }),
    function(T, "time.ParseDuration", 1, |a| int(duration(a.text(0)?)?)),
];

const MIN_SECONDS: i64 = -62_167_219_200;
const MAX_SECONDS: i64 = 253_402_300_799;

fn invalid_time(text: &str) -> Ev {
    Ev::bottom(format!("invalid time {}", quoted(text)))
}

fn known_layout(a: &Arguments<'_>, index: usize) -> Result<(), Ev> {
    let layout = a.text(index)?;
    if is_layout(layout) {
        return Ok(());
    }
    Err(Ev::Stop(Stop::Unsupported(format!(
        "{} with the layout {layout:?}",
        a.name
    ))))
}

/// Whether the layout is one of those that are understood.
pub(super) fn is_layout(layout: &str) -> bool {
    matches!(
        layout,
        RFC3339 | RFC3339_NANO | "2006-01-02" | "2006-01-02T15:04:05Z"
    )
}

/// An instant in UTC.
#[derive(Debug, Clone, Copy)]
struct Instant {
    seconds: i64,
    nanos: u32,
}

impl Instant {
    /// As RFC 3339 with as much of the fraction as there is.
    fn text(self) -> String {
        let days = self.seconds.div_euclid(86_400);
        let rest = self.seconds.rem_euclid(86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        let mut out = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if self.nanos != 0 {
            let fraction = format!("{:09}", self.nanos);
            out.push('.');
            out.push_str(fraction.trim_end_matches('0'));
        }
        out.push('Z');
        out
    }
}

/// Reads `text` by one of the known layouts.
fn parse(layout: &str, text: &str) -> Option<Instant> {
    let mut reader = Reader { rest: text };
    let year = reader.digits(4)?;
    reader.mark('-')?;
    let month = reader.digits(2)?;
    reader.mark('-')?;
    let day = reader.digits(2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let mut seconds = days_from_civil(year, month, day) * 86_400;
    let mut nanos = 0;
    if layout != "2006-01-02" {
        reader.mark('T')?;
        let hour = reader.digits(2)?;
        reader.mark(':')?;
        let minute = reader.digits(2)?;
        reader.mark(':')?;
        let second = reader.digits(2)?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        seconds += hour * 3600 + minute * 60 + second;
        nanos = reader.fraction()?;
        seconds -= if layout.ends_with("Z07:00") {
            reader.zone()?
        } else {
            reader.mark('Z').map(|()| 0)?
        };
    }
    reader.rest.is_empty().then_some(Instant { seconds, nanos })
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn digits(&mut self, count: usize) -> Option<i64> {
        let digits = self.rest.get(..count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.rest = &self.rest[count..];
        digits.parse().ok()
    }

    fn mark(&mut self, mark: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(mark)?;
        Some(())
    }

    fn fraction(&mut self) -> Option<u32> {
        let Some(rest) = self.rest.strip_prefix(['.', ',']) else {
            return Some(0);
        };
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return None;
        }
        self.rest = &rest[count..];
        let digits = &rest[..count.min(9)];
        format!("{digits:0<9}").parse().ok()
    }

    /// Seconds east of UTC.
    fn zone(&mut self) -> Option<i64> {
        if self.mark('Z').is_some() {
            return Some(0);
        }
        let sign = if self.mark('-').is_some() {
            -1
        } else {
            self.mark('+')?;
            1
        };
        let hours = self.digits(2)?;
        self.mark(':')?;
        let minutes = self.digits(2)?;
        (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Go's `time.ParseDuration`, in nanoseconds.
fn duration(text: &str) -> Result<i64, Ev> {
    let invalid = || Ev::bottom(format!("time: invalid duration {}", quoted(text)));
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
            .count();
        let (digits, tail) = rest.split_at(number);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 18 {
            return Err(invalid());
        }
        let length = tail
            .bytes()
            .take_while(|byte| *byte != b'.' && !byte.is_ascii_digit())
            .count();
        let (unit, after) = tail.split_at(length);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => {
                return Err(Ev::bottom(format!(
                    "time: missing unit in duration {}",
                    quoted(text)
                )));
            }
            other => {
                let (unit, text) = (quoted(other), quoted(text));
                return Err(Ev::bottom(format!(
                    "time: unknown unit {unit} in duration {text}"
                )));
            }
        };
        let parsed: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        total += parsed * scale;
        let kept = &fraction[..fraction.len().min(15)];
        if !kept.is_empty() {
            total += kept.parse::<i128>().map_err(|_| invalid())? * scale
                / 10i128.pow(kept.len() as u32);
        }
        if total > i128::from(i64::MAX) {
            return Err(invalid());
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}
