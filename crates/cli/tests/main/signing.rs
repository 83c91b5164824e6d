//! `sign`, `attest`, `verify`, `verify-attestation`, `audit` against the embedded services.

use std::fs;

use crate::harness::{Run, Services, run_with, small_image, write};

const PASSWORD: (&str, &str) = ("COSIGN_PASSWORD", "a secret");
const IDENTITY: &str =
    "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v1.0.0";

/// Services, and a small image pushed there.
struct Shop {
    services: Services,
    image: String,
}

impl Shop {
    fn open() -> Self {
        let services = Services::start();
        let image = services.image("shop/cart:1.0");
        push(&services, &image, "cart");
        Self { services, image }
    }

    fn sign_keyless(&self, image: &str) -> Run {
        let token = self.services.token();
        self.services.run(&[
            "sign",
            "--yes",
            "--signing-config",
            "sigstore/signing_config.json",
            "--trusted-root",
            "sigstore/trusted_root.json",
            "--identity-token",
            &token,
            image,
        ])
    }

    fn verify(&self, image: &str, identity: &str, issuer: &str) -> Run {
        self.services.run(&[
            "verify",
            "--trusted-root",
            "sigstore/trusted_root.json",
            "--certificate-identity",
            identity,
            "--certificate-oidc-issuer",
            issuer,
            image,
        ])
    }
}

fn push(services: &Services, image: &str, content: &str) {
    let layout = small_image(services.path(), &format!("layout-{content}"), content);
    let layout = layout.display().to_string();
    services
        .run(&["debug", "push-image", "--layout", &layout, image])
        .exits(0);
}

#[test]
fn keyless_signatures_verify_by_identity_and_by_nothing_else() {
    let shop = Shop::open();
    let issuer = shop.services.fact("issuer");
    shop.verify(&shop.image, IDENTITY, &issuer)
        .exits(1)
        .says(&["error[S0201]"]);

    shop.sign_keyless(&shop.image).exits(0);
    let verified = shop.verify(&shop.image, IDENTITY, &issuer).exits(0);
    let claims = verified.json();
    assert_eq!(
        claims[0]["critical"]["type"],
        "https://sigstore.dev/cosign/sign/v1"
    );
    verified.says(&["The cosign claims were validated"]);

    shop.verify(&shop.image, "https://github.com/mallory/x", &issuer)
        .exits(1)
        .says(&[
            "error[S0202]",
            "expected SAN value \"https://github.com/mallory/x\", got",
        ]);
    shop.verify(&shop.image, IDENTITY, "https://issuer.example")
        .exits(1)
        .says(&[
            "error[S0202]",
            "expected issuer value \"https://issuer.example\", got",
        ]);
}

#[test]
fn a_key_signs_with_and_without_the_log() {
    let shop = Shop::open();
    let folder = shop.services.path();
    run_with(folder, &[PASSWORD], b"", &["generate-key-pair"]).exits(0);
    let sign = |more: &[&str]| {
        let mut words = vec!["sign", "--yes", "--key", "cosign.key"];
        words.extend(more);
        words.push(&shop.image);
        run_with(folder, &[PASSWORD], b"", &words)
    };
    sign(&["--use-signing-config=false", "--tlog-upload=false"]).exits(0);
    let verify = |more: &[&str]| {
        let mut words = vec!["verify", "--key", "cosign.pub"];
        words.extend(more);
        words.push(&shop.image);
        run_with(folder, &[], b"", &words)
    };
    verify(&["--insecure-ignore-tlog"])
        .exits(0)
        .says(&["WARNING"]);
    verify(&["--trusted-root", "sigstore/trusted_root.json"])
        .exits(1)
        .says(&["error[S0202]"]);

    sign(&["--signing-config", "sigstore/signing_config.json"]).exits(0);
    verify(&["--trusted-root", "sigstore/trusted_root.json"]).exits(0);

    run_with(
        folder,
        &[PASSWORD],
        b"",
        &["generate-key-pair", "--output-key-prefix", "other"],
    )
    .exits(0);
    let words = [
        "verify",
        "--key",
        "other.pub",
        "--insecure-ignore-tlog",
        &shop.image,
    ];
    run_with(folder, &[], b"", &words)
        .exits(1)
        .says(&["error[S0202]"]);

    let wrong = ("COSIGN_PASSWORD", "wrong");
    let words = [
        "sign",
        "--yes",
        "--key",
        "cosign.key",
        "--tlog-upload=false",
        "--use-signing-config=false",
        &shop.image,
    ];
    run_with(folder, &[wrong], b"", &words)
        .exits(64)
        .says(&["error[S0502]"]);
}

