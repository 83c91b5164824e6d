//! Bundles that sigstore-python and sigstore-js made with our services verify here, and nothing
//! else does: `README.md` says how they came about.

use countersign_artifact::Digest;
use countersign_trust::{Artifact, Content, Evidence, Material, TrustRoot, Verifier, VerifyError};
use serde_json::Value;

const ROOT: &[u8] = include_bytes!("trusted_root.json");
const ARTIFACT: &[u8] = b"an artifact\n";
const BUNDLES: [(&str, &[u8]); 5] = [
    (
        "hashedrekord",
        include_bytes!("sigstore-python-message.json"),
    ),
    ("dsse", include_bytes!("sigstore-python-dsse.json")),
    ("hashedrekord", include_bytes!("sigstore-js-message.json")),
    ("dsse", include_bytes!("sigstore-js-dsse.json")),
    ("intoto", include_bytes!("sigstore-js-intoto.json")),
];

fn verify(bundle: &[u8], root: &[u8], artifact: &[u8]) -> Result<Evidence, VerifyError> {
    let root = TrustRoot::parse(root).unwrap();
    let material = Material::parse_bundle(bundle).unwrap_or_else(Material::unreadable);
    let artifact = Artifact::Digest(Digest::sha256_of(artifact));
    Verifier::of_certificates(&root).verify(&material, &artifact)
}

#[test]
fn bundles_of_other_clients_verify() {
    for (kind, bundle) in BUNDLES {
        let evidence = verify(bundle, ROOT, ARTIFACT).unwrap();
        let certificate = evidence.certificate().unwrap();
        assert_eq!(certificate.subjects(), ["alice@example.com"]);
        assert_eq!(evidence.entries().len(), 1);
        assert_eq!(evidence.entries()[0].kind().name(), kind);
        // The log's time and the timestamp authority's.
        assert_eq!(evidence.times().len(), 2);
        match evidence.content() {
            Content::Message(digest) => assert_eq!(*digest, Digest::sha256_of(ARTIFACT)),
            Content::Statement(statement) => {
                assert_eq!(statement.predicate_type(), "https://example.com/predicate");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn bundles_of_other_clients_are_bound_to_all_they_say() {
    let mut other_root: Value = serde_json::from_slice(ROOT).unwrap();
    other_root["tlogs"] = serde_json::json!([]);
    let other_root = other_root.to_string();
    for (_, bundle) in BUNDLES {
        verify(bundle, ROOT, b"another artifact\n").unwrap_err();
        let whole: Value = serde_json::from_slice(bundle).unwrap();
        let mut broken = 0;
        for pointer in [
            "/verificationMaterial/certificate/rawBytes",
            "/verificationMaterial/x509CertificateChain/certificates/0/rawBytes",
            "/verificationMaterial/tlogEntries/0/canonicalizedBody",
            "/verificationMaterial/tlogEntries/0/inclusionPromise/signedEntryTimestamp",
            "/verificationMaterial/tlogEntries/0/inclusionProof/rootHash",
            "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
            "/messageSignature/signature",
            "/dsseEnvelope/payload",
            "/dsseEnvelope/signatures/0/sig",
        ] {
            let mut spoilt = whole.clone();
            let Some(place) = spoilt.pointer_mut(pointer) else {
                continue;
            };
            *place = flipped(place.as_str().unwrap()).into();
            let result = verify(spoilt.to_string().as_bytes(), ROOT, ARTIFACT);
            assert!(result.is_err(), "{pointer}");
            broken += 1;
        }
        assert!(broken >= 6, "{broken}");
        // An entry of a log that nobody knows is no fact; the timestamp still is.
        let evidence = verify(bundle, other_root.as_bytes(), ARTIFACT).unwrap();
        assert_eq!((evidence.entries().len(), evidence.times().len()), (0, 1));
    }
}

/// Base64 of the same bytes with one bit of the last changed.
fn flipped(text: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut bytes = STANDARD.decode(text).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    STANDARD.encode(bytes)
}
