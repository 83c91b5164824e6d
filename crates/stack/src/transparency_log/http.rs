//! Rekor's API, version 1.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::body::{Body, EntryError};
use super::{EntryId, ProposeError, Proposed, TransparencyLog, term_hash};
use crate::public_key::{HashAlgorithm, PublicKey};
use crate::refusal::Refusal;
use crate::signing_key::sha256;

/// The log's pages. `body_limit` caps a proposed entry, which may hold a whole SBOM attestation.
pub(crate) fn router(log: Arc<TransparencyLog>, body_limit: usize) -> Router {
    let files = crate::log_files::router(log.reader().clone());
    let budget = Arc::new(Semaphore::new(BODY_BUDGET));
    Router::new()
        .route("/api/v1/log", get(log_info))
        .route("/api/v1/log/publicKey", get(public_key))
        .route("/api/v1/log/proof", get(consistency_proof))
        .route("/api/v1/log/entries", get(by_index).post(create))
        .route("/api/v1/log/entries/retrieve", post(retrieve))
        .route("/api/v1/log/entries/{id}", get(by_id))
        .route("/api/v1/index/retrieve", post(search))
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(middleware::from_fn(move |request, next| {
            keep_budget(Arc::clone(&budget), request, next)
        }))
        .with_state(log)
        // Beside the public protocol: the whole log as static files.
        .nest("/api/v1/log/static", files)
}

/// Lets only so many large bodies in at once: each is held in memory several times over while it
/// is parsed, hashed and verified.
async fn keep_budget(budget: Arc<Semaphore>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // Without an announcement it may be anything.
    let share = announced.unwrap_or(usize::MAX) / BODY_UNIT + 1;
    let share = u32::try_from(share.min(BODY_BUDGET)).unwrap_or(u32::MAX);
    let _share = budget.acquire_many(share).await;
    next.run(request).await
}

type Log = State<Arc<TransparencyLog>>;

async fn create(State(log): Log, body: Bytes) -> Result<Response, Refusal> {
    match log.propose(body.into()).await? {
        Proposed::Added(entry) => {
            let id = log.entry_id(entry.leaf_hash);
            let answer = Json(log.answer(&entry)?);
            Ok((StatusCode::CREATED, place(id), answer).into_response())
        }
        Proposed::Present { id } => {
            let refusal = Refusal::new(
                StatusCode::CONFLICT,
                format!(
                    "an equivalent entry already exists in the transparency log with UUID {id}"
                ),
            );
            Ok((place(id), refusal).into_response())
        }
    }
}

async fn by_id(State(log): Log, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let id = EntryId::parse(&id, log.tree_id)
        .ok_or_else(|| Refusal::bad_request("an entry's identifier is 64 or 80 hex digits"))?;
    Ok(Json(find(&log, id)?.ok_or_else(no_entry)?))
}

#[derive(Deserialize)]
struct ByIndex {
    #[serde(rename = "logIndex")]
    log_index: u64,
}

async fn by_index(State(log): Log, Query(query): Query<ByIndex>) -> Result<Json<Value>, Refusal> {
    let entry = log.reader().entry(query.log_index)?.ok_or_else(no_entry)?;
    Ok(Json(log.answer(&entry)?))
}

/// Clients in Go send `null` for what they do not ask.
#[derive(Deserialize)]
struct Retrieve {
    #[serde(rename = "entryUUIDs")]
    ids: Option<Vec<String>>,
    #[serde(rename = "logIndexes")]
    indexes: Option<Vec<u64>>,
    entries: Option<Vec<Box<serde_json::value::RawValue>>>,
}

async fn retrieve(State(log): Log, body: Bytes) -> Result<Json<Value>, Refusal> {
    let query: Retrieve = parse(&body)?;
    let (ids, indexes, entries) = (
        query.ids.unwrap_or_default(),
        query.indexes.unwrap_or_default(),
        query.entries.unwrap_or_default(),
    );
    let count = ids.len() + indexes.len() + entries.len();
    if count == 0 || count > MAX_RETRIEVED {
        return Err(Refusal::bad_request(format!(
            "between 1 and {MAX_RETRIEVED} entries may be asked for at once"
        )));
    }
    let mut found = Vec::new();
    for id in &ids {
        let id = EntryId::parse(id, log.tree_id)
            .ok_or_else(|| Refusal::bad_request("an entry's identifier is 64 or 80 hex digits"))?;
        found.extend(find(&log, id)?);
    }
    for index in indexes {
        if let Some(entry) = log.reader().entry(index)? {
            found.push(log.answer(&entry)?);
        }
    }
    for proposal in entries {
        let body =
            tokio::task::spawn_blocking(move || Body::from_proposal(proposal.get().as_bytes()))
                .await
                .map_err(|e| Refusal::internal(&e))??;
        let leaf_hash = tlog_tiles::record_hash(&body.canonical).0;
        found.extend(find(&log, log.entry_id(leaf_hash))?);
    }
    Ok(Json(Value::Array(found)))
}

/// What the index is asked: it answers identifiers, never proofs.
#[derive(Deserialize)]
struct Search {
    hash: Option<String>,
    email: Option<String>,
    subject: Option<String>,
    #[serde(rename = "publicKey")]
    public_key: Option<SearchKey>,
    operator: Option<String>,
}

#[derive(Deserialize)]
struct SearchKey {
    format: String,
    content: Option<String>,
}

