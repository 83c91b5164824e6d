use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_stack::token::GithubWorkflow;
use der::{Decode as _, Encode as _};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use x509_cert::Certificate;

use super::signer::Signer;
use super::{Running, refused, start};

const PATH: &str = "/api/v2/signingCert";

async fn issue(running: &Running, body: &Value) -> Vec<Certificate> {
    let response = running.post(PATH, body).await;
    assert_eq!(response.status(), StatusCode::OK);
    let answer: Value = response.json().await.unwrap();
    let chain = &answer["signedCertificateEmbeddedSct"]["chain"]["certificates"];
    let pems = chain.as_array().unwrap().iter();
    pems.map(|pem| {
        let block = pem::parse(pem.as_str().unwrap()).unwrap();
        Certificate::from_der(block.contents()).unwrap()
    })
    .collect()
}

/// Value and criticality of the extension with this identifier.
fn extension(certificate: &Certificate, oid: &str) -> Option<(Vec<u8>, bool)> {
    let oid = const_oid::ObjectIdentifier::new_unwrap(oid);
    let extensions = certificate.tbs_certificate.extensions.as_ref().unwrap();
    let found = extensions
        .iter()
        .find(|extension| extension.extn_id == oid)?;
    Some((found.extn_value.as_bytes().to_vec(), found.critical))
}

fn utf8(text: &str) -> Vec<u8> {
    der::asn1::Utf8StringRef::new(text)
        .unwrap()
        .to_der()
        .unwrap()
}

#[tokio::test]
async fn a_person_gets_a_ten_minute_certificate() {
    let running = start().await;
    let (signer, email) = (Signer::p256(), "ada@example.com");
    let token = running.issuer().email(email).unwrap();
    let chain = issue(&running, &signer.certificate_request(&token, email)).await;
    assert_eq!(chain.len(), 3);
    let tbs = &chain[0].tbs_certificate;
    let validity = tbs.validity;
    let lifetime = validity.not_after.to_unix_duration() - validity.not_before.to_unix_duration();
    assert_eq!(lifetime.as_secs(), 600);
    assert!(tbs.subject.is_empty());
    assert_eq!(tbs.issuer, chain[1].tbs_certificate.subject);
    assert_eq!(
        tbs.subject_public_key_info.to_der().unwrap(),
        signer.public_der()
    );

    let (name, critical) = extension(&chain[0], "2.5.29.17").unwrap();
    assert!(critical && name.ends_with(email.as_bytes()));
    let (usage, critical) = extension(&chain[0], "2.5.29.15").unwrap();
    assert_eq!((usage.as_slice(), critical), (&[3, 2, 7, 0x80][..], true));
    let (purpose, critical) = extension(&chain[0], "2.5.29.37").unwrap();
    assert_eq!(hex::encode(purpose), "300a06082b06010505070303");
    assert!(!critical);
    let (key_of_issuer, _) = extension(&chain[1], "2.5.29.14").unwrap();
    let (authority, _) = extension(&chain[0], "2.5.29.35").unwrap();
    assert!(authority.ends_with(&key_of_issuer[2..]));

    let issuer = running.stack.endpoints().issuer.as_str();
    let value = |number| extension(&chain[0], &format!("1.3.6.1.4.1.57264.1.{number}"));
    assert_eq!(value(1), Some((issuer.as_bytes().to_vec(), false)));
    assert_eq!(value(8), Some((utf8(issuer), false)));
    assert_eq!(value(24), Some((utf8(email), false)));
    assert_eq!(value(2), None);
}

