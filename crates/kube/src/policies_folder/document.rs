//! One document: which object it is, and what is in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_policy::wire::{
    ClusterImagePolicy, DecodeError, GROUP, Object, TrustRoot, UnknownFields,
};
use countersign_policy::yaml::{Node, Position, Step, YamlError, parse};
use serde_json::Value;

use super::error::{DocumentError, DocumentFault};
use super::files::PolicyFile;

/// An object of the folder.
pub(super) struct Document {
    pub(super) origin: Origin,
    pub(super) content: Content,
}

/// Where an object stands.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) file: PathBuf,
    number: usize,
    kind: String,
    pub(super) name: String,
    node: Node,
}

/// What an object is.
pub(super) enum Content {
    Policy(Box<ClusterImagePolicy>),
    TrustRoot(Box<TrustRoot>),
    Secret(BTreeMap<String, Vec<u8>>),
    ConfigMap(BTreeMap<String, String>),
}

/// The documents of a file. `namespace` is the controller's own.
pub(super) fn documents(
    file: &PolicyFile,
    namespace: &str,
) -> Result<Vec<Document>, DocumentError> {
    let nodes = parse(&file.text).map_err(|error| not_yaml(&file.path, error))?;
    let document = |(index, node)| document(&file.path, index + 1, node, namespace);
    nodes.into_iter().enumerate().map(document).collect()
}

fn not_yaml(file: &Path, error: YamlError) -> DocumentError {
    let at = match &error {
        YamlError::Syntax { at, .. } | YamlError::Tag { at, .. } | YamlError::Number { at, .. } => {
            *at
        }
        YamlError::TooDeep(at) | YamlError::Key(at) | YamlError::Merge(at) => *at,
        _ => Position { line: 1, column: 1 },
    };
    let fault = DocumentFault::Yaml(error);
    DocumentError {
        file: file.to_owned(),
        document: 0,
        at,
        object: String::new(),
        fault,
    }
}

fn document(
    file: &Path,
    number: usize,
    node: Node,
    namespace: &str,
) -> Result<Document, DocumentError> {
    let value = node.to_value();
    let text = |pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let api_version = text("/apiVersion").unwrap_or_default();
    let kind = text("/kind").unwrap_or_default();
    let name = text("/metadata/name").unwrap_or_default();
    let origin = Origin {
        file: file.to_owned(),
        number,
        kind: kind.clone(),
        name,
        node,
    };
    if api_version.is_empty() || kind.is_empty() {
        return Err(origin.error(&[], DocumentFault::NoKind));
    }
    let content = match (api_version.as_str(), kind.as_str()) {
        ("v1", "Secret") => Content::Secret(secret(&value, &origin, namespace)?),
        ("v1", "ConfigMap") => Content::ConfigMap(config_map(&value, &origin, namespace)?),
        _ => own_kind(value, &origin, api_version)?,
    };
    if origin.name.is_empty() {
        return Err(origin.error(&[Step::Field("metadata".to_owned())], DocumentFault::NoName));
    }
    Ok(Document { origin, content })
}

fn own_kind(value: Value, origin: &Origin, api_version: String) -> Result<Content, DocumentError> {
    let kind = origin.kind.clone();
    let object = match Object::identify(value) {
        Ok(object) if api_version.starts_with(GROUP) => object,
        _ => return Err(origin.error(&[], DocumentFault::Kind { api_version, kind })),
    };
    let at_field = |error: DecodeError| {
        let path = error.path().to_vec();
        origin.error(&path, DocumentFault::Decode(error))
    };
    match kind.as_str() {
        "TrustRoot" => TrustRoot::decode(&object, UnknownFields::Refuse)
            .map(|root| Content::TrustRoot(Box::new(root))),
        _ => ClusterImagePolicy::decode(&object, UnknownFields::Refuse)
            .map(|policy| Content::Policy(Box::new(policy))),
    }
    .map_err(at_field)
}

/// `data` in base64, and `stringData`, which wins.
fn secret(
    value: &Value,
    origin: &Origin,
    namespace: &str,
) -> Result<BTreeMap<String, Vec<u8>>, DocumentError> {
    origin.require_namespace(value, namespace)?;
    let mut data = BTreeMap::new();
    for (name, text) in texts(value, "data", origin)? {
        let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let bytes = STANDARD.decode(compact);
        let bytes = bytes.map_err(|_| origin.field(&["data", &name], "base64"))?;
        data.insert(name, bytes);
    }
    for (name, text) in texts(value, "stringData", origin)? {
        data.insert(name, text.into_bytes());
    }
    Ok(data)
}

fn config_map(
    value: &Value,
    origin: &Origin,
    namespace: &str,
) -> Result<BTreeMap<String, String>, DocumentError> {
    origin.require_namespace(value, namespace)?;
    texts(value, "data", origin)
}

fn texts(
    value: &Value,
    field: &str,
    origin: &Origin,
) -> Result<BTreeMap<String, String>, DocumentError> {
    let entries = match value.get(field) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(origin.field(&[field], "an object")),
    };
    let text = |(name, value): (&String, &Value)| match value.as_str() {
        Some(text) => Ok((name.clone(), text.to_owned())),
        // In quotes or not: `no-match-policy: warn` is a text, `fail-on-empty-authorities: true` not.
        None => Err(origin.field(&[field, name], "a text; put it in quotes")),
    };
    entries.iter().map(text).collect()
}

impl Origin {
    /// An error about the part at `path`.
    pub(super) fn error(&self, path: &[Step], fault: DocumentFault) -> DocumentError {
        let object = match (self.kind.as_str(), self.name.as_str()) {
            ("", _) => String::new(),
            (kind, "") => kind.to_owned(),
            (kind, name) => format!("{kind} `{name}`"),
        };
        DocumentError {
            file: self.file.clone(),
            document: self.number,
            at: self.node.position_of(path),
            object,
            fault,
        }
    }

    /// The identity of the object in the folder.
    pub(super) fn key(&self) -> (String, String) {
        (self.kind.clone(), self.name.clone())
    }

    fn field(&self, path: &[&str], expected: &'static str) -> DocumentError {
        let steps: Vec<Step> = path
            .iter()
            .map(|name| Step::Field((*name).to_owned()))
            .collect();
        self.error(
            &steps,
            DocumentFault::Field {
                field: path.join("."),
                expected,
            },
        )
    }

    fn require_namespace(&self, value: &Value, expected: &str) -> Result<(), DocumentError> {
        let found = value
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .unwrap_or(expected);
        if found == expected {
            return Ok(());
        }
        let path = ["metadata", "namespace"].map(|name| Step::Field(name.to_owned()));
        let (expected, found) = (expected.to_owned(), found.to_owned());
        Err(self.error(&path, DocumentFault::Namespace { expected, found }))
    }
}
