//! Key files that cosign wrote, and ours.

use countersign_trust::{
    HashAlgorithm, HashRule, KeyAlgorithm, PrivateKey, PrivateKeyError, PublicKey, PublicKeyError,
    SignatureError,
};

use crate::layout::file;

#[test]
fn key_files_of_cosign_open_and_sign() {
    for (name, password) in KEY_FILES {
        let sealed = text(&format!("keys/{name}.key"));
        let public = text(&format!("keys/{name}.pub"));
        let key = PrivateKey::from_encrypted_pem(&sealed, password.as_bytes()).unwrap();
        assert_eq!(key.public_key().to_pem(), public, "{name}");
        let public = PublicKey::parse_pem(&public).unwrap();
        assert_eq!(key.public_key(), &public);
        let signature = key.sign(b"content").unwrap();
        assert_eq!(
            public.verify(b"content", &signature, HashRule::Usual),
            Ok(()),
            "{name}"
        );
        let mut flipped = signature.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for (content, signature) in [(&b"contenu"[..], &signature), (b"content", &flipped)] {
            let said = public.verify(content, signature, HashRule::Usual);
            assert_eq!(said, Err(SignatureError::Mismatch), "{name}");
        }
    }
}

#[test]
fn a_wrong_password_has_its_own_error() {
    let sealed = text("keys/gen-v3.key");
    for wrong in [&b""[..], b"golden-thre", b"golden-three\n"] {
        let said = PrivateKey::from_encrypted_pem(&sealed, wrong).map(drop);
        assert_eq!(said, Err(PrivateKeyError::WrongPassword));
    }
}