#[test]
fn attestations_are_bound_to_their_image_and_judged_by_policies() {
    let shop = Shop::open();
    let services = &shop.services;
    let issuer = services.fact("issuer");
    services
        .run(&["sbom", &shop.image, "-o", "spdx-json=cart.spdx.json"])
        .exits(0);
    let token = services.token();
    let attested = services.run(&[
        "attest",
        "--yes",
        "--type",
        "spdxjson",
        "--predicate",
        "cart.spdx.json",
        "--signing-config",
        "sigstore/signing_config.json",
        "--trusted-root",
        "sigstore/trusted_root.json",
        "--identity-token",
        &token,
        &shop.image,
    ]);
    attested.exits(0);
    let verify = |kind: &str, more: &[&str]| {
        let mut words = vec![
            "verify-attestation",
            "--type",
            kind,
            "--trusted-root",
            "sigstore/trusted_root.json",
            "--certificate-identity",
            IDENTITY,
            "--certificate-oidc-issuer",
            &issuer,
        ];
        words.extend(more);
        words.push(&shop.image);
        services.run(&words)
    };
    let envelope = verify("spdxjson", &[]).exits(0).json();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    verify("vuln", &[]).exits(1);

    let folder = services.path();
    write(folder, "good.cue", "predicate: spdxVersion: \"SPDX-2.3\"\n");
    write(
        folder,
        "strict.cue",
        "predicate: spdxVersion: \"SPDX-9.9\"\n",
    );
    write(folder, "broken.cue", "predicate: {\n");
    write(
        folder,
        "good.rego",
        "package signature\n\ndefault allow = false\n\nallow { input.predicate.spdxVersion == \"SPDX-2.3\" }\n",
    );
    write(folder, "no.txt", "x");
    verify("spdxjson", &["--policy", "good.cue"]).exits(0);
    verify("spdxjson", &["--policy", "good.rego"]).exits(0);
    verify("spdxjson", &["--policy", "strict.cue"])
        .exits(1)
        .says(&["error[S0208]", "spdxVersion"]);
    verify("spdxjson", &["--policy", "broken.cue"])
        .exits(64)
        .says(&["error[S0601]", "broken.cue"]);
    verify("spdxjson", &["--policy", "no.txt"])
        .exits(64)
        .says(&["expected .cue or .rego"]);

    // An attestation is no signature of the image, unless the user says that it may be one.
    shop.verify(&shop.image, IDENTITY, &issuer)
        .exits(1)
        .says(&["error[S0201]"]);
    let words = [
        "verify",
        "--accept-attestation-as-signature",
        "--trusted-root",
        "sigstore/trusted_root.json",
        "--certificate-identity",
        IDENTITY,
        "--certificate-oidc-issuer",
        &issuer,
        &shop.image,
    ];
    services.run(&words).exits(0);
}

#[test]
fn the_log_tells_who_signed_what() {
    let shop = Shop::open();
    shop.sign_keyless(&shop.image).exits(0);
    let words = [
        "audit",
        "--rekor-url",
        &shop.services.fact("rekor"),
        "--trusted-root",
        "sigstore/trusted_root.json",
        "-o",
        "json",
    ];
    let told = shop.services.run(&words).exits(0).json();
    let entry = &told["entries"][0];
    assert_eq!(entry["log_index"], 0);
    assert_eq!(entry["identity"], IDENTITY);
    assert_eq!(entry["issuer"], shop.services.fact("issuer"));
}

#[test]
fn a_trust_root_of_strangers_proves_nothing() {
    let (shop, strangers) = (Shop::open(), Services::start());
    shop.sign_keyless(&shop.image).exits(0);
    let root = strangers
        .path()
        .join("sigstore/trusted_root.json")
        .display()
        .to_string();
    let issuer = shop.services.fact("issuer");
    let words = [
        "verify",
        "--trusted-root",
        &root,
        "--certificate-identity",
        IDENTITY,
        "--certificate-oidc-issuer",
        &issuer,
        &shop.image,
    ];
    shop.services.run(&words).exits(1).says(&["error[S0202]"]);
}

#[test]
fn signing_says_what_is_missing() {
    let shop = Shop::open();
    let words = [
        "sign",
        "--yes",
        "--signing-config",
        "sigstore/signing_config.json",
        &shop.image,
    ];
    shop.services
        .run(&words)
        .exits(64)
        .says(&["error[S0404]", "--identity-token"]);
    let words = [
        "sign",
        "--key",
        "cosign.key",
        "--signing-config",
        "x",
        "--rekor-url",
        "http://x",
        &shop.image,
    ];
    shop.services
        .run(&words)
        .exits(64)
        .says(&["cannot specify service URLs and use signing config"]);
}

#[test]
fn a_bundle_can_be_written_beside_the_registry() {
    let shop = Shop::open();
    let folder = shop.services.path();
    run_with(folder, &[PASSWORD], b"", &["generate-key-pair"]).exits(0);
    let words = [
        "sign",
        "--yes",
        "--key",
        "cosign.key",
        "--use-signing-config=false",
        "--tlog-upload=false",
        "--upload=false",
        "--bundle",
        "cart.sigstore.json",
        &shop.image,
    ];
    run_with(folder, &[PASSWORD], b"", &words).exits(0);
    let bundle = fs::read(folder.join("cart.sigstore.json")).expect("the bundle");
    let bundle: serde_json::Value = serde_json::from_slice(&bundle).expect("JSON");
    assert_eq!(
        bundle["mediaType"],
        "application/vnd.dev.sigstore.bundle.v0.3+json"
    );
    let words = [
        "verify",
        "--key",
        "cosign.pub",
        "--insecure-ignore-tlog",
        &shop.image,
    ];
    run_with(folder, &[], b"", &words)
        .exits(1)
        .says(&["error[S0201]"]);
}
