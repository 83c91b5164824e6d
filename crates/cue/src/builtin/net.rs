//! `net`: whether a text is an address. Nothing here opens a connection.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Entry, predicate};
use crate::eval::Ev;
use crate::value::{Kinds, Value, quoted};

const N: &str = "net";

pub(super) static MEMBERS: &[Entry] = &[
    predicate(N, "net.IPv4", 1, Kinds::STRING, |a| {
        Ok(Value::Bool(a.text(0)?.parse::<Ipv4Addr>().is_ok()))
    }),
    predicate(N, "net.IPv6", 1, Kinds::STRING, |a| {
        Ok(Value::Bool(is_v6(a.text(0)?)))
    }),
    predicate(N, "net.IP", 1, Kinds::STRING, |a| {
        let text = a.text(0)?;
        Ok(Value::Bool(text.parse::<Ipv4Addr>().is_ok() || is_v6(text)))
    }),
    predicate(N, "net.IPCIDR", 1, Kinds::STRING, |a| {
        prefix(a.text(0)?).map(|()| Value::Bool(true))
    }),
];

/// With or without a zone.
fn is_v6(text: &str) -> bool {
    match text.split_once('%') {
        Some((address, zone)) => !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok(),
        None => text.parse::<Ipv6Addr>().is_ok(),
    }
}

fn prefix(text: &str) -> Result<(), Ev> {
    let failed = |why: &str| {
        Err(Ev::bottom(format!(
            "netip.ParsePrefix({}): {why}",
            quoted(text)
        )))
    };
    let Some((address, bits)) = text.rsplit_once('/') else {
        return failed("no '/'");
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return failed("unable to parse IP");
    };
    let plain =
        bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let Some(bits) = bits.parse::<u32>().ok().filter(|_| plain) else {
        return failed("bad bits after slash");
    };
    if bits > if address.is_ipv4() { 32 } else { 128 } {
        return failed("prefix length out of range");
    }
    Ok(())
}
