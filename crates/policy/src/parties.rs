//! Whom an authority believes: one trust root of the parties that it names.

use countersign_trust::TrustRoot;

use crate::authority::{Authority, KeylessAuthority, LogRule, SignedFormat, TimestampRule};
use crate::evidence_source::{EvidenceSource, TrustRootLookup};
use crate::vouching::Refusal;

/// The one root for all kinds of parties that the authority names. Parties it does not name are asked
/// nothing.
pub(crate) fn root(
    authority: &Authority,
    keyless: Option<&KeylessAuthority>,
    source: &dyn EvidenceSource,
) -> Result<TrustRoot, Refusal> {
    let is_bundle = authority.format == SignedFormat::Bundle;
    let look_up = |name: &Option<String>, before: String| {
        let before = if is_bundle { String::new() } else { before };
        source.trust_root(name.as_deref()).map_err(|error| {
            let before = format!("{}{before}", constructing(authority));
            match error {
                TrustRootLookup::Undecided(cause) => Refusal::undecided(cause, &before, ""),
                error => Refusal::Judged(format!("{before}{error}")),
            }
        })
    };
    let name = &authority.name;
    let certificates = match keyless {
        None => None,
        Some(keyless) => Some(look_up(
            &keyless.trust_root,
            format!("getting Fulcio certs: {name}: "),
        )?),
    };
    let logs = match &authority.log {
        LogRule::NotAsked => None,
        LogRule::Required(root) => {
            let before =
                format!("getting Rekor public keys: {name}: fetching keys for trustRootRef: ");
            Some(look_up(root, before)?)
        }
    };
    let timestamps = match (&authority.timestamp, &logs) {
        (TimestampRule::Required(root), _) => Some(look_up(root, String::new())?),
        // Where a log is asked, its root may tell the time as well: Rekor v2 tells none.
        (TimestampRule::NotAsked, logs) => logs.clone(),
    };
    let parties = [&certificates, &logs, &timestamps].map(|root| root.as_deref());
    Ok(TrustRoot::of_parties(parties[0], parties[1], parties[2]))
}

/// How upstream begins what is wrong before any signature is looked at.
pub(crate) fn constructing(authority: &Authority) -> String {
    if authority.attestations.is_empty() {
        format!("constructing checkOpts for {}: ", authority.name)
    } else {
        "creating CheckOpts: ".to_owned()
    }
}
