//! Signed certificate timestamps.

use const_oid::db::rfc6962::CT_PRECERT_SCTS;
use countersign_artifact::Digest;
use der::Encode;
use der::asn1::OctetStringRef;
use rcgen::{BasicConstraints, CustomExtension, PublicKeyData};

use super::{ALWAYS, Change, House, Made, NOON, authority, ca, issue, made, time, verify};
use crate::certificate::chain::parts;
use crate::certificate::{SctError, sct};
use crate::private_key::PrivateKey;
use crate::trust_root::Log;

#[test]
fn logs_have_seen_the_certificate() {
    let house = House::new();
    let log = CtLog::new();
    let seen = log.sees(&house, &|_| {}, |sct| vec![sct]);
    let judge = |leaf: &Made, logs: &[Log]| {
        let signer = verify(leaf, &[], &[house.authority()], &[NOON]).unwrap();
        sct::verify(&signer, logs)
    };
    let url = || "https://ct.example".to_owned();
    assert_eq!(judge(&seen, &[CtLog::new().log(), log.log()]), Ok(()));
    assert_eq!(
        judge(&house.leaf(&|_| {}), &[log.log()]),
        Err(SctError::Absent)
    );
    let unknown = Err(SctError::UnknownLog {
        id: hex::encode(&log.log().id),
    });
    assert_eq!(judge(&seen, &[]), unknown);
    assert_eq!(judge(&seen, &[CtLog::new().log()]), unknown);
    let mut other_key = CtLog::new().log();
    other_key.id = log.log().id;
    assert_eq!(
        judge(&seen, &[other_key]),
        Err(SctError::Signature { url: url() })
    );
    let mut ended = log.log();
    ended.window.end = Some(time("2026-06-01T11:59:59.999Z"));
    let outside = SctError::LogOutsideTime {
        url: url(),
        at: time(NOON),
    };
    assert_eq!(judge(&seen, &[ended]), Err(outside));
    // Another certificate, another issuer, an added extension: all were not seen.
    let other = log.sees(&house, &|_| {}, |sct| vec![sct]);
    let moved = house.leaf(&|params| {
        params
            .custom_extensions
            .push(other.params.custom_extensions.last().unwrap().clone());
    });
    assert_eq!(
        judge(&moved, &[log.log()]),
        Err(SctError::Signature { url: url() })
    );
    let renewed = House {
        root: made(ca("root", BasicConstraints::Unconstrained), &|_| {}, None),
        intermediate: made(
            ca("intermediate", BasicConstraints::Constrained(0)),
            &|_| {},
            Some(&house.root),
        ),
    };
    let reissued = made(seen.params.clone(), &|_| {}, Some(&renewed.intermediate));
    let authorities = [authority(&[&renewed.intermediate, &house.root])];
    let signer = verify(&reissued, &[], &authorities, &[NOON]).unwrap();
    assert_eq!(
        sct::verify(&signer, &[log.log()]),
        Err(SctError::Signature { url: url() })
    );
}

#[test]
fn one_good_timestamp_is_enough_and_a_broken_one_is_none() {
    let house = House::new();
    let log = CtLog::new();
    let judge = |list: &dyn Fn(Vec<u8>) -> Vec<Vec<u8>>| {
        let leaf = log.sees(&house, &|_| {}, list);
        let signer = verify(&leaf, &[], &[house.authority()], &[NOON]).unwrap();
        sct::verify(&signer, &[log.log()])
    };
    let flipped = |sct: &[u8], place: usize| {
        let mut sct = sct.to_vec();
        sct[place] ^= 1;
        sct
    };
    assert_eq!(judge(&|sct| vec![flipped(&sct, 60), vec![], sct]), Ok(()));
    let length = {
        let mut length = 0;
        assert_eq!(judge(&|sct| vec![sct]), Ok(()));
        log.sees(&house, &|_| {}, |sct| {
            length = sct.len();
            vec![sct]
        });
        length
    };
    // Version, log, time, extensions, algorithms; the signature's own last byte.
    for place in [0, 1, 32, 33, 40, 41, 42, 43, 44, length - 1] {
        assert!(
            judge(&|sct| vec![flipped(&sct, place.min(sct.len() - 1))]).is_err(),
            "byte {place}"
        );
    }
    assert_eq!(judge(&|_| vec![]), Err(SctError::Absent));
    assert_eq!(judge(&|_| vec![vec![]]), Err(SctError::Encoding));
    assert_eq!(
        judge(&|sct| vec![[&sct[..], &[0]].concat()]),
        Err(SctError::Encoding)
    );
    let many = Err(SctError::TooMany {
        limit: 16,
        found: 17,
    });
    assert_eq!(judge(&|sct| vec![sct; 17]), many);
}

struct CtLog {
    key: PrivateKey,
}

impl CtLog {
    fn new() -> Self {
        Self {
            key: PrivateKey::generate().unwrap(),
        }
    }

    fn log(&self) -> Log {
        let key = self.key.public_key().clone();
        Log {
            url: "https://ct.example".to_owned(),
            host: "ct.example".to_owned(),
            id: key.fingerprint().as_bytes().to_vec(),
            key,
            window: ALWAYS,
        }
    }

    /// Makes a certificate with the list of timestamps that `list` makes of the good one.
    fn sees(
        &self,
        house: &House,
        change: Change<'_>,
        list: impl FnOnce(Vec<u8>) -> Vec<Vec<u8>>,
    ) -> Made {
        let submitted = house.leaf(change);
        let (body, ..) = parts(&submitted.der).unwrap();
        let milliseconds = u64::try_from(time(NOON).as_millisecond())
            .unwrap()
            .to_be_bytes();
        let issuer = Digest::sha256_of(&house.intermediate.key.subject_public_key_info());
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        let signed = [
            &[0, 0][..],
            &milliseconds,
            &[0, 1],
            issuer.as_bytes(),
            &length[1..],
            body,
            &[0, 0],
        ]
        .concat();
        let signature = self.key.sign(&signed).unwrap();
        let id = self.log().id;
        let sct = [
            &[0][..],
            &id,
            &milliseconds,
            &[0, 0, 4, 3],
            &vector(&signature),
        ]
        .concat();
        let scts: Vec<u8> = list(sct).iter().flat_map(|sct| vector(sct)).collect();
        let list = OctetStringRef::new(&vector(&scts))
            .unwrap()
            .to_der()
            .unwrap();
        let arcs: Vec<u64> = CT_PRECERT_SCTS.arcs().map(u64::from).collect();
        let mut params = submitted.params;
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(&arcs, list));
        issue(params, submitted.key, Some(&house.intermediate))
    }
}

fn vector(bytes: &[u8]) -> Vec<u8> {
    [
        &u16::try_from(bytes.len()).unwrap().to_be_bytes()[..],
        bytes,
    ]
    .concat()
}