async fn search(State(log): Log, body: Bytes) -> Result<Json<Value>, Refusal> {
    let query: Search = parse(&body)?;
    let any = match query.operator.as_deref() {
        None | Some("and") => false,
        Some("or") => true,
        Some(_) => return Err(Refusal::bad_request("the operator is neither and nor or")),
    };
    let terms = search_terms(query)?;
    let mut found: Option<Vec<u64>> = None;
    for term in terms {
        let these = log.reader().find(&term_hash(&term), MAX_FOUND)?;
        found = Some(match found {
            None => these,
            Some(mut before) if any => {
                before.extend(these);
                before
            }
            Some(before) => before.into_iter().filter(|i| these.contains(i)).collect(),
        });
    }
    let Some(mut indexes) = found else {
        return Err(Refusal::bad_request("nothing was asked for"));
    };
    indexes.sort_unstable();
    indexes.dedup();
    let mut ids = Vec::new();
    for index in indexes {
        if let Some(entry) = log.reader().entry(index)? {
            ids.push(log.entry_id(entry.leaf_hash).to_string());
        }
    }
    Ok(Json(json!(ids)))
}

fn search_terms(query: Search) -> Result<Vec<String>, Refusal> {
    let mut terms = Vec::new();
    if let Some(hash) = query.hash {
        let hash = hash.to_lowercase();
        let algorithm = match hash.len() {
            64 => Some(HashAlgorithm::Sha256),
            96 => Some(HashAlgorithm::Sha384),
            128 => Some(HashAlgorithm::Sha512),
            _ => None,
        };
        terms.push(match algorithm {
            Some(algorithm) => format!("{}:{hash}", algorithm.name()),
            None => hash,
        });
    }
    terms.extend(query.email.map(|email| email.to_lowercase()));
    terms.extend(query.subject.map(|subject| subject.to_lowercase()));
    if let Some(key) = query.public_key {
        if key.format != "x509" {
            return Err(Refusal::bad_request(
                "only x509 public keys are in the index",
            ));
        }
        let (_, verifier) = key
            .content
            .and_then(|content| STANDARD.decode(content).ok())
            .and_then(|pem| PublicKey::from_pem(&pem).ok())
            .ok_or_else(|| Refusal::bad_request("the public key cannot be read"))?;
        terms.push(hex::encode(sha256(verifier.pem.as_bytes())));
    }
    Ok(terms)
}

async fn log_info(State(log): Log) -> Json<Value> {
    let head = log.reader().checkpoint();
    Json(json!({
        "inactiveShards": [],
        "rootHash": hex::encode(head.root),
        "signedTreeHead": head.note,
        "treeID": log.tree_id.to_string(),
        "treeSize": head.size,
    }))
}

#[derive(Deserialize)]
struct Tree {
    #[serde(rename = "treeID")]
    tree_id: Option<String>,
}

impl Tree {
    fn check(&self, log: &TransparencyLog) -> Result<(), Refusal> {
        match &self.tree_id {
            Some(id) if *id != log.tree_id.to_string() => {
                Err(Refusal::not_found("this instance has no such tree"))
            }
            _ => Ok(()),
        }
    }
}

async fn public_key(State(log): Log, Query(tree): Query<Tree>) -> Result<Response, Refusal> {
    tree.check(&log)?;
    let kind = [(CONTENT_TYPE, "application/x-pem-file")];
    Ok((kind, log.key.public_pem()).into_response())
}

#[derive(Deserialize)]
struct Sizes {
    #[serde(rename = "firstSize", default = "one")]
    first: u64,
    #[serde(rename = "lastSize")]
    last: u64,
    #[serde(rename = "treeID")]
    tree_id: Option<String>,
}

fn one() -> u64 {
    1
}

async fn consistency_proof(
    State(log): Log,
    Query(sizes): Query<Sizes>,
) -> Result<Json<Value>, Refusal> {
    let tree_id = sizes.tree_id;
    Tree { tree_id }.check(&log)?;
    let found = log
        .reader()
        .consistency(sizes.first, sizes.last)?
        .ok_or_else(|| {
            Refusal::bad_request("the sizes are not 1 <= firstSize <= lastSize <= tree size")
        })?;
    let hashes: Vec<String> = found.proof.iter().map(hex::encode).collect();
    Ok(Json(
        json!({"hashes": hashes, "rootHash": hex::encode(found.root)}),
    ))
}

fn find(log: &TransparencyLog, id: EntryId) -> Result<Option<Value>, Refusal> {
    if id.tree_id != log.tree_id {
        return Ok(None);
    }
    let Some(index) = log.reader().index_of(&id.leaf_hash)? else {
        return Ok(None);
    };
    match log.reader().entry(index)? {
        Some(entry) => Ok(Some(log.answer(&entry)?)),
        None => Ok(None),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|_| Refusal::bad_request("the request is no JSON of this protocol"))
}

fn place(id: EntryId) -> [(axum::http::HeaderName, HeaderValue); 2] {
    let value = |text: String| HeaderValue::try_from(text).expect("hex digits fit a header");
    [
        (ETAG, value(id.to_string())),
        (LOCATION, value(format!("/api/v1/log/entries/{id}"))),
    ]
}

fn no_entry() -> Refusal {
    Refusal::not_found("there is no such entry in the log")
}

impl From<ProposeError> for Refusal {
    fn from(error: ProposeError) -> Refusal {
        match error {
            ProposeError::Entry(error) => error.into(),
            ProposeError::Append(error) => error.into(),
            ProposeError::Log(error) => error.into(),
        }
    }
}

impl From<EntryError> for Refusal {
    fn from(error: EntryError) -> Refusal {
        Refusal::bad_request(error.to_string())
    }
}

/// Bodies are counted in mebibytes, of which so many may be on their way.
const BODY_UNIT: usize = 1 << 20;
const BODY_BUDGET: usize = 256;
/// Rekor's cap on entries in one request.
const MAX_RETRIEVED: usize = 10;
/// Entries the index gives for one term, the newest.
const MAX_FOUND: usize = 1000;
