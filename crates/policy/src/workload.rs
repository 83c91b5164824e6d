//! The object that wants to run an image.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a policy may ask about the object that names an image.
///
/// Images are judged for an object: its kind and labels decide which policies apply, and rules may look
/// at the rest. Outside a cluster there is no object, and `Workload::default()` says so; policies that
/// ask for a kind do not apply then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// The API group; empty is the core group.
    pub group: String,
    /// The version, `v1`.
    pub version: String,
    /// The kind, `Deployment`.
    pub kind: String,
    /// The namespace, where pull secrets of signatures are looked up.
    pub namespace: String,
    /// The object's own labels, not its template's.
    pub labels: BTreeMap<String, String>,
    /// `spec`, for rules that include it.
    pub spec: Option<Value>,
    /// `metadata`, for rules that include it.
    pub metadata: Option<Value>,
    /// `{kind, apiVersion}`, for rules that include it.
    pub type_meta: Option<Value>,
}

impl Workload {
    /// An object of which only kind and version are known; `api_version` is `apps/v1` or `v1`.
    #[must_use]
    pub fn of_kind(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            ..Self::default()
        }
    }

    /// The plural that Kubernetes guesses for the kind: `deployments`.
    #[must_use]
    pub fn resource(&self) -> String {
        let singular = self.kind.to_lowercase();
        if singular.is_empty() {
            return singular;
        }
        match singular.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None if singular.ends_with('s') => format!("{singular}es"),
            None => format!("{singular}s"),
        }
    }
}
