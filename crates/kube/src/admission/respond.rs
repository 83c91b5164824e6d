//! The only place where an answer to an API server becomes sentences.
//!
//! The words are policy-controller's: users and runbooks search for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_policy::field_error::Level;
use countersign_policy::{FieldErrors, Undecided};
use serde::Serialize;
use serde_json::{Value, json};

use super::patch::Change;
use super::review::GroupVersionKind;

/// What becomes of the object.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It may be, as it is.
    Allowed {
        /// What the user should know all the same.
        findings: FieldErrors,
    },
    /// It may be, changed.
    Patched {
        /// How.
        changes: Vec<Change>,
        /// What the user should know.
        warnings: Vec<Warning>,
    },
    /// It may not be.
    Denied(Denial),
}

/// Why an object may not be.
#[derive(Debug)]
pub(crate) enum Denial {
    /// It was judged, or could not be: among the findings is at least one error.
    Invalid(FieldErrors),
    /// The webhook that validates does not know the kind.
    UnhandledKind(GroupVersionKind),
    /// The webhook that mutates does not know the kind.
    UnhandledKindToMutate(GroupVersionKind),
    /// The object is not readable; what is wrong, in Go's words where there are some.
    Undecodable(String),
    /// The same, said by the webhook that mutates.
    UndecodableToMutate(String),
    /// The time that the API server gives was up.
    OutOfTime,
    /// The same, said by the webhook that mutates.
    OutOfTimeToMutate,
    /// The review is larger than what is read.
    TooLarge { limit: usize },
}

/// Something that a user should know about a change that was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The image whose tag stays.
    pub(crate) image: String,
    /// Why.
    pub(crate) cause: String,
}

impl Answer {
    /// Nothing to say.
    pub(crate) fn allowed() -> Self {
        Self::Allowed {
            findings: FieldErrors::none(),
        }
    }

    /// Denied if there is an error among `findings`, else allowed with its warnings.
    pub(crate) fn judged(findings: FieldErrors) -> Self {
        if findings.of(Level::Error).is_empty() {
            Self::Allowed { findings }
        } else {
            Self::Denied(Denial::Invalid(findings))
        }
    }
}

/// Writes the AdmissionReview that answers `uid`.
pub(crate) fn review(uid: &str, answer: &Answer) -> Vec<u8> {
    let response = match answer {
        Answer::Allowed { findings } => Response {
            warnings: lines(&findings.of(Level::Warning)),
            ..Response::allowed(uid)
        },
        Answer::Patched { changes, warnings } => Response {
            patch: (!changes.is_empty()).then(|| STANDARD.encode(json!(changes).to_string())),
            patch_type: (!changes.is_empty()).then_some("JSONPatch"),
            warnings: warnings.iter().flat_map(mutation_warning).collect(),
            ..Response::allowed(uid)
        },
        Answer::Denied(denial) => {
            let (message, code) = denial_words(denial);
            let warnings = match denial {
                Denial::Invalid(findings) => lines(&findings.of(Level::Warning)),
                _ => Vec::new(),
            };
            Response {
                warnings,
                ..Response::denied(uid, message, code)
            }
        }
    };
    write("admission.k8s.io/v1", "AdmissionReview", &response)
}

/// Writes the ConversionReview that answers `uid`.
pub(crate) fn conversion(uid: &str, converted: Result<Vec<Value>, String>) -> Vec<u8> {
    let response = match converted {
        Ok(objects) => json!({
            "uid": uid, "convertedObjects": objects,
            "result": { "metadata": {}, "status": "Success" },
        }),
        Err(message) => json!({
            "uid": uid, "convertedObjects": [],
            "result": { "metadata": {}, "status": "Failure", "message": message },
        }),
    };
    write("apiextensions.k8s.io/v1", "ConversionReview", &response)
}

fn denial_words(denial: &Denial) -> (String, u16) {
    match denial {
        Denial::Invalid(findings) => (
            format!("validation failed: {}", findings.of(Level::Error)),
            BAD_REQUEST,
        ),
        Denial::UnhandledKind(kind) => (
            format!("decoding request failed: unhandled kind: {kind}"),
            BAD_REQUEST,
        ),
        Denial::UnhandledKindToMutate(kind) => (
            format!("mutation failed: unhandled kind: {kind}"),
            BAD_REQUEST,
        ),
        Denial::Undecodable(cause) => (
            format!("decoding request failed: cannot decode incoming new object: {cause}"),
            BAD_REQUEST,
        ),
        Denial::UndecodableToMutate(cause) => (
            format!("mutation failed: cannot decode incoming new object: {cause}"),
            BAD_REQUEST,
        ),
        Denial::OutOfTime => (
            format!("validation failed: {}", Undecided::Deadline),
            BAD_REQUEST,
        ),
        Denial::OutOfTimeToMutate => (
            format!("mutation failed: {}", Undecided::Deadline),
            BAD_REQUEST,
        ),
        Denial::TooLarge { limit } => {
            let message =
                format!("the AdmissionReview of this object is larger than {limit} bytes");
            (message, 413)
        }
    }
}

fn mutation_warning(warning: &Warning) -> Vec<String> {
    let text = format!(
        "cannot resolve the tag of {}: {}",
        warning.image, warning.cause
    );
    text.lines().map(str::to_owned).collect()
}

/// One warning a line: the API server drops a warning with a newline in it without a word.
fn lines(findings: &FieldErrors) -> Vec<String> {
    if findings.is_empty() {
        return Vec::new();
    }
    findings.to_string().lines().map(str::to_owned).collect()
}

fn write(api_version: &str, kind: &str, response: &impl Serialize) -> Vec<u8> {
    let review = Reply {
        kind,
        api_version,
        response,
    };
    serde_json::to_vec(&review).expect("texts and JSON values are JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a, R> {
    kind: &'a str,
    api_version: &'a str,
    response: &'a R,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// `reason` makes kubectl say `Error from server (BadRequest):`.
#[derive(Serialize)]
struct Status {
    metadata: Value,
    status: &'static str,
    message: String,
    reason: &'static str,
    code: u16,
}

impl<'a> Response<'a> {
    fn allowed(uid: &'a str) -> Self {
        Self {
            uid,
            allowed: true,
            status: None,
            patch: None,
            patch_type: None,
            warnings: Vec::new(),
        }
    }

    fn denied(uid: &'a str, message: String, code: u16) -> Self {
        let reason = if code == BAD_REQUEST {
            "BadRequest"
        } else {
            "RequestEntityTooLarge"
        };
        let status = Status {
            metadata: json!({}),
            status: "Failure",
            message,
            reason,
            code,
        };
        Self {
            allowed: false,
            status: Some(status),
            ..Self::allowed(uid)
        }
    }
}

const BAD_REQUEST: u16 = 400;
