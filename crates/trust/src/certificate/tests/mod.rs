//! Good certificates and, for each rule, one that breaks it.

mod chains;
mod scts;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
    date_time_ymd,
};

use super::chain::{self, VerifiedSigner};
use super::{CertificateError, CertificateIdentity};
use crate::trust_root::{Authority, Validity};

/// A certificate with its key and the parameters it was made of.
struct Made {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

/// An authority with an intermediate, as Fulcio has it.
struct House {
    root: Made,
    intermediate: Made,
}

type Change<'a> = &'a dyn Fn(&mut CertificateParams);

impl House {
    fn new() -> Self {
        Self::with(&|_| {}, &|_| {})
    }

    fn with(change_root: Change<'_>, change_intermediate: Change<'_>) -> Self {
        let root = made(
            ca("root", BasicConstraints::Unconstrained),
            change_root,
            None,
        );
        let intermediate = made(
            ca("intermediate", BasicConstraints::Constrained(0)),
            &|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
                change_intermediate(params);
            },
            Some(&root),
        );
        Self { root, intermediate }
    }

    fn leaf(&self, change: Change<'_>) -> Made {
        made(leaf(), change, Some(&self.intermediate))
    }

    /// The authority as a trust root has it, the intermediate included.
    fn authority(&self) -> Authority {
        authority(&[&self.intermediate, &self.root])
    }

    fn judge(&self, leaf: &Made) -> Result<CertificateIdentity, CertificateError> {
        self.judge_at(leaf, &[NOON])
    }

    fn judge_at(
        &self,
        leaf: &Made,
        times: &[&str],
    ) -> Result<CertificateIdentity, CertificateError> {
        verify(leaf, &[], &[self.authority()], times).map(VerifiedSigner::into_identity)
    }
}

fn verify(
    leaf: &Made,
    sent: &[Vec<u8>],
    authorities: &[Authority],
    times: &[&str],
) -> Result<VerifiedSigner, CertificateError> {
    let times: Vec<Timestamp> = times.iter().map(|at| time(at)).collect();
    chain::verify(&leaf.der, sent, authorities, &times)
}

fn authority(chain: &[&Made]) -> Authority {
    let chain: Vec<Vec<u8>> = chain.iter().map(|made| made.der.clone()).collect();
    Authority::load("https://ca.example".to_owned(), &chain, ALWAYS).unwrap()
}

fn ca(common_name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    name(&mut params, common_name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2036, 1, 1);
    params
}

fn leaf() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(&[7; 20]));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    params.not_before = date_time_ymd(2026, 6, 1);
    params.not_after = date_time_ymd(2026, 6, 2);
    params.subject_alt_names = vec![SanType::URI(
        "https://example.com/workflow".try_into().unwrap(),
    )];
    fulcio(&mut params, 8, b"\x0c\x16https://issuer.example");
    fulcio(&mut params, 20, b"\x0c\x04push");
    params
}

fn fulcio(params: &mut CertificateParams, number: u64, content: &[u8]) {
    let arcs = [1, 3, 6, 1, 4, 1, 57264, 1, number];
    params
        .custom_extensions
        .push(CustomExtension::from_oid_content(&arcs, content.to_vec()));
}

fn name(params: &mut CertificateParams, common_name: &str) {
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
}

fn made(mut params: CertificateParams, change: Change<'_>, issuer: Option<&Made>) -> Made {
    change(&mut params);
    issue(params, KeyPair::generate().unwrap(), issuer)
}

fn issue(params: CertificateParams, key: KeyPair, issuer: Option<&Made>) -> Made {
    let certificate = match issuer {
        Some(issuer) => params
            .signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key))
            .unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    let der = certificate.der().to_vec();
    Made { params, key, der }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOON: &str = "2026-06-01T12:00:00Z";
const ALWAYS: Validity = Validity {
    start: None,
    end: None,
};
