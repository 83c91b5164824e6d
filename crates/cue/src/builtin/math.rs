//! `math` and `math/bits`.

use super::{Arguments, Entry, constant, function, int, predicate};
use crate::eval::Ev;
use crate::number::{Direction, Number};
use crate::value::{Kinds, Value};

const M: &str = "math";
const B: &str = "math/bits";

pub(super) static MEMBERS: &[Entry] = &[
    constant(M, "math.Pi", || {
        Number::parse_decimal("3.1415926535897932384626433832795028842").map(Value::Number)
    }),
    constant(M, "math.E", || {
        Number::parse_decimal("2.7182818284590452353602874713526624978").map(Value::Number)
    }),
    function(M, "math.Floor", 1, |a| whole(a, Direction::Down)),
    function(M, "math.Ceil", 1, |a| whole(a, Direction::Up)),
    function(M, "math.Trunc", 1, |a| whole(a, Direction::ToZero)),
    function(M, "math.Round", 1, |a| whole(a, Direction::Nearest)),
    function(M, "math.Abs", 1, |a| {
        let number = a.number(0)?;
        let positive = if number.is_negative() {
            number.negate()
        } else {
            Some(number)
        };
        positive.map(Value::Number).ok_or_else(Ev::digits)
    }),
    predicate(M, "math.MultipleOf", 2, Kinds::NUMBER, |a| {
        let (number, factor) = (a.number(0)?, a.number(1)?);
        if factor.is_zero() {
            return Err(Ev::bottom("division by zero"));
        }
        let quotient = number.divide(factor).ok_or_else(Ev::digits)?;
        let nearest = quotient.whole(Direction::Nearest).ok_or_else(Ev::digits)?;
        let product = nearest.multiply(factor).ok_or_else(Ev::digits)?;
        Ok(Value::Bool(product.compare(number).is_eq()))
    }),
    function(B, "bits.And", 2, |a| bitwise(a, |x, y| x & y)),
    function(B, "bits.Or", 2, |a| bitwise(a, |x, y| x | y)),
    function(B, "bits.Xor", 2, |a| bitwise(a, |x, y| x ^ y)),
    function(B, "bits.Clear", 2, |a| bitwise(a, |x, y| x & !y)),
    function(B, "bits.Lsh", 2, |a| {
        let (value, shift) = (big(a, 0)?, shift(a)?);
        let moved = value
            .checked_shl(shift)
            .filter(|moved| moved >> shift == value);
        moved.map_or_else(|| Err(Ev::digits()), int)
    }),
    function(B, "bits.Rsh", 2, |a| {
        int(big(a, 0)?.checked_shr(shift(a)?).unwrap_or(0))
    }),
    function(B, "bits.At", 2, |a| {
        int(big(a, 0)?.checked_shr(shift(a)?).unwrap_or(0) & 1)
    }),
    function(B, "bits.OnesCount", 1, |a| {
        int(big(a, 0)?.unsigned_abs().count_ones())
    }),
    function(B, "bits.Len", 1, |a| {
        int(128 - big(a, 0)?.unsigned_abs().leading_zeros())
    }),
];

fn whole(a: &Arguments<'_>, direction: Direction) -> Result<Value, Ev> {
    a.number(0)?
        .whole(direction)
        .map(Value::Number)
        .ok_or_else(Ev::digits)
}

fn big(a: &Arguments<'_>, index: usize) -> Result<i128, Ev> {
    let number = a.number(index)?;
    if number.is_float() {
        return Err(a.wrong(index, "int"));
    }
    number.to_i128().ok_or_else(Ev::digits)
}

fn shift(a: &Arguments<'_>) -> Result<u32, Ev> {
    u32::try_from(a.int(1)?).map_err(|_| a.wrong(1, "uint"))
}

fn bitwise(a: &Arguments<'_>, join: fn(i128, i128) -> i128) -> Result<Value, Ev> {
    int(join(big(a, 0)?, big(a, 1)?))
}
