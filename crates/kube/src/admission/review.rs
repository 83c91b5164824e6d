//! What an API server asks: AdmissionReview v1, read from bytes.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A question about one object. The objects stay text until somebody needs them: an UPDATE of a large
/// object has it twice.
#[derive(Debug)]
pub(crate) struct Review<'a> {
    pub(crate) uid: &'a str,
    pub(crate) operation: Operation,
    pub(crate) kind: GroupVersionKind,
    /// Empty for the object itself.
    pub(crate) sub_resource: String,
    /// Empty for objects that have none.
    pub(crate) namespace: String,
    object: Option<&'a RawValue>,
    old_object: Option<&'a RawValue>,
}

/// What is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    /// DELETE and CONNECT, where no image begins to run.
    Other,
}

/// A kind in a version of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct GroupVersionKind {
    #[serde(default)]
    pub(crate) group: String,
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) kind: String,
}

/// Why bytes are not a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// Not JSON, or not of a review's shape.
    #[error("could not decode body: not a review, see line {line} column {column}")]
    Json {
        /// Line of the first offence.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// JSON of another kind or version.
    #[error("could not decode body: expected {expected}, found {found}")]
    Kind {
        /// What the path takes.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// Without `request.uid` there is nobody to answer.
    #[error("could not decode body: no request with a uid")]
    NoRequest,
}

/// An object in a review that is not JSON of an object; it is refused by name, not by HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenObject;

impl<'a> Review<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ReviewError> {
        let wire: Wire<'a, WireRequest<'a>> =
            serde_json::from_slice(body).map_err(|error| json(&error))?;
        require_kind(
            &wire.api_version,
            &wire.kind,
            "admission.k8s.io/v1, Kind=AdmissionReview",
        )?;
        let request = wire.request.filter(|request| !request.uid.is_empty());
        let request = request.ok_or(ReviewError::NoRequest)?;
        Ok(Self {
            uid: request.uid,
            operation: match request.operation.as_str() {
                "CREATE" => Operation::Create,
                "UPDATE" => Operation::Update,
                _ => Operation::Other,
            },
            kind: request.kind,
            sub_resource: request.sub_resource.unwrap_or_default(),
            namespace: request.namespace.unwrap_or_default(),
            object: request.object,
            old_object: request.old_object,
        })
    }

    /// The object as it shall be.
    pub(crate) fn object(&self) -> Result<Value, BrokenObject> {
        self.object.and_then(parse_object).ok_or(BrokenObject)
    }

    /// The object as it is; nothing where it is new or not readable.
    pub(crate) fn old_object(&self) -> Option<Value> {
        self.old_object.and_then(parse_object)
    }
}

/// A question about objects in another version.
#[derive(Debug)]
pub(crate) struct ConversionReview {
    pub(crate) uid: String,
    pub(crate) desired_version: String,
    pub(crate) objects: Vec<Value>,
}

impl ConversionReview {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ReviewError> {
        let wire: Wire<'_, WireConversion> =
            serde_json::from_slice(body).map_err(|error| json(&error))?;
        require_kind(
            &wire.api_version,
            &wire.kind,
            "apiextensions.k8s.io/v1, Kind=ConversionReview",
        )?;
        let request = wire.request.filter(|request| !request.uid.is_empty());
        let request = request.ok_or(ReviewError::NoRequest)?;
        Ok(Self {
            uid: request.uid,
            desired_version: request.desired_api_version,
            objects: request.objects,
        })
    }
}

impl std::fmt::Display for GroupVersionKind {
    /// As Go writes it: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}/{}, Kind={}",
            self.group, self.version, self.kind
        )
    }
}

/// Finds the uid at the beginning of a review that was not read to its end.
pub(crate) fn uid_of_beginning(beginning: &[u8]) -> Option<&str> {
    // Reviews are written by one program, Go's encoder, in the order of its struct.
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(beginning.get(..error.valid_up_to())?).ok()?,
    };
    let (_, request) = text.split_once("\"request\":{\"uid\":\"")?;
    let (uid, _) = request.split_once('"')?;
    let valid = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    (uid.len() == 36 && uid.bytes().all(valid)).then_some(uid)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a, R> {
    #[serde(default, borrow)]
    api_version: std::borrow::Cow<'a, str>,
    #[serde(default, borrow)]
    kind: std::borrow::Cow<'a, str>,
    request: Option<R>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRequest<'a> {
    #[serde(default)]
    uid: &'a str,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    kind: GroupVersionKind,
    sub_resource: Option<String>,
    namespace: Option<String>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    old_object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireConversion {
    #[serde(default)]
    uid: String,
    #[serde(default, rename = "desiredAPIVersion")]
    desired_api_version: String,
    #[serde(default)]
    objects: Vec<Value>,
}

fn require_kind(api_version: &str, kind: &str, expected: &'static str) -> Result<(), ReviewError> {
    let found = format!("{api_version}, Kind={kind}");
    if found == expected {
        Ok(())
    } else {
        Err(ReviewError::Kind { expected, found })
    }
}

fn parse_object(text: &RawValue) -> Option<Value> {
    serde_json::from_str(text.get())
        .ok()
        .filter(Value::is_object)
}

fn json(error: &serde_json::Error) -> ReviewError {
    ReviewError::Json {
        line: error.line(),
        column: error.column(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_review() {
        let check = |body: &str, wanted: ReviewError| {
            assert_eq!(
                Review::parse(body.as_bytes()).unwrap_err(),
                wanted,
                "{body}"
            );
        };
        check("", ReviewError::Json { line: 1, column: 0 });
        check("[]", ReviewError::Json { line: 1, column: 2 });
        check(
            "{}",
            ReviewError::Kind {
                expected: "admission.k8s.io/v1, Kind=AdmissionReview",
                found: ", Kind=".to_owned(),
            },
        );
        let review = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview""#;
        check(&format!("{review}}}"), ReviewError::NoRequest);
        check(
            &format!("{review},\"request\":{{}}}}"),
            ReviewError::NoRequest,
        );
        let old = review.replace("io/v1", "io/v1beta1");
        assert!(matches!(
            Review::parse(format!("{old}}}").as_bytes()),
            Err(ReviewError::Kind { .. })
        ));
        let deep = format!("{review},\"request\":{}", "{\"kind\":".repeat(100_000));
        assert!(matches!(
            Review::parse(deep.as_bytes()),
            Err(ReviewError::Json { .. })
        ));
    }

    #[test]
    fn an_object_that_is_none() {
        let review = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":
            {"uid":"u","object":OBJECT,"oldObject":null}}"#;
        let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for object in ["null", "7", "[]", &format!("{{\"a\":{nested}}}")] {
            let body = review.replace("OBJECT", object);
            let review = Review::parse(body.as_bytes()).unwrap();
            assert_eq!(review.object(), Err(BrokenObject), "{object}");
            assert_eq!(review.old_object(), None);
        }
    }

    #[test]
    fn the_uid_of_a_beginning() {
        let uid = "06b83823-6571-4f75-9d5a-a1a37d770afa";
        let begin =
            format!("{{\"kind\":\"AdmissionReview\",\"request\":{{\"uid\":\"{uid}\",\"x\":\"");
        assert_eq!(uid_of_beginning(begin.as_bytes()), Some(uid));
        let mut cut = begin.clone().into_bytes();
        cut.push(0xc3);
        assert_eq!(uid_of_beginning(&cut), Some(uid));
        assert_eq!(
            uid_of_beginning(b"{\"request\":{\"uid\":\"<script>\""),
            None
        );
        assert_eq!(uid_of_beginning(b""), None);
    }
}
