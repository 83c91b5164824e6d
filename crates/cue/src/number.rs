//! Exact decimal numbers, as CUE has them.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number: `coefficient * 10^exponent`. Whether it is an `int` or a `float` is part of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number {
    coefficient: i128,
    exponent: i32,
    float: bool,
}

/// Significant digits of inexact results, as upstream's decimal context has them.
const PRECISION: u32 = 34;
/// Exponents beyond this are refused; upstream's own limit is 100,000.
const MAX_EXPONENT: i32 = 100_000;

impl Number {
    pub(crate) fn int(value: i128) -> Self {
        Self {
            coefficient: value,
            exponent: 0,
            float: false,
        }
    }

    /// Reads digits with an optional fraction and exponent. `None`: too many digits.
    pub(crate) fn parse_decimal(text: &str) -> Option<Self> {
        let (mantissa, exponent_text) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let float = exponent_text.is_some() || mantissa.contains('.');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut exponent: i32 = match exponent_text {
            Some(digits) => digits.parse().ok()?,
            None => 0,
        };
        if exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let negative = whole.starts_with('-');
        let mut coefficient: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            match digit {
                b'0'..=b'9' => {
                    coefficient = coefficient
                        .checked_mul(10)?
                        .checked_add(i128::from(digit - b'0'))?;
                }
                b'-' | b'+' | b'_' => {}
                _ => return None,
            }
        }
        exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let coefficient = if negative { -coefficient } else { coefficient };
        Some(Self {
            coefficient,
            exponent,
            float,
        })
    }

    pub(crate) fn is_float(self) -> bool {
        self.float
    }

    pub(crate) fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    pub(crate) fn is_negative(self) -> bool {
        self.coefficient < 0
    }

    /// The value when it is whole and fits.
    pub(crate) fn to_i128(self) -> Option<i128> {
        if self.coefficient == 0 {
            return Some(0);
        }
        if self.exponent >= 0 {
            let factor = 10i128.checked_pow(u32::try_from(self.exponent).ok()?)?;
            return self.coefficient.checked_mul(factor);
        }
        let factor = 10i128.checked_pow(self.exponent.unsigned_abs())?;
        (self.coefficient % factor == 0).then(|| self.coefficient / factor)
    }

    /// The value as an index or count.
    pub(crate) fn to_i64(self) -> Option<i64> {
        self.to_i128().and_then(|value| i64::try_from(value).ok())
    }

    pub(crate) fn negate(self) -> Option<Self> {
        Some(Self {
            coefficient: self.coefficient.checked_neg()?,
            ..self
        })
    }

    pub(crate) fn add(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let left = self.scaled_to(exponent)?;
        let right = other.scaled_to(exponent)?;
        let sum = Self {
            coefficient: left.checked_add(right)?,
            exponent,
            float: self.float || other.float,
        };
        Some(sum.rounded())
    }

    pub(crate) fn subtract(self, other: Self) -> Option<Self> {
        self.add(other.negate()?)
    }

    pub(crate) fn multiply(self, other: Self) -> Option<Self> {
        let product = Self {
            coefficient: self.coefficient.checked_mul(other.coefficient)?,
            exponent: self.exponent.checked_add(other.exponent)?,
            float: self.float || other.float,
        };
        (product.exponent.abs() <= MAX_EXPONENT).then(|| product.rounded())
    }

    /// Divides to 34 digits; the result is a float. `None`: by zero, or out of range.
    pub(crate) fn divide(self, other: Self) -> Option<Self> {
        let divisor = other.coefficient.unsigned_abs();
        if divisor == 0 || divisor > 10u128.pow(37) {
            return None;
        }
        let mut exponent = self.exponent.checked_sub(other.exponent)?;
        let dividend = self.coefficient.unsigned_abs();
        let (mut quotient, mut rest) = (dividend / divisor, dividend % divisor);
        while rest != 0 && digits(quotient) <= PRECISION {
            rest *= 10;
            quotient = quotient * 10 + rest / divisor;
            rest %= divisor;
            exponent -= 1;
        }
        let magnitude = i128::try_from(quotient).ok()?;
        let negative = (self.coefficient < 0) != (other.coefficient < 0);
        let result = Self {
            coefficient: if negative { -magnitude } else { magnitude },
            exponent,
            float: true,
        };
        Some(result.rounded())
    }

    /// The whole part, going down (`Floor`), up (`Ceil`), to zero (`Trunc`) or to the nearest.
    pub(crate) fn whole(self, direction: Direction) -> Option<Self> {
        if self.exponent >= 0 {
            return self.to_i128().map(Self::int);
        }
        let Some(factor) = 10i128.checked_pow(self.exponent.unsigned_abs()) else {
            return Some(Self::int(match direction {
                Direction::Down if self.coefficient < 0 => -1,
                Direction::Up if self.coefficient > 0 => 1,
                _ => 0,
            }));
        };
        let floor = self.coefficient.div_euclid(factor);
        let rest = self.coefficient.rem_euclid(factor);
        let up = match direction {
            Direction::Down => false,
            Direction::Up => rest != 0,
            Direction::ToZero => rest != 0 && self.coefficient < 0,
            Direction::Nearest => match (rest.checked_mul(2)?).cmp(&factor) {
                Ordering::Less => false,
                Ordering::Equal => self.coefficient > 0,
                Ordering::Greater => true,
            },
        };
        Some(Self::int(floor + i128::from(up)))
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        let sign = self.coefficient.signum().cmp(&other.coefficient.signum());
        if sign != Ordering::Equal || self.coefficient == 0 {
            return sign;
        }
        let magnitude = self.compare_magnitude(other);
        if self.coefficient < 0 {
            magnitude.reverse()
        } else {
            magnitude
        }
    }

    fn compare_magnitude(self, other: Self) -> Ordering {
        let left = self.coefficient.unsigned_abs().to_string();
        let right = other.coefficient.unsigned_abs().to_string();
        let adjusted = |text: &str, exponent: i32| text.len() as i64 + i64::from(exponent);
        adjusted(&left, self.exponent)
            .cmp(&adjusted(&right, other.exponent))
            .then_with(|| left.trim_end_matches('0').cmp(right.trim_end_matches('0')))
    }

    fn scaled_to(self, exponent: i32) -> Option<i128> {
        let shift = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        if self.coefficient == 0 {
            return Some(0);
        }
        self.coefficient.checked_mul(10i128.checked_pow(shift)?)
    }

    /// Rounds a float to the precision kept, half away from zero.
    fn rounded(self) -> Self {
        if !self.float {
            return self;
        }
        let mut result = self;
        let excess = digits(self.coefficient.unsigned_abs()).saturating_sub(PRECISION);
        if excess > 0 {
            let factor = 10i128.pow(excess);
            let rest = result.coefficient % factor;
            result.coefficient /= factor;
            if rest.abs() >= factor / 2 {
                result.coefficient += rest.signum();
            }
            result.exponent += excess as i32;
        }
        result
    }
}

/// Which whole number is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Down,
    Up,
    ToZero,
    Nearest,
}

fn digits(value: u128) -> u32 {
    value.checked_ilog10().map_or(1, |log| log + 1)
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.coefficient < 0 { "-" } else { "" };
        let text = self.coefficient.unsigned_abs().to_string();
        if self.exponent == 0 {
            return write!(f, "{sign}{text}{}", if self.float { ".0" } else { "" });
        }
        let adjusted = i64::from(self.exponent) + text.len() as i64 - 1;
        if self.exponent > 0 || adjusted < -6 {
            let (first, rest) = text.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            return write!(f, "{sign}{first}{point}{rest}e{adjusted:+}");
        }
        let fraction = self.exponent.unsigned_abs() as usize;
        if text.len() > fraction {
            let (whole, part) = text.split_at(text.len() - fraction);
            write!(f, "{sign}{whole}.{part}")
        } else {
            write!(f, "{sign}0.{text:0>fraction$}")
        }
    }
}
