//! cosign's key files: a private key sealed with a password.
//!
//! PEM around JSON: scrypt makes a key of the password, NaCl's secretbox (XSalsa20-Poly1305) seals the
//! PKCS #8 key with it (go-securesystemslib, `encrypted/encrypted.go`).

use crypto_secretbox::aead::{AeadInPlace, KeyInit};
use crypto_secretbox::{Key, Nonce, Tag, XSalsa20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::base64_bytes;
use crate::private_key::PrivateKeyError;

#[derive(Deserialize, Serialize)]
struct Sealed {
    kdf: Derivation,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize, Serialize)]
struct Derivation {
    name: String,
    params: Work,
    salt: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
struct Work {
    #[serde(rename = "N")]
    n: u64,
    r: u64,
    p: u64,
}

#[derive(Deserialize, Serialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Opens a key file.
pub(crate) fn open(text: &str, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    let block = one_block(text)?;
    if !LABELS.contains(&block.tag()) {
        let found = block.tag().chars().take(64).collect();
        return Err(PrivateKeyError::Label {
            expected: LABELS[0],
            found,
        });
    }
    let sealed: Sealed =
        serde_json::from_slice(block.contents()).map_err(|_| PrivateKeyError::Syntax)?;
    for (name, known) in [(&sealed.kdf.name, KDF), (&sealed.cipher.name, CIPHER)] {
        if name != known {
            return Err(PrivateKeyError::Sealing {
                found: name.chars().take(64).collect(),
            });
        }
    }
    let decode = |text: &str| base64_bytes::decode(text).ok_or(PrivateKeyError::Syntax);
    let salt = decode(&sealed.kdf.salt)?;
    let nonce: [u8; NONCE_LENGTH] = decode(&sealed.cipher.nonce)?
        .try_into()
        .map_err(|_| PrivateKeyError::Syntax)?;
    let ciphertext = decode(&sealed.ciphertext)?;
    let (tag, ciphertext) = ciphertext
        .split_at_checked(TAG_LENGTH)
        .ok_or(PrivateKeyError::Syntax)?;
    let mut opened = Zeroizing::new(ciphertext.to_vec());
    cipher(password, &salt, sealed.kdf.params)?
        .decrypt_in_place_detached(&Nonce::from(nonce), b"", &mut opened, Tag::from_slice(tag))
        .map_err(|_| PrivateKeyError::WrongPassword)?;
    Ok(opened)
}

/// Seals a private key.
pub(crate) fn seal(pkcs8: &[u8], password: &[u8]) -> Result<String, PrivateKeyError> {
    let mut salt = [0; SALT_LENGTH];
    let mut nonce = [0; NONCE_LENGTH];
    for random in [&mut salt[..], &mut nonce[..]] {
        aws_lc_rs::rand::fill(random).map_err(|_| PrivateKeyError::Library)?;
    }
    let work = Work {
        n: 1 << 16,
        r: 8,
        p: 1,
    };
    let mut content = Zeroizing::new(pkcs8.to_vec());
    let tag = cipher(password, &salt, work)?
        .encrypt_in_place_detached(&Nonce::from(nonce), b"", &mut content)
        .map_err(|_| PrivateKeyError::Library)?;
    let ciphertext = [tag.as_slice(), &content].concat();
    let sealed = Sealed {
        kdf: Derivation {
            name: KDF.to_owned(),
            params: work,
            salt: base64_bytes::encode(&salt),
        },
        cipher: Cipher {
            name: CIPHER.to_owned(),
            nonce: base64_bytes::encode(&nonce),
        },
        ciphertext: base64_bytes::encode(&ciphertext),
    };
    let json = serde_json::to_vec(&sealed).map_err(|_| PrivateKeyError::Library)?;
    Ok(crate::assemble::pem_block(LABELS[0], &json))
}

/// Reads exactly one PEM block.
pub(crate) fn one_block(text: &str) -> Result<pem::Pem, PrivateKeyError> {
    if text.len() > MAXIMAL_SIZE {
        return Err(PrivateKeyError::Pem);
    }
    let mut blocks = pem::parse_many(text)
        .map_err(|_| PrivateKeyError::Pem)?
        .into_iter();
    match (blocks.next(), blocks.next()) {
        (Some(block), None) => Ok(block),
        _ => Err(PrivateKeyError::Pem),
    }
}

fn cipher(password: &[u8], salt: &[u8], work: Work) -> Result<XSalsa20Poly1305, PrivateKeyError> {
    let Work { n, r, p } = work;
    let refused = PrivateKeyError::Work { n, r, p };
    // An allow-list, or a file could ask for any amount of memory.
    let log_n = match (n, r, p) {
        (32_768, 8, 1) => 15,
        (65_536, 8, 1) => 16,
        (131_072, 8, 1) => 17,
        _ => return Err(refused),
    };
    let params = scrypt::Params::new(log_n, 8, 1).map_err(|_| refused)?;
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    scrypt::scrypt(password, salt, &params, key.as_mut_slice())
        .map_err(|_| PrivateKeyError::Library)?;
    Ok(XSalsa20Poly1305::new(Key::from_slice(key.as_slice())))
}

/// What cosign writes, and what its versions before 1.13 wrote.
const LABELS: [&str; 2] = [
    "ENCRYPTED SIGSTORE PRIVATE KEY",
    "ENCRYPTED COSIGN PRIVATE KEY",
];
const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
const SALT_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;
const KEY_LENGTH: usize = 32;

/// An RSA key of 8192 bits makes a file of 12 KB.
const MAXIMAL_SIZE: usize = 64 << 10;