#[tokio::test]
async fn a_workflow_gets_every_claim_of_its_run() {
    let running = start().await;
    let mut workflow =
        GithubWorkflow::parse("octo/app/.github/workflows/release.yml@refs/tags/v1").unwrap();
    workflow.environment = Some("production".into());
    let issuer = running.issuer();
    let token = issuer.github_workflow(&workflow).unwrap();
    let subject = "repo:octo/app:environment:production";
    let signer = Signer::p384();
    let chain = issue(&running, &signer.certificate_request(&token, subject)).await;

    let leaf = &chain[0];
    let identity = "https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1";
    assert_eq!(workflow.identity(), identity);
    assert!(
        extension(leaf, "2.5.29.17")
            .unwrap()
            .0
            .ends_with(identity.as_bytes())
    );
    let expected: [(u8, &str); 23] = [
        (1, issuer.url()),
        (2, "push"),
        (3, &workflow.sha),
        (4, "Release"),
        (5, "octo/app"),
        (6, "refs/tags/v1"),
        (8, issuer.url()),
        (9, identity),
        (10, &workflow.sha),
        (11, "github-hosted"),
        (12, "https://github.com/octo/app"),
        (13, &workflow.sha),
        (14, "refs/tags/v1"),
        (15, "740011"),
        (16, "https://github.com/octo"),
        (17, "65001"),
        (18, identity),
        (19, &workflow.sha),
        (20, "push"),
        (
            21,
            "https://github.com/octo/app/actions/runs/1658821493/attempts/1",
        ),
        (22, "public"),
        (23, "production"),
        (24, subject),
    ];
    for (number, text) in expected {
        let (value, critical) = extension(leaf, &format!("1.3.6.1.4.1.57264.1.{number}")).unwrap();
        // Up to 6 the bare text, from 8 on a UTF8String.
        let encoded = if number <= 6 {
            text.as_bytes().to_vec()
        } else {
            utf8(text)
        };
        assert_eq!((value, critical), (encoded, false), "extension {number}");
    }
}

