//! Why a folder of policies is not taken.

use std::io;
use std::path::{Path, PathBuf};

use countersign_policy::wire::DecodeError;
use countersign_policy::yaml::{Position, YamlError};
use countersign_policy::{Fault, FieldErrors, TrustRootObjectError};

/// Why a folder of policies is not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PoliciesError {
    /// The folder cannot be listed.
    #[error("cannot read the folder {}: {kind}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {kind}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// More files than anybody has.
    #[error("more than {limit} files in {}", folder.display())]
    TooManyFiles {
        /// The folder.
        folder: PathBuf,
        /// The most.
        limit: usize,
    },
    /// A file is too large, or all of them together.
    #[error("{} is larger than the {limit} bytes that are left for it", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The most.
        limit: usize,
    },
    /// A file is not UTF-8.
    #[error("{} is no text in UTF-8", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
    },
    /// A document is not what it should be.
    #[error(transparent)]
    Document(Box<DocumentError>),
}

/// What is wrong with one document.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}:{}:{}: {}{fault}", file.display(), at.line, at.column, named(*document, object))]
pub struct DocumentError {
    /// The file.
    pub file: PathBuf,
    /// Which document of the file, from 1; 0 where the file is not YAML.
    pub document: usize,
    /// The place in the file, as near as it is known.
    pub at: Position,
    /// ``ClusterImagePolicy `release` ``; empty where that is not known.
    pub object: String,
    /// What is wrong.
    pub fault: DocumentFault,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DocumentFault {
    /// The file is not YAML.
    #[error("{0}")]
    Yaml(YamlError),
    /// Not an object with `apiVersion` and `kind`.
    #[error("expected an object with apiVersion and kind")]
    NoKind,
    /// A kind, or a version, that no policy needs.
    #[error(
        "{api_version}, Kind={kind} is not read here; expected a ClusterImagePolicy or TrustRoot of \
         policy.sigstore.dev, or a Secret or ConfigMap of v1"
    )]
    Kind {
        /// `apiVersion`.
        api_version: String,
        /// `kind`.
        kind: String,
    },
    /// `metadata.name` is missing.
    #[error("metadata.name is missing")]
    NoName,
    /// Two objects of one kind and name.
    #[error("the same object is in {}", first.display())]
    Twice {
        /// The file that has the first.
        first: PathBuf,
    },
    /// A field that does not exist, or has a value of another type.
    #[error("{0}")]
    Decode(DecodeError),
    /// A rule of the API is broken.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// Parts of a policy that cannot be used; at least one.
    #[error("{}", faults(.0))]
    Policy(Vec<Fault>),
    /// A policy names a trust root that is not in the folder.
    #[error("{field}: there is no TrustRoot `{name}` in this folder")]
    NoTrustRoot {
        /// The field that names it.
        field: String,
        /// Its name.
        name: String,
    },
    /// A rule of a policy is somewhere else.
    #[error(
        "{field}: rules are not fetched from addresses yet; put the text of {url} into `data`, or \
         into a ConfigMap of this folder"
    )]
    RemoteRule {
        /// The field.
        field: String,
        /// The address.
        url: String,
    },
    /// A trust root that cannot be used.
    #[error("{0}")]
    TrustRoot(TrustRootObjectError),
    /// A Secret or ConfigMap of another namespace than the controller's.
    #[error(
        "policies see Secrets and ConfigMaps of namespace `{expected}` only, this is of `{found}`"
    )]
    Namespace {
        /// The controller's.
        expected: String,
        /// The object's.
        found: String,
    },
    /// A field of a Secret or ConfigMap has the wrong type.
    #[error("`{field}` is not {expected}")]
    Field {
        /// The field.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl PoliciesError {
    pub(super) fn file(file: &Path, error: &io::Error) -> Self {
        Self::File {
            file: file.to_owned(),
            kind: error.kind(),
        }
    }
}

impl From<DocumentError> for PoliciesError {
    fn from(error: DocumentError) -> Self {
        Self::Document(Box::new(error))
    }
}

fn named(document: usize, object: &str) -> String {
    match (document, object) {
        (0, _) => String::new(),
        (document, "") => format!("document {document}: "),
        (document, object) => format!("document {document}, {object}: "),
    }
}

fn faults(faults: &[Fault]) -> String {
    let Some((first, more)) = faults.split_first() else {
        return String::new();
    };
    let first = format!("{}: {}", first.place, first.kind);
    if more.is_empty() {
        first
    } else {
        format!("{first} (and {} more)", more.len())
    }
}
