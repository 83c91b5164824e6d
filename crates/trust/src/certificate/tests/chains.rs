//! Profile, times and chains.

use const_oid::db::rfc6962::CT_PRECERT_POISON;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};

use super::{ALWAYS, Change, House, NOON, authority, ca, fulcio, leaf, made, name, time, verify};
use crate::certificate::{CertificateError, CertificateIdentity};
use crate::trust_root::Authority;

#[test]
fn a_good_certificate_names_its_holder() {
    let house = House::new();
    let leaf = house.leaf(&|_| {});
    let identity = house
        .judge_at(&leaf, &[NOON, "2026-06-02T00:00:00Z"])
        .unwrap();
    assert_eq!(identity.subjects(), ["https://example.com/workflow"]);
    assert_eq!(identity.issuer(), Some("https://issuer.example"));
    assert_eq!(identity.claims().build_trigger(), Some("push"));
    assert_eq!(
        identity.claims().iter().collect::<Vec<_>>(),
        [("buildTrigger", "push")]
    );
    // The intermediate may come with the certificate too, and strangers beside it do no harm.
    let stranger = House::new();
    let sent = [
        stranger.intermediate.der.clone(),
        house.intermediate.der.clone(),
    ];
    let only_root = authority(&[&house.root]);
    assert!(
        verify(
            &leaf,
            &sent,
            &[stranger.authority(), only_root.clone()],
            &[NOON]
        )
        .is_ok()
    );
    assert_eq!(
        verify(&leaf, &[], &[only_root], &[NOON]).map(drop),
        Err(CertificateError::UnknownIssuer)
    );
}

#[test]
fn strangers_are_refused() {
    let (house, stranger) = (House::new(), House::new());
    let leaf = house.leaf(&|_| {});
    let judge = |authorities: &[Authority], sent: &[Vec<u8>]| {
        verify(&leaf, sent, authorities, &[NOON]).map(drop)
    };
    // Both houses have the same names: only the keys differ.
    assert_eq!(
        judge(&[stranger.authority()], &[]),
        Err(CertificateError::IssuerSignature)
    );
    let sent = [house.intermediate.der.clone(), house.root.der.clone()];
    assert_eq!(
        judge(&[stranger.authority()], &sent),
        Err(CertificateError::IssuerSignature)
    );
    assert_eq!(judge(&[], &sent), Err(CertificateError::UnknownIssuer));
    let other = House::with(&|params| name(params, "other"), &|params| {
        name(params, "another")
    });
    assert_eq!(
        judge(&[other.authority()], &sent),
        Err(CertificateError::UnknownIssuer)
    );
    let alone = made(super::leaf(), &|params| name(params, "alone"), None);
    assert_eq!(
        house.judge(&alone).map(drop),
        Err(CertificateError::UnknownIssuer)
    );
}

#[test]
fn every_flipped_bit_is_seen() {
    let house = House::new();
    let mut leaf = house.leaf(&|_| {});
    let authority = [house.authority()];
    for place in 0..leaf.der.len() {
        leaf.der[place] ^= 1;
        assert!(
            verify(&leaf, &[], &authority, &[NOON]).is_err(),
            "byte {place}"
        );
        leaf.der[place] ^= 1;
    }
    for end in 0..leaf.der.len() {
        assert!(
            CertificateIdentity::of_certificate(&leaf.der[..end]).is_err(),
            "cut at {end}"
        );
    }
    assert!(verify(&leaf, &[], &authority, &[NOON]).is_ok());
}

