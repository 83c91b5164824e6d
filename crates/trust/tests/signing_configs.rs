//! Which services a signing config chooses.

use countersign_trust::signing_config::ServiceKind;
use countersign_trust::{SigningConfig, SigningConfigError, Timestamp};

use crate::layout::file;

#[test]
fn configs_that_cosign_wrote() {
    let read =
        |name: &str| SigningConfig::parse(&file(&format!("keyless/trust/{name}.json"))).unwrap();
    let logs = |config: &SigningConfig| urls(config.transparency_logs(now()).unwrap());
    let authorities = |config: &SigningConfig| urls(config.timestamp_authorities(now()).unwrap());
    let config = read("signing_config");
    assert_eq!(
        config.certificate_authority(now()).unwrap().url(),
        "http://127.0.0.1:8108"
    );
    assert_eq!(
        config.oidc_provider(now()).unwrap().url(),
        "http://127.0.0.1:8100/email"
    );
    assert_eq!(config.transparency_logs(now()).unwrap()[0].api_version(), 1);
    assert_eq!(
        authorities(&config),
        ["http://127.0.0.1:8101/api/v1/timestamp"]
    );
    assert_eq!(
        read("signing_config_rekor_v2")
            .transparency_logs(now())
            .unwrap()[0]
            .api_version(),
        2
    );
    assert!(logs(&read("signing_config_no_log")).is_empty());
    assert!(authorities(&read("signing_config_no_tsa")).is_empty());
    let none = read("signing_config_none");
    assert!(logs(&none).is_empty() && authorities(&none).is_empty());
    let early: Timestamp = "2023-12-31T23:59:59Z".parse().unwrap();
    let what = ServiceKind::CertificateAuthority;
    let said = config.certificate_authority(early).map(|_| ());
    assert_eq!(said, Err(SigningConfigError::NoneInUse { what, at: early }));
}

#[test]
fn the_highest_version_and_the_newest_of_each_operator() {
    let config = config(
        r#"[
        {"url":"https://old.a","majorApiVersion":2,"validFor":{"start":"2024-01-01T00:00:00Z"},"operator":"a"},
        {"url":"https://new.a","majorApiVersion":2,"validFor":{"start":"2025-01-01T00:00:00Z"},"operator":"a"},
        {"url":"https://next.a","majorApiVersion":2,"validFor":{"start":"2027-01-01T00:00:00Z"},"operator":"a"},
        {"url":"https://b","majorApiVersion":2,"validFor":{"start":"2024-06-01T00:00:00Z","end":"2026-06-01T00:00:00Z"},"operator":"b"},
        {"url":"https://one.c","majorApiVersion":1,"operator":"c"},
        {"url":"https://three.c","majorApiVersion":3,"operator":"c"}]"#,
        r#"{"selector":"ALL"}"#,
    );
    let at = |time: &str| urls(config.transparency_logs(time.parse().unwrap()).unwrap());
    assert_eq!(at("2026-01-01T00:00:00Z"), ["https://new.a", "https://b"]);
    assert_eq!(
        at("2026-06-01T00:00:00Z"),
        ["https://new.a", "https://b"],
        "the end belongs to it"
    );
    assert_eq!(at("2026-06-01T00:00:01Z"), ["https://new.a"]);
    assert_eq!(at("2027-01-01T00:00:00Z"), ["https://next.a"]);
    assert_eq!(at("2023-01-01T00:00:00Z"), ["https://one.c"]);
}

#[test]
fn selectors() {
    let two = r#"[{"url":"https://a","majorApiVersion":1,"operator":"a"},
        {"url":"https://b","majorApiVersion":1,"operator":"b"}]"#;
    let ask = |selector: &str| {
        config(two, selector)
            .transparency_logs(now())
            .map(|found| found.len())
    };
    let what = ServiceKind::TransparencyLog;
    assert_eq!(ask(r#"{"selector":"ANY"}"#), Ok(1));
    assert_eq!(ask(r#"{"selector":"ALL"}"#), Ok(2));
    assert_eq!(ask(r#"{"selector":"EXACT","count":2}"#), Ok(2));
    let too_few = SigningConfigError::TooFew {
        what,
        wanted: 3,
        found: 2,
    };
    assert_eq!(ask(r#"{"selector":"EXACT","count":3}"#), Err(too_few));
    for open in [
        "{}",
        r#"{"selector":"EXACT"}"#,
        r#"{"selector":"SOME"}"#,
        r#"{"selector":"SERVICE_SELECTOR_UNDEFINED"}"#,
    ] {
        assert_eq!(
            ask(open),
            Err(SigningConfigError::NoSelector { what }),
            "{open}"
        );
    }
}

#[test]
fn what_is_no_signing_config() {
    let parse = |json: &str| SigningConfig::parse(json.as_bytes()).map(drop);
    assert!(matches!(parse("{"), Err(SigningConfigError::Syntax { .. })));
    assert!(matches!(
        parse("[]"),
        Err(SigningConfigError::Syntax { .. })
    ));
    let old = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.1+json"}"#;
    assert!(matches!(
        parse(old),
        Err(SigningConfigError::MediaType { .. })
    ));
    let address =
        format!(r#"{{"mediaType":"{MEDIA_TYPE}","caUrls":[{{"url":"file:///etc/passwd"}}]}}"#);
    assert!(matches!(
        parse(&address),
        Err(SigningConfigError::Address { .. })
    ));
    let large = " ".repeat((1 << 20) + 1);
    assert!(matches!(
        parse(&large),
        Err(SigningConfigError::TooLarge { .. })
    ));
}

fn config(logs: &str, selector: &str) -> SigningConfig {
    let json = format!(
        r#"{{"mediaType":"{MEDIA_TYPE}","rekorTlogUrls":{logs},"rekorTlogConfig":{selector}}}"#
    );
    SigningConfig::parse(json.as_bytes()).unwrap()
}

fn urls(services: Vec<&countersign_trust::signing_config::Service>) -> Vec<String> {
    services
        .into_iter()
        .map(|service| service.url().to_owned())
        .collect()
}

fn now() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
