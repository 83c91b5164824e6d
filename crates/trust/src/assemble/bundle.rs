//! Sigstore bundles of version 0.3.

use super::protobuf_json::Json;
use super::{ContentHash, Envelope, LogEntry};
use crate::public_key::PublicKey;

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub enum BundleContent<'a> {
    /// A statement in an envelope: everything that is attached to an image.
    Envelope(&'a Envelope),
    /// The bytes of a file: `sign-blob`.
    Message {
        /// The hash of the file. None with pure Ed25519, which signs the file itself.
        digest: Option<&'a ContentHash>,
        /// The signature over the file.
        signature: &'a [u8],
    },
}

/// Whose signature it is.
#[derive(Clone, Copy, Debug)]
pub enum KeyMaterial<'a> {
    /// That of a certificate, in DER.
    Certificate(&'a [u8]),
    /// That of a bare key, of which the bundle has the hint.
    Key(&'a PublicKey),
}

/// Puts a bundle together. `timestamps` are RFC 3161 answers over the signature, as they came.
#[must_use]
pub fn bundle(
    content: BundleContent<'_>,
    material: KeyMaterial<'_>,
    entries: &[LogEntry],
    timestamps: &[Vec<u8>],
) -> Vec<u8> {
    let mut verification = vec![match material {
        KeyMaterial::Certificate(der) => (
            "certificate".to_owned(),
            Json::object([("rawBytes", Json::bytes(der))]),
        ),
        KeyMaterial::Key(key) => (
            "publicKey".to_owned(),
            Json::object([("hint", Json::Text(key.hint()))]),
        ),
    }];
    if !entries.is_empty() {
        let entries = entries.iter().map(LogEntry::in_bundle).collect();
        verification.push(("tlogEntries".to_owned(), Json::List(entries)));
    }
    if !timestamps.is_empty() {
        let one = |token: &Vec<u8>| Json::object([("signedTimestamp", Json::bytes(token))]);
        let tokens = Json::List(timestamps.iter().map(one).collect());
        let data = Json::object([("rfc3161Timestamps", tokens)]);
        verification.push(("timestampVerificationData".to_owned(), data));
    }
    let (name, content) = match content {
        BundleContent::Envelope(envelope) => ("dsseEnvelope", envelope.in_bundle()),
        BundleContent::Message { digest, signature } => {
            let digest = digest.map_or_else(|| Json::object([]), message_digest);
            let message = Json::object([
                ("messageDigest", digest),
                ("signature", Json::bytes(signature)),
            ]);
            ("messageSignature", message)
        }
    };
    Json::object([
        ("mediaType", Json::text(MEDIA_TYPE)),
        ("verificationMaterial", Json::Object(verification)),
        (name, content),
    ])
    .into_bytes()
}

fn message_digest(digest: &ContentHash) -> Json {
    Json::object([
        ("algorithm", Json::text(digest.protobuf_name())),
        ("digest", Json::bytes(digest.as_bytes())),
    ])
}

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
