//! Answers without content of their own, and the only place where a [`Refusal`] becomes words.

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use futures_util::StreamExt;
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::super::refusal::{ManifestFault, Refusal};

/// Answers with a status alone.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Answers how far an upload has come.
pub(super) fn upload(status: StatusCode, location: &str, received: u64) -> Response {
    let id = location.rsplit('/').next().unwrap_or_default();
    Response::builder()
        .status(status)
        .header(header::LOCATION, location)
        // The specification has no way to say "nothing yet"; every registry says 0-0.
        .header(header::RANGE, format!("0-{}", received.saturating_sub(1)))
        .header("docker-upload-uuid", id)
        .body(Body::empty())
        .expect("paths of ours are valid header values")
}

/// Answers a refusal as the specification's "Error Codes" asks.
pub(super) fn refuse(refusal: Refusal) -> Response {
    if let Refusal::Storage(error) = &refusal {
        tracing::error!(%error, "registry storage failed");
    }
    let Words {
        status,
        code,
        message,
        detail,
    } = words(&refusal);
    let body = json!({ "errors": [{ "code": code, "message": message, "detail": detail }] });
    let mut response = match &refusal {
        Refusal::OutOfOrder { location, received } => upload(status, location, *received),
        _ => empty(status),
    };
    if let Refusal::RangeUnsatisfiable { size } = refusal {
        let range = format!("bytes */{size}")
            .parse()
            .expect("a number is a valid header value");
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    let json = "application/json"
        .parse()
        .expect("a fixed text is a valid header value");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    *response.body_mut() = Body::from(body.to_string());
    response
}

/// Reads on for a while, so that a client still sending gets to read the refusal.
pub(super) async fn drain(mut body: BodyDataStream) {
    let mut left = DRAINED_AT_MOST;
    while let Some(Ok(chunk)) = body.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

struct Words {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Value,
}

fn words(refusal: &Refusal) -> Words {
    let say = |status: u16, code: &'static str, message: &str, detail: Value| Words {
        status: StatusCode::from_u16(status).expect("the table has valid statuses"),
        code,
        message: message.to_owned(),
        detail,
    };
    match refusal {
        Refusal::PathUnknown => say(404, "UNSUPPORTED", "no such path", Value::Null),
        Refusal::MethodUnknown => say(
            405,
            "UNSUPPORTED",
            "the path does not have this method",
            Value::Null,
        ),
        Refusal::NameInvalid(error) => say(
            400,
            "NAME_INVALID",
            "invalid repository name",
            json!(error.to_string()),
        ),
        Refusal::TagInvalid(tag) => say(400, "TAG_INVALID", "invalid tag", json!({ "tag": tag })),
        Refusal::DigestInvalid(digest) => say(
            400,
            "DIGEST_INVALID",
            "not a sha256 or sha512 digest",
            json!({ "digest": digest }),
        ),
        Refusal::DigestMismatch(mismatch) => say(
            400,
            "DIGEST_INVALID",
            "the content does not have the digest it was sent with",
            json!({ "claimed": mismatch.claimed.to_string(), "found": mismatch.found.to_string() }),
        ),
        Refusal::NameUnknown(name) => say(
            404,
            "NAME_UNKNOWN",
            "the repository is empty",
            json!({ "name": name.as_str() }),
        ),
        Refusal::BlobUnknown(digest) => say(
            404,
            "BLOB_UNKNOWN",
            "the repository does not have this blob",
            json!({ "digest": digest.to_string() }),
        ),
        Refusal::ManifestUnknown(reference) => say(
            404,
            "MANIFEST_UNKNOWN",
            "the repository does not have this manifest",
            json!({ "reference": reference }),
        ),
        Refusal::ManifestBlobUnknown(missing) => say(
            404,
            "MANIFEST_BLOB_UNKNOWN",
            "the manifest names content that is not in the repository",
            json!({ "missing": missing.iter().map(ToString::to_string).collect::<Vec<_>>() }),
        ),
        Refusal::ManifestInvalid(fault) => say(
            400,
            "MANIFEST_INVALID",
            "the manifest cannot be taken",
            json!(fault_words(fault)),
        ),
        Refusal::ManifestTooLarge { limit } => say(
            413,
            "SIZE_INVALID",
            "the manifest is too large",
            json!({ "limit": limit }),
        ),
        _ => transfer_words(refusal),
    }
}

fn transfer_words(refusal: &Refusal) -> Words {
    let (status, code, message) = match refusal {
        Refusal::BlobTooLarge { limit } => (
            413,
            "SIZE_INVALID",
            format!("the blob is larger than {limit} bytes"),
        ),
        Refusal::UploadUnknown => (404, "BLOB_UPLOAD_UNKNOWN", "no such upload".to_owned()),
        Refusal::UploadBusy => (
            409,
            "BLOB_UPLOAD_INVALID",
            "another request writes to this upload".to_owned(),
        ),
        Refusal::OutOfOrder { received, .. } => (
            416,
            "BLOB_UPLOAD_INVALID",
            format!("the next chunk begins at {received}"),
        ),
        Refusal::ContentRangeInvalid => (
            416,
            "BLOB_UPLOAD_INVALID",
            "Content-Range is not <first>-<last>".to_owned(),
        ),
        Refusal::ChunkLength { declared, received } => {
            let message = format!("the chunk has {received} bytes, Content-Range says {declared}");
            (400, "SIZE_INVALID", message)
        }
        Refusal::BodyInterrupted => (
            400,
            "BLOB_UPLOAD_INVALID",
            "the upload ended early".to_owned(),
        ),
        Refusal::RangeUnsatisfiable { size } => {
            (416, "UNSUPPORTED", format!("the blob has {size} bytes"))
        }
        Refusal::ParameterInvalid(name) => {
            let code = if *name == "digest" {
                "DIGEST_INVALID"
            } else {
                "UNSUPPORTED"
            };
            (
                400,
                code,
                format!("the parameter `{name}` is missing or not valid"),
            )
        }
        Refusal::ReferrersUnsupported => (
            404,
            "UNSUPPORTED",
            "this registry has no referrers API".to_owned(),
        ),
        Refusal::Storage(error) if error.is_full_disk() => {
            (507, "UNKNOWN", "the registry's disk is full".to_owned())
        }
        // What the disk said is for the log: it has paths in it.
        _ => (
            500,
            "UNKNOWN",
            "the registry cannot read or write its data".to_owned(),
        ),
    };
    let status = StatusCode::from_u16(status).expect("the table has valid statuses");
    Words {
        status,
        code,
        message,
        detail: Value::Null,
    }
}

fn fault_words(fault: &ManifestFault) -> String {
    match fault {
        ManifestFault::Json { line, column } => {
            format!("not the JSON of a manifest, see line {line} column {column}")
        }
        ManifestFault::SchemaVersion(version) => format!("schemaVersion is {version}, not 2"),
        ManifestFault::MediaTypeMissing => "neither Content-Type nor mediaType is there".to_owned(),
        ManifestFault::MediaTypeUnknown(media_type) => {
            format!("media type `{media_type}` is not served here")
        }
        ManifestFault::MediaTypeDiffers { header, manifest } => {
            format!("Content-Type is `{header}`, mediaType is `{manifest}`")
        }
        ManifestFault::Ambiguous => {
            "an image has no `manifests`, an index no `config` or `layers`".to_owned()
        }
        ManifestFault::ConfigMissing => "an image has a `config`".to_owned(),
        ManifestFault::Digest(digest) => format!("`{digest}` is not a sha256 or sha512 digest"),
        ManifestFault::Size {
            digest,
            declared,
            actual,
        } => {
            format!("{digest} has {actual} bytes, the manifest says {declared}")
        }
        ManifestFault::Data(digest) => format!("the inline data of {digest} is not its content"),
    }
}

/// A refused upload is read on for this long; whoever sends more does not deserve an explanation.
const DRAINED_AT_MOST: usize = 64 << 20;