#[tokio::test]
async fn the_other_ways_to_ask_work_too() {
    let running = start().await;
    let (signer, email) = (Signer::p256(), "ada@example.com");
    let token = running.issuer().email(email).unwrap();

    // A certificate request, token in the header.
    let body = json!({"certificateSigningRequest": STANDARD.encode(signer.csr_pem())});
    let request = running.client.post(running.url(PATH)).bearer_auth(&token);
    let response = request.json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    // The legacy API that cosign 2 uses.
    let body = json!({
        "publicKey": {"content": STANDARD.encode(signer.public_der()), "algorithm": "ecdsa"},
        "signedEmailAddress": STANDARD.encode(signer.sign(email.as_bytes())),
    });
    let request = running.client.post(running.url("/api/v1/signingCert"));
    let response = request
        .bearer_auth(&token)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(
        response.headers()["content-type"],
        "application/pem-certificate-chain"
    );
    let issued = pem::parse_many(response.text().await.unwrap()).unwrap();
    assert_eq!(issued.len(), 3);

    // What everybody may know.
    let roots = running.get("/api/v1/rootCert").await.text().await.unwrap();
    assert_eq!(pem::parse_many(&roots).unwrap(), issued[1..]);
    let bundle = running.get_json("/api/v2/trustBundle").await;
    assert_eq!(
        bundle["chains"][0]["certificates"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let configuration = running.get_json("/api/v2/configuration").await;
    let issuer = &running.stack.endpoints().issuer;
    assert_eq!(configuration["issuers"][0]["issuerUrl"], issuer.as_str());
}

/// Changes good claims into bad ones.
type Change = fn(&mut Map<String, Value>);

#[tokio::test]
async fn claims_that_are_not_right_are_refused() {
    let running = start().await;
    let issuer = running.issuer();
    let signer = Signer::p256();
    let cases: [(&str, Change); 12] = [
        ("audience", |c| drop(c.insert("aud".into(), "other".into()))),
        ("audience", |c| drop(c.remove("aud"))),
        ("expired", |c| drop(c.insert("exp".into(), 1_000.into()))),
        ("claim \"exp\"", |c| drop(c.remove("exp"))),
        ("not valid yet", |c| {
            drop(c.insert("nbf".into(), 99_999_999_999_i64.into()))
        }),
        ("issuer", |c| {
            drop(c.insert("iss".into(), "https://accounts.google.com".into()))
        }),
        ("issuer", |c| {
            let iss = format!("{}/", c["iss"].as_str().unwrap());
            c.insert("iss".into(), iss.into());
        }),
        ("not verified", |c| {
            drop(c.insert("email_verified".into(), false.into()))
        }),
        ("cannot stand", |c| {
            drop(c.insert("email".into(), "a@b@example.com".into()))
        }),
        ("neither a person", |c| drop(c.remove("email"))),
        ("at once", |c| {
            drop(c.insert("job_workflow_ref".into(), "o/r/f@refs/x".into()))
        }),
        ("claim \"sub\"", |c| drop(c.remove("sub"))),
    ];
    for (expected, change) in cases {
        let mut claims = issuer.standard_claims(60).unwrap();
        let email = "ada@example.com";
        claims.extend(
            [
                ("sub", json!(email)),
                ("email", json!(email)),
                ("email_verified", json!(true)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        change(&mut claims);
        let token = issuer.sign(&claims).unwrap();
        let response = running
            .post(PATH, &signer.certificate_request(&token, email))
            .await;
        let message = refused(response, StatusCode::BAD_REQUEST).await;
        assert!(
            message.starts_with("There was an error processing the identity token"),
            "{message}"
        );
        assert!(message.contains(expected), "{message} lacks {expected}");
    }
}

#[tokio::test]
async fn a_workflow_without_one_of_its_claims_is_refused() {
    let running = start().await;
    let issuer = running.issuer();
    let token = issuer
        .github_workflow(&GithubWorkflow::new("octo/app"))
        .unwrap();
    let good: Map<String, Value> = serde_json::from_slice(
        &URL_SAFE_NO_PAD
            .decode(token.split('.').nth(1).unwrap())
            .unwrap(),
    )
    .unwrap();
    let signer = Signer::p256();
    for name in [
        "event_name",
        "sha",
        "workflow",
        "repository",
        "ref",
        "job_workflow_sha",
        "runner_environment",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
        "workflow_ref",
        "workflow_sha",
        "run_id",
        "run_attempt",
        "repository_visibility",
        "sub",
    ] {
        let mut claims = good.clone();
        claims.remove(name);
        let token = issuer.sign(&claims).unwrap();
        let body = signer.certificate_request(&token, "repo:octo/app:ref:refs/heads/main");
        let message = refused(running.post(PATH, &body).await, StatusCode::BAD_REQUEST).await;
        assert!(message.contains(&format!("claim {name:?}")), "{message}");
    }
    // A line break in a claim would let one identity look like another.
    let mut claims = good;
    claims.insert(
        "job_workflow_ref".into(),
        "octo/app/x\n@refs/heads/main".into(),
    );
    let body = signer.certificate_request(&issuer.sign(&claims).unwrap(), "x");
    let message = refused(running.post(PATH, &body).await, StatusCode::BAD_REQUEST).await;
    assert!(message.contains("cannot stand"), "{message}");
}

#[tokio::test]
async fn tokens_with_another_signature_are_refused() {
    let running = start().await;
    let email = "ada@example.com";
    let good = running.issuer().email(email).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let header = |alg: &str| URL_SAFE_NO_PAD.encode(json!({"alg": alg, "typ": "JWT"}).to_string());
    // The classic confusion: the public key, which everyone has, as an HMAC secret.
    let keys = running.get_json("/oidc/keys").await;
    let modulus = URL_SAFE_NO_PAD
        .decode(keys["keys"][0]["n"].as_str().unwrap())
        .unwrap();
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &modulus);
    let hs256 = format!("{}.{}", header("HS256"), parts[1]);
    let tag = aws_lc_rs::hmac::sign(&secret, hs256.as_bytes());
    let other = super::start().await;
    let stranger = other.issuer();
    let mut claims: Map<String, Value> =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let foreign = stranger.sign(&claims).unwrap();
    let no_key_id = format!("{}.{}", header("RS256"), foreign.split_once('.').unwrap().1);
    claims.insert("email".into(), "eve@example.com".into());
    let swapped = URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());

    for (expected, token) in [
        ("algorithm", format!("{}.{}.", header("none"), parts[1])),
        (
            "algorithm",
            format!("{}.{}.{}", header("none"), parts[1], parts[2]),
        ),
        (
            "algorithm",
            format!("{hs256}.{}", URL_SAFE_NO_PAD.encode(tag)),
        ),
        ("key", foreign),
        ("signature does not verify", no_key_id),
        (
            "signature does not verify",
            format!("{}.{swapped}.{}", parts[0], parts[2]),
        ),
        ("three parts", parts[..2].join(".")),
        ("three parts", format!("{good}.x")),
        ("three parts", ".".repeat(10_000)),
        ("longer", ".".repeat(1_000_000)),
        ("base64url", "a.b.c".to_owned()),
        ("base64url", String::from("..")),
    ] {
        let body = Signer::p256().certificate_request(&token, email);
        let message = refused(running.post(PATH, &body).await, StatusCode::BAD_REQUEST).await;
        assert!(message.contains(expected), "{message} lacks {expected}");
        assert!(
            token.len() < 20 || !message.contains(&token),
            "a token is in the message"
        );
    }
}

#[tokio::test]
async fn keys_that_are_not_proven_or_not_sound_are_refused() {
    let running = start().await;
    let email = "ada@example.com";
    let token = running.issuer().email(email).unwrap();
    let signer = Signer::p256();
    let not_verified = "The signature supplied in the request could not be verified";
    let unreadable = "The public key supplied in the request could not be parsed";

    let of_another = signer.certificate_request(&token, "eve@example.com");
    let mut other_key = signer.certificate_request(&token, email);
    other_key["publicKeyRequest"]["publicKey"]["content"] = Signer::p256().public_pem().into();
    let with_key = |content: &str| {
        let mut body = signer.certificate_request(&token, email);
        body["publicKeyRequest"]["publicKey"]["content"] = content.into();
        body
    };
    let mut both = signer.certificate_request(&token, email);
    both["certificateSigningRequest"] = STANDARD.encode(signer.csr_pem()).into();
    let mut without_token = signer.certificate_request(&token, email);
    without_token["credentials"] = json!({});

    // A request that names a key, signed by another one.
    let honest = pem::parse(signer.csr_pem()).unwrap().into_contents();
    let position = honest.len() - 8;
    let mut forged = honest;
    forged[position] ^= 1;
    let csr = |der: &[u8]| {
        let csr = STANDARD.encode(super::signer::pem("CERTIFICATE REQUEST", der));
        json!({"credentials": {"oidcIdentityToken": token}, "certificateSigningRequest": csr})
    };
    // secp256k1: a curve, but not one of ours. RSA of 1024 bits.
    let k256 = "3056301006072a8648ce3d020106052b8104000a034200\
                0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
                483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
    let k256 = super::signer::pem("PUBLIC KEY", &hex::decode(k256).unwrap());
    let off_curve = {
        let mut der = signer.public_der();
        let last = der.len() - 1;
        der[last] ^= 1;
        super::signer::pem("PUBLIC KEY", &der)
    };
    for (expected, body) in [
        (not_verified, of_another),
        (not_verified, other_key),
        (not_verified, csr(&forged)),
        (
            "The certificate signing request could not be parsed",
            csr(b"junk"),
        ),
        (unreadable, with_key("junk")),
        ("signing algorithm not permitted", with_key(&k256)),
        (
            "The public key supplied in the request is insecure",
            with_key(&off_curve),
        ),
        (
            "The public key supplied in the request is insecure",
            with_key(&rsa_key(128, 65_537)),
        ),
        (
            "The public key supplied in the request is insecure",
            with_key(&rsa_key(256, 3)),
        ),
        ("exactly one of", both),
        ("no JSON", json!([])),
        ("identity token: there is none", without_token),
    ] {
        let message = refused(running.post(PATH, &body).await, StatusCode::BAD_REQUEST).await;
        assert!(message.contains(expected), "{message} lacks {expected}");
    }
}

/// An RSA public key with an odd modulus of this many bytes.
fn rsa_key(length: usize, exponent: u32) -> String {
    use der::asn1::{Any, BitString, UintRef};
    #[derive(der::Sequence)]
    struct Key<'a> {
        modulus: UintRef<'a>,
        exponent: u32,
    }
    let mut modulus = vec![0xff; length];
    modulus[1] = 0x13;
    let key = Key {
        modulus: UintRef::new(&modulus).unwrap(),
        exponent,
    };
    let spki = x509_cert::spki::SubjectPublicKeyInfoOwned {
        algorithm: x509_cert::spki::AlgorithmIdentifierOwned {
            oid: const_oid::db::rfc5912::RSA_ENCRYPTION,
            parameters: Some(Any::null()),
        },
        subject_public_key: BitString::from_bytes(&key.to_der().unwrap()).unwrap(),
    };
    super::signer::pem("PUBLIC KEY", &spki.to_der().unwrap())
}

#[tokio::test]
async fn a_body_past_the_cap_is_refused() {
    let running = start().await;
    let request = running
        .client
        .post(running.url(PATH))
        .body(vec![b' '; (4 << 20) + 1]);
    let status = request.send().await.unwrap().status();
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