#[test]
fn the_profile_is_kept() {
    let house = House::new();
    let judge = |change: Change<'_>| house.judge(&house.leaf(change)).map(drop);
    assert_eq!(judge(&|_| {}), Ok(()));
    for usages in [
        vec![],
        vec![ExtendedKeyUsagePurpose::ServerAuth],
        vec![ExtendedKeyUsagePurpose::Any],
        vec![ExtendedKeyUsagePurpose::TimeStamping],
    ] {
        let said = judge(&|params| params.extended_key_usages.clone_from(&usages));
        assert_eq!(said, Err(CertificateError::NoCodeSigning), "{usages:?}");
    }
    for usages in [vec![], vec![KeyUsagePurpose::KeyEncipherment]] {
        let said = judge(&|params| params.key_usages.clone_from(&usages));
        assert_eq!(
            said,
            Err(CertificateError::NoDigitalSignature),
            "{usages:?}"
        );
    }
    let said = judge(&|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(said, Err(CertificateError::IsAuthority));
    let said = judge(&|params| params.subject_alt_names.clear());
    assert_eq!(said, Err(CertificateError::NoSubject));
    let unknown = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    assert_eq!(
        judge(&unknown),
        Err(CertificateError::UnknownCriticalExtension)
    );
    // A precertificate was never meant to be used.
    let poison = |params: &mut CertificateParams| {
        let arcs: Vec<u64> = CT_PRECERT_POISON.arcs().map(u64::from).collect();
        let mut extension = CustomExtension::from_oid_content(&arcs, vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    assert_eq!(
        judge(&poison),
        Err(CertificateError::UnknownCriticalExtension)
    );
}

#[test]
fn two_answers_to_one_question_are_refused() {
    let house = House::new();
    let judge = |change: Change<'_>| house.judge(&house.leaf(change));
    let twice = judge(&|params| fulcio(params, 20, b"\x0c\x03tag"));
    let oid = "1.3.6.1.4.1.57264.1.20".to_owned();
    assert_eq!(
        twice.map(drop),
        Err(CertificateError::DuplicateExtension { oid })
    );
    let issuers = judge(&|params| fulcio(params, 1, b"https://evil.example"));
    let (old, new) = (
        "https://evil.example".to_owned(),
        "https://issuer.example".to_owned(),
    );
    assert_eq!(
        issuers.map(drop),
        Err(CertificateError::TwoIssuers { old, new })
    );
    let alike = judge(&|params| fulcio(params, 1, b"https://issuer.example")).unwrap();
    assert_eq!(alike.issuer(), Some("https://issuer.example"));
    for forged in [
        &b"main"[..],
        b"\x0c\x04mainx",
        b"\x0c\x05main",
        b"\x13\x04main",
    ] {
        let said = judge(&|params| fulcio(params, 14, forged));
        let oid = "1.3.6.1.4.1.57264.1.14".to_owned();
        assert_eq!(
            said.map(drop),
            Err(CertificateError::Extension { oid }),
            "{forged:?}"
        );
    }
}

/// A URI before an e-mail address before the rest, whatever their order in the certificate: that is
/// whom sigstore-go sees.
#[test]
fn names_have_one_order() {
    let house = House::new();
    let leaf = house.leaf(&|params| {
        let mut names = vec![
            SanType::DnsName("dns.example".try_into().unwrap()),
            SanType::OtherName((
                vec![1, 3, 6, 1, 4, 1, 57264, 1, 7],
                "user!example.com".into(),
            )),
            SanType::IpAddress([192, 0, 2, 1].into()),
            SanType::Rfc822Name("a@example.com".try_into().unwrap()),
        ];
        names.append(&mut params.subject_alt_names);
        params.subject_alt_names = names;
    });
    let identity = house.judge(&leaf).unwrap();
    let expected = [
        "https://example.com/workflow",
        "a@example.com",
        "dns.example",
        "192.0.2.1",
        "user!example.com",
    ];
    assert_eq!(identity.subjects(), expected);
    assert_eq!(identity.subject(), Some("https://example.com/workflow"));
}

#[test]
fn every_time_counts() {
    let house = House::new();
    let leaf = house.leaf(&|_| {});
    let judge = |times: &[&str]| house.judge_at(&leaf, times).map(drop);
    let (first, last) = ("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z");
    assert_eq!(judge(&[first, last]), Ok(()), "both ends belong to it");
    assert_eq!(judge(&[]), Err(CertificateError::NoTime));
    for (at, good) in [
        ("2026-05-31T23:59:59.9Z", NOON),
        ("2026-02-01T00:00:00Z", first),
    ] {
        let early = CertificateError::NotYetValid {
            at: time(at),
            not_before: time(first),
        };
        assert_eq!(judge(&[at]), Err(early.clone()));
        assert_eq!(judge(&[good, at]), Err(early));
    }
    for at in ["2026-06-02T00:00:00.1Z", "2030-01-01T00:00:00Z"] {
        let late = CertificateError::Expired {
            at: time(at),
            not_after: time(last),
        };
        assert_eq!(judge(&[NOON, at]), Err(late));
    }
}

#[test]
fn authorities_have_their_time_too() {
    let house = House::new();
    let leaf = house.leaf(&|_| {});
    let late = "2026-06-01T20:00:00Z";
    let mut ended = house.authority();
    ended.window.end = Some(time("2026-06-01T13:00:00Z"));
    let judge = |authority: &Authority, times: &[&str]| {
        verify(&leaf, &[], std::slice::from_ref(authority), times).map(drop)
    };
    assert_eq!(judge(&ended, &[NOON]), Ok(()));
    let uri = "https://ca.example".to_owned();
    let outside = CertificateError::AuthorityOutsideTime {
        uri,
        at: time(late),
    };
    assert_eq!(judge(&ended, &[NOON, late]), Err(outside));
    // CVE-2026-24122: the leaf is young, but an authority above it had expired.
    let expires = |params: &mut CertificateParams| params.not_after = date_time_ymd(2026, 6, 1);
    for old in [
        House::with(&expires, &|_| {}),
        House::with(&|_| {}, &expires),
    ] {
        let leaf = old.leaf(&|_| {});
        let midnight = "2026-06-01T00:00:00Z";
        assert!(old.judge_at(&leaf, &[midnight]).is_ok());
        let said = old.judge_at(&leaf, &[midnight, NOON]).map(drop);
        assert_eq!(
            said,
            Err(CertificateError::IssuerOutsideTime { at: time(NOON) })
        );
        // The same where the intermediate comes with the certificate.
        let sent = [old.intermediate.der.clone()];
        let authorities = [authority(&[&old.root])];
        for times in [&[NOON][..], &[midnight, NOON]] {
            let said = verify(&leaf, &sent, &authorities, times).map(drop);
            assert_eq!(
                said,
                Err(CertificateError::IssuerOutsideTime { at: time(NOON) })
            );
        }
    }
}

#[test]
fn intermediates_must_be_authorities_for_code() {
    let judge = |change: Change<'_>| {
        let house = House::with(&|_| {}, change);
        let leaf = house.leaf(&|_| {});
        let sent = [house.intermediate.der.clone()];
        let alone = verify(&leaf, &sent, &[authority(&[&house.root])], &[NOON]).map(drop);
        (
            alone,
            Authority::load(
                String::new(),
                &[sent[0].clone(), house.root.der.clone()],
                ALWAYS,
            )
            .map(|authority| verify(&leaf, &[], &[authority], &[NOON]).map(drop)),
        )
    };
    for usages in [vec![], vec![ExtendedKeyUsagePurpose::Any]] {
        let (sent, trusted) = judge(&|params| params.extended_key_usages.clone_from(&usages));
        assert_eq!((sent, trusted), (Ok(()), Ok(Ok(()))), "{usages:?}");
    }
    let server = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let (sent, trusted) = judge(&|params| params.extended_key_usages.clone_from(&server));
    assert_eq!(sent, Err(CertificateError::IssuerUsage));
    assert_eq!(trusted, Ok(Err(CertificateError::IssuerUsage)));
    let (sent, _) = judge(&|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    assert_eq!(sent, Err(CertificateError::IssuerUsage));
    // A signing certificate that signs another certificate.
    let house = House::new();
    let holder = house.leaf(&|_| {});
    let forged = made(leaf(), &|_| {}, Some(&holder));
    let said = verify(
        &forged,
        std::slice::from_ref(&holder.der),
        &[house.authority()],
        &[NOON],
    )
    .map(drop);
    assert!(said.is_err(), "{said:?}");
}

#[test]
fn chains_are_as_long_as_allowed() {
    let judge = |root: BasicConstraints, intermediate: BasicConstraints, trusted: bool| {
        let house = House::with(&|params| params.is_ca = IsCa::Ca(root), &|params| {
            params.is_ca = IsCa::Ca(intermediate)
        });
        let below = made(
            ca("below", BasicConstraints::Constrained(0)),
            &|_| {},
            Some(&house.intermediate),
        );
        let leaf = made(leaf(), &|_| {}, Some(&below));
        let mut sent = vec![below.der];
        let authority = if trusted {
            house.authority()
        } else {
            sent.push(house.intermediate.der.clone());
            authority(&[&house.root])
        };
        verify(&leaf, &sent, &[authority], &[NOON]).map(drop)
    };
    let (free, none, one) = (
        BasicConstraints::Unconstrained,
        BasicConstraints::Constrained(0),
        BasicConstraints::Constrained(1),
    );
    for trusted in [true, false] {
        assert_eq!(judge(free, one, trusted), Ok(()));
        assert_eq!(
            judge(free, none, trusted),
            Err(CertificateError::PathLength),
            "{trusted}"
        );
        assert_eq!(
            judge(one, one, trusted),
            Err(CertificateError::PathLength),
            "{trusted}"
        );
    }
}

#[test]
fn names_are_constrained_from_above() {
    let permit = |domain: &'static str| {
        move |params: &mut CertificateParams| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName(domain.to_owned())],
                excluded_subtrees: vec![],
            });
        }
    };
    let named = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![SanType::DnsName("ci.good.example".try_into().unwrap())];
    };
    for (domain, expected) in [
        ("good.example", Ok(())),
        ("evil.example", Err(CertificateError::NameConstraint)),
    ] {
        let above = House::with(&permit(domain), &|_| {});
        let between = House::with(&|_| {}, &permit(domain));
        for house in [above, between] {
            assert_eq!(
                house.judge(&house.leaf(&named)).map(drop),
                expected,
                "{domain}"
            );
        }
    }
}
