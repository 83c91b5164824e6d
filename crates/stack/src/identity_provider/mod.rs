//! The OpenID Connect issuer: discovery, keys, and tokens for tests and private use.
//!
//! Tokens are minted from the data folder ([`token`]), never over the network: whoever may read
//! the folder's key may be anyone, and nobody else can.

mod http;
pub mod token;

pub(crate) use http::router;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::signing_key::{RsaKey, sha256};

/// The `kid` of a key: the start of the hash of its public part.
pub(crate) fn key_id(key: &RsaKey) -> String {
    hex::encode(&sha256(key.public_pkcs1())[..16])
}

/// The JSON Web Key Set with this one key.
pub(crate) fn key_set(key: &RsaKey) -> serde_json::Value {
    json!({"keys": [{
        "kty": "RSA",
        "alg": ALGORITHM,
        "use": "sig",
        "kid": key_id(key),
        "n": URL_SAFE_NO_PAD.encode(key.modulus()),
        "e": URL_SAFE_NO_PAD.encode(key.exponent()),
    }]})
}

/// The only signature algorithm of our tokens.
pub(crate) const ALGORITHM: &str = "RS256";
