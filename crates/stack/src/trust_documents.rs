//! What clients need to believe this instance: trusted root, signing config, and both in one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certificate::ORGANIZATION;
use crate::endpoints::Endpoints;
use crate::service_keys::{Authority, ServiceKeys};
use crate::signing_key::EcdsaKey;

/// The three documents of a running stack.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrustDocuments {
    pub(crate) trusted_root: Vec<u8>,
    pub(crate) signing_config: Vec<u8>,
    pub(crate) trust_config: Vec<u8>,
}

impl TrustDocuments {
    pub(crate) fn new(keys: &ServiceKeys, endpoints: &Endpoints) -> TrustDocuments {
        let start = keys.facts.created.to_string();
        let root = trusted_root(keys, endpoints, &start);
        let config = signing_config(endpoints, &start);
        let both = json!({
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": root,
            "signingConfig": config,
        });
        let pretty = |value: &Value| {
            let mut text = serde_json::to_vec_pretty(value).expect("a JSON value serialises");
            text.push(b'\n');
            text
        };
        TrustDocuments {
            trusted_root: pretty(&root),
            signing_config: pretty(&config),
            trust_config: pretty(&both),
        }
    }
}

fn trusted_root(keys: &ServiceKeys, endpoints: &Endpoints, start: &str) -> Value {
    let log = |url: &str, key: &EcdsaKey| {
        json!({
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(key.public_der()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": start},
            },
            "logId": {"keyId": STANDARD.encode(key.id())},
        })
    };
    let authority = |uri: &str, authority: &Authority| {
        let certificates: Vec<Value> = authority
            .chain
            .iter()
            .map(|der| json!({"rawBytes": STANDARD.encode(der)}))
            .collect();
        json!({
            "subject": {
                "organization": ORGANIZATION,
                "commonName": common_name(authority),
            },
            "uri": uri,
            "certChain": {"certificates": certificates},
            "validFor": {"start": start},
        })
    };
    json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [log(&endpoints.rekor, &keys.transparency_log)],
        "certificateAuthorities": [authority(&endpoints.fulcio, &keys.certificate_authority)],
        "ctlogs": [log(&endpoints.ct, &keys.certificate_transparency)],
        "timestampAuthorities": [authority(&endpoints.tsa, &keys.timestamp_authority)],
    })
}

fn signing_config(endpoints: &Endpoints, start: &str) -> Value {
    let service = |url: &str| {
        json!([{
            "url": url,
            "majorApiVersion": 1,
            "validFor": {"start": start},
            "operator": OPERATOR,
        }])
    };
    json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service(&endpoints.fulcio),
        "oidcUrls": service(&endpoints.issuer),
        "rekorTlogUrls": service(&endpoints.rekor),
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaUrls": service(&endpoints.tsa),
        "tsaConfig": {"selector": "ANY"},
    })
}

/// The common name in an authority's own certificate.
fn common_name(authority: &Authority) -> String {
    let subject = &authority.certificate.tbs_certificate.subject;
    let attributes = subject.0.iter().flat_map(|set| set.0.iter());
    attributes
        .filter(|attribute| attribute.oid == const_oid::db::rfc4519::CN)
        .find_map(|attribute| std::str::from_utf8(attribute.value.value()).ok())
        .unwrap_or_default()
        .to_owned()
}

/// One operator runs all of these services, so no client counts them as independent.
const OPERATOR: &str = "countersign";
