//! RFC 6962 §4 over HTTP.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CertificateLog, SignedCertificateTimestamp, SubmitError, leaf};
use crate::merkle_log::Entry;
use crate::refusal::Refusal;

/// The log's pages, relative to its base URL.
pub(crate) fn router(log: Arc<CertificateLog>) -> Router {
    let files = crate::log_files::router(log.log.reader().clone());
    let pages = Router::new()
        .route("/add-chain", post(add_chain))
        .route("/add-pre-chain", post(add_pre_chain))
        .route("/get-sth", get(tree_head))
        .route("/get-sth-consistency", get(consistency))
        .route("/get-proof-by-hash", get(proof_by_hash))
        .route("/get-entries", get(entries))
        .route("/get-entry-and-proof", get(entry_and_proof))
        .route("/get-roots", get(roots))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(log);
    Router::new().nest("/ct/v1", pages).merge(files)
}

#[derive(Deserialize)]
struct Chain {
    chain: Vec<String>,
}

impl Chain {
    fn first(&self) -> Result<Vec<u8>, Refusal> {
        let first = self.chain.first();
        first
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(|| Refusal::bad_request("the chain must begin with a certificate"))
    }
}

async fn add_chain(
    State(log): State<Arc<CertificateLog>>,
    Json(body): Json<Chain>,
) -> Result<Json<Value>, Refusal> {
    let sct = log.add_certificate(&body.first()?).await?;
    Ok(Json(timestamp_json(&sct)))
}

async fn add_pre_chain(
    State(log): State<Arc<CertificateLog>>,
    Json(body): Json<Chain>,
) -> Result<Json<Value>, Refusal> {
    let sct = log.add_precertificate(&body.first()?).await?;
    Ok(Json(timestamp_json(&sct)))
}

fn timestamp_json(sct: &SignedCertificateTimestamp) -> Value {
    json!({
        "sct_version": 0,
        "id": STANDARD.encode(sct.log_id),
        "timestamp": sct.timestamp,
        "extensions": "",
        "signature": STANDARD.encode(sct.digitally_signed()),
    })
}

async fn tree_head(State(log): State<Arc<CertificateLog>>) -> Result<Json<Value>, Refusal> {
    let head = log.log.reader().checkpoint();
    let timestamp = Timestamp::now().as_millisecond().unsigned_abs();
    let input = leaf::tree_head_input(timestamp, head.size, &head.root);
    let signature = leaf::digitally_signed(&log.key.sign(&input)?);
    Ok(Json(json!({
        "tree_size": head.size,
        "timestamp": timestamp,
        "sha256_root_hash": STANDARD.encode(head.root),
        "tree_head_signature": STANDARD.encode(signature),
    })))
}

#[derive(Deserialize)]
struct Sizes {
    first: u64,
    second: u64,
}

async fn consistency(
    State(log): State<Arc<CertificateLog>>,
    Query(sizes): Query<Sizes>,
) -> Result<Json<Value>, Refusal> {
    let proof = log
        .log
        .reader()
        .consistency(sizes.first, sizes.second)?
        .ok_or_else(|| Refusal::bad_request("the tree sizes are not 1 <= first <= second <= size"))?
        .proof;
    Ok(Json(json!({"consistency": encode_all(&proof)})))
}

#[derive(Deserialize)]
struct ByHash {
    hash: String,
    tree_size: u64,
}

async fn proof_by_hash(
    State(log): State<Arc<CertificateLog>>,
    Query(query): Query<ByHash>,
) -> Result<Json<Value>, Refusal> {
    let reader = log.log.reader();
    let hash = STANDARD
        .decode(&query.hash)
        .ok()
        .and_then(|hash| <[u8; 32]>::try_from(hash).ok())
        .ok_or_else(|| Refusal::bad_request("the hash is not 32 bytes of base64"))?;
    let index = reader
        .index_of(&hash)?
        .ok_or_else(|| Refusal::not_found("no entry has this leaf hash"))?;
    let proof = reader
        .inclusion(index, query.tree_size)?
        .ok_or_else(|| Refusal::bad_request("the entry is not in a tree of this size"))?;
    Ok(Json(
        json!({"leaf_index": index, "audit_path": encode_all(&proof)}),
    ))
}

#[derive(Deserialize)]
struct Range {
    start: u64,
    end: u64,
}

async fn entries(
    State(log): State<Arc<CertificateLog>>,
    Query(range): Query<Range>,
) -> Result<Json<Value>, Refusal> {
    let reader = log.log.reader();
    let size = reader.checkpoint().size;
    if range.start > range.end || range.start >= size {
        return Err(Refusal::bad_request("the range is not within the log"));
    }
    // Fewer entries than asked for are allowed (RFC 6962 §4.6).
    let end = range.end.min(size - 1).min(range.start + MAX_ENTRIES - 1);
    let mut found = Vec::new();
    for index in range.start..=end {
        if let Some(entry) = reader.entry(index)? {
            found.push(json!({
                "leaf_input": STANDARD.encode(&entry.leaf),
                "extra_data": STANDARD.encode(&entry.extra),
            }));
        }
    }
    Ok(Json(json!({"entries": found})))
}

#[derive(Deserialize)]
struct ByIndex {
    leaf_index: u64,
    tree_size: u64,
}

async fn entry_and_proof(
    State(log): State<Arc<CertificateLog>>,
    Query(query): Query<ByIndex>,
) -> Result<Json<Value>, Refusal> {
    let reader = log.log.reader();
    let absent = || Refusal::bad_request("the entry is not in a tree of this size");
    let proof = reader
        .inclusion(query.leaf_index, query.tree_size)?
        .ok_or_else(absent)?;
    let Entry { leaf, extra, .. } = reader.entry(query.leaf_index)?.ok_or_else(absent)?;
    Ok(Json(json!({
        "leaf_input": STANDARD.encode(leaf),
        "extra_data": STANDARD.encode(extra),
        "audit_path": encode_all(&proof),
    })))
}

async fn roots(State(log): State<Arc<CertificateLog>>) -> Json<Value> {
    let root = log.issuer_chain.last().map(|root| STANDARD.encode(root));
    Json(json!({"certificates": [root]}))
}

fn encode_all(hashes: &[[u8; 32]]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

impl From<SubmitError> for Refusal {
    fn from(error: SubmitError) -> Refusal {
        match error {
            SubmitError::Append(error) => error.into(),
            SubmitError::Log(error) => error.into(),
            SubmitError::Key(error) => error.into(),
            SubmitError::Unreadable
            | SubmitError::ForeignIssuer
            | SubmitError::NotPoisoned
            | SubmitError::Poisoned => Refusal::bad_request(error.to_string()),
        }
    }
}

/// Fulcio's cap on a body; a chain of ours is 3 KiB.
const MAX_BODY: usize = 4 << 20;
/// Entries in one answer, as the public logs'.
const MAX_ENTRIES: u64 = 256;