#[test]
fn sealing_opens_again_here_and_only_with_the_password() {
    let key = PrivateKey::generate().unwrap();
    assert_eq!(key.public_key().algorithm(), KeyAlgorithm::EcdsaP256);
    let sealed = key.to_encrypted_pem(b"p\xc3\xa4ss").unwrap();
    assert!(sealed.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    assert!(sealed.lines().all(|line| line.len() <= 64), "{sealed}");
    let opened = PrivateKey::from_encrypted_pem(&sealed, b"p\xc3\xa4ss").unwrap();
    assert_eq!(opened.public_key(), key.public_key());
    let said = PrivateKey::from_encrypted_pem(&sealed, b"pass").map(drop);
    assert_eq!(said, Err(PrivateKeyError::WrongPassword));
    assert_ne!(
        sealed,
        key.to_encrypted_pem(b"p\xc3\xa4ss").unwrap(),
        "salt and nonce are fresh"
    );
    // The public half, and nothing of the private one.
    let shown = format!("PrivateKey(.., {:?})", key.public_key());
    assert_eq!(format!("{key:?}"), shown);
}

/// The JSON in a key file has cosign's shape, byte for byte up to salt, nonce and ciphertext.
#[test]
fn sealed_files_have_the_shape_of_cosigns() {
    let shape = |sealed: &str| {
        let block = pem::parse(sealed).unwrap();
        let json = std::str::from_utf8(block.contents()).unwrap().to_owned();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let random = [
            &value["kdf"]["salt"],
            &value["cipher"]["nonce"],
            &value["ciphertext"],
        ];
        random.iter().fold(json, |json, part| {
            let part = part.as_str().unwrap();
            json.replace(part, &format!("<{}>", part.len()))
        })
    };
    let ours = PrivateKey::generate()
        .unwrap()
        .to_encrypted_pem(b"x")
        .unwrap();
    assert_eq!(shape(&ours), shape(&text("keys/gen-v3.key")));
}

#[test]
fn damaged_and_strange_key_files_are_refused() {
    let sealed = text("keys/gen-v3.key");
    let json = String::from_utf8(pem::parse(&sealed).unwrap().into_contents()).unwrap();
    let open = |label: &str, json: &str| {
        let sealed = pem::encode(&pem::Pem::new(label, json));
        PrivateKey::from_encrypted_pem(&sealed, b"golden-three").map(drop)
    };
    let label = "ENCRYPTED SIGSTORE PRIVATE KEY";
    assert_eq!(open(label, &json), Ok(()));
    assert_eq!(open("ENCRYPTED COSIGN PRIVATE KEY", &json), Ok(()));
    assert!(matches!(
        open("PRIVATE KEY", &json),
        Err(PrivateKeyError::Label { .. })
    ));
    let changed = |from: &str, to: &str| {
        assert!(json.contains(from));
        open(label, &json.replace(from, to))
    };
    for (n, r, p) in [
        (16_384, 8, 1),
        (262_144, 8, 1),
        (1 << 40, 8, 1),
        (65_536, 9, 1),
        (65_536, 8, 2),
    ] {
        let said = changed(
            r#""N":65536,"r":8,"p":1"#,
            &format!(r#""N":{n},"r":{r},"p":{p}"#),
        );
        assert_eq!(said, Err(PrivateKeyError::Work { n, r, p }));
    }
    // Allowed work, but not what the key was sealed with.
    for n in [32_768, 131_072] {
        let said = changed(r#""N":65536"#, &format!(r#""N":{n}"#));
        assert_eq!(said, Err(PrivateKeyError::WrongPassword));
    }
    let sealing = |found: &str| {
        Err(PrivateKeyError::Sealing {
            found: found.to_owned(),
        })
    };
    assert_eq!(changed(r#""scrypt""#, r#""argon2""#), sealing("argon2"));
    assert_eq!(changed("nacl/secretbox", "aes"), sealing("aes"));
    assert_eq!(
        changed(r#""nonce":"Z"#, r#""nonce":"""#),
        Err(PrivateKeyError::Syntax)
    );
    assert_eq!(
        changed(r#""ciphertext":"qnCo"#, r#""ciphertext":"qnCp"#),
        Err(PrivateKeyError::WrongPassword)
    );
    for cut in ["", "{}", "null", &json[..json.len() - 1]] {
        assert_eq!(open(label, cut), Err(PrivateKeyError::Syntax));
    }
    for text in ["", "x", &sealed[..100], &sealed.repeat(2)] {
        let said = PrivateKey::from_encrypted_pem(text, b"golden-three").map(drop);
        assert_eq!(said, Err(PrivateKeyError::Pem));
    }
}

#[test]
fn plain_keys_are_imported_or_refused_with_the_reason() {
    for name in ["rsa2048", "rsa4096", "p256", "p384", "p521", "ed25519"] {
        let key = PrivateKey::from_plain_pem(&text(&format!("keys/{name}.pem"))).unwrap();
        assert_eq!(
            key.public_key().to_pem(),
            text(&format!("keys/{name}-v3.pub")),
            "{name}"
        );
    }
    let refused = |name: &str| {
        PrivateKey::from_plain_pem(&text(name))
            .map(drop)
            .unwrap_err()
    };
    let short = PrivateKeyError::Kind(PublicKeyError::RsaLength { bits: 1024 });
    assert_eq!(refused("keys/rsa1024.pem"), short);
    for name in ["keys/bad-secp256k1.pem", "keys/bad-x25519.pem"] {
        assert!(
            matches!(refused(name), PrivateKeyError::Kind(_)),
            "{name}: {:?}",
            refused(name)
        );
    }
    assert!(matches!(
        refused("keys/bad-garbage.pem"),
        PrivateKeyError::Pem | PrivateKeyError::Encoding
    ));
    assert!(matches!(
        refused("keys/gen-v3.pub"),
        PrivateKeyError::Label { .. }
    ));
}

/// What the log can check is Ed25519ph; it is never taken for the pure form, nor the pure form for it.
#[test]
fn ed25519_signs_in_two_forms() {
    let sealed = text("keys/ed25519-v3.key");
    let key = PrivateKey::from_encrypted_pem(&sealed, b"golden-ed25519").unwrap();
    let (pure, prehashed) = (key.sign(b"m").unwrap(), key.sign_for_log(b"m").unwrap());
    assert_ne!(pure, prehashed);
    for signature in [&pure, &prehashed] {
        assert_eq!(
            key.public_key().verify(b"m", signature, HashRule::Usual),
            Ok(())
        );
        let other = key.public_key().verify(b"n", signature, HashRule::Usual);
        assert_eq!(other, Err(SignatureError::Mismatch));
    }
    let hashed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, b"m");
    let said = key
        .public_key()
        .verify(hashed.as_ref(), &prehashed, HashRule::Usual);
    assert_eq!(said, Err(SignatureError::Mismatch));
}

/// cosign signs with the hash of the curve and expects SHA-256 back; we take both, and no third.
#[test]
fn hashes_of_large_curves() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature as aws;

    let sealed = text("keys/p521-v3.key");
    let key = PrivateKey::from_encrypted_pem(&sealed, b"golden-p521").unwrap();
    let plain = pem::parse(text("keys/p521.pem")).unwrap();
    let sign = |way| {
        let pair = aws::EcdsaKeyPair::from_private_key_der(way, plain.contents()).unwrap();
        pair.sign(&SystemRandom::new(), b"m")
            .unwrap()
            .as_ref()
            .to_vec()
    };
    let public = key.public_key();
    for (way, usual, hash) in [
        (
            &aws::ECDSA_P521_SHA512_ASN1_SIGNING,
            true,
            HashAlgorithm::Sha512,
        ),
        (
            &aws::ECDSA_P521_SHA256_ASN1_SIGNING,
            true,
            HashAlgorithm::Sha256,
        ),
        (
            &aws::ECDSA_P521_SHA384_ASN1_SIGNING,
            false,
            HashAlgorithm::Sha384,
        ),
    ] {
        let signature = sign(way);
        assert_eq!(
            public.verify(b"m", &signature, HashRule::Usual).is_ok(),
            usual,
            "{hash:?}"
        );
        for only in [
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ] {
            let said = public.verify(b"m", &signature, HashRule::Only(only));
            assert_eq!(said.is_ok(), only == hash, "{hash:?} {only:?}");
        }
    }
    let said = public.verify(
        b"m",
        &sign(&aws::ECDSA_P521_SHA512_ASN1_SIGNING),
        HashRule::Pss(HashAlgorithm::Sha512),
    );
    assert_eq!(said, Err(SignatureError::RuleOfOtherKey));
}

#[test]
fn rsa_padding_is_the_verifiers_choice() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature as aws;

    let plain = pem::parse(text("keys/rsa2048.pem")).unwrap();
    let pair = aws_lc_rs::rsa::KeyPair::from_der(plain.contents()).unwrap();
    let public = PublicKey::parse_pem(&text("keys/rsa2048-v3.pub")).unwrap();
    let mut pss = vec![0; pair.public_modulus_len()];
    pair.sign(&aws::RSA_PSS_SHA256, &SystemRandom::new(), b"m", &mut pss)
        .unwrap();
    assert_eq!(
        public.verify(b"m", &pss, HashRule::Pss(HashAlgorithm::Sha256)),
        Ok(())
    );
    for rule in [
        HashRule::Usual,
        HashRule::Only(HashAlgorithm::Sha256),
        HashRule::Pss(HashAlgorithm::Sha512),
    ] {
        assert_eq!(
            public.verify(b"m", &pss, rule),
            Err(SignatureError::Mismatch),
            "{rule:?}"
        );
    }
}

#[test]
fn public_keys_that_are_refused() {
    let refused = |text: &str| PublicKey::parse_pem(text).unwrap_err();
    let pem = text("keys/gen-v3.pub");
    assert_eq!(refused(""), PublicKeyError::Pem);
    assert_eq!(
        refused(&pem.repeat(2)),
        PublicKeyError::SeveralBlocks { found: 2 }
    );
    assert!(matches!(
        refused(&text("keys/p256.pem")),
        PublicKeyError::Label { .. }
    ));
    let der = pem::parse(&pem).unwrap().into_contents();
    let longer = [&der[..], b"\0"].concat();
    assert_eq!(
        PublicKey::from_spki_der(&longer),
        Err(PublicKeyError::Encoding)
    );
    for cut in 0..der.len() {
        assert!(PublicKey::from_spki_der(&der[..cut]).is_err());
    }
    let mut off_curve = der.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(
        PublicKey::from_spki_der(&off_curve),
        Err(PublicKeyError::Invalid)
    );
    // The neutral element of Ed25519: a signature of zeros would be one over everything.
    let mut weak = hex("302a300506032b6570032100");
    weak.push(1);
    weak.extend([0; 31]);
    assert_eq!(
        PublicKey::from_spki_der(&weak),
        Err(PublicKeyError::Invalid)
    );
    let x25519 = [&hex("302a300506032b656e032100")[..], &[9; 32]].concat();
    assert!(matches!(
        PublicKey::from_spki_der(&x25519),
        Err(PublicKeyError::Kind { .. })
    ));
    let parsed = PublicKey::parse_pem(&pem).unwrap();
    assert_eq!(
        PublicKey::from_spki_der(parsed.spki_der()),
        Ok(parsed.clone())
    );
    let rsa = PublicKey::parse_pem(&text("keys/rsa4096-v3.pub")).unwrap();
    assert_eq!(rsa.algorithm(), KeyAlgorithm::Rsa { bits: 4096 });
}

const KEY_FILES: [(&str, &str); 14] = [
    ("ed25519-v2", "golden-ed25519"),
    ("ed25519-v3", "golden-ed25519"),
    ("empty-v3", ""),
    ("gen-v2", "golden-two"),
    ("gen-v3", "golden-three"),
    ("p256-v2", "golden-p256"),
    ("p384-v3", "golden-p384"),
    ("p384-v2", "golden-p384"),
    ("p521-v2", "golden-p521"),
    ("p521-v3", "golden-p521"),
    ("rsa2048-v2", "golden-rsa2048"),
    ("rsa2048-v3", "golden-rsa2048"),
    ("rsa4096-v3", "golden-rsa4096"),
    ("stdin-v3", "from-stdin\n"),
];

fn text(path: &str) -> String {
    String::from_utf8(file(path)).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}
