//! Query parameters.

use std::borrow::Cow;

use countersign_artifact::Digest;
use http::request::Parts;

use super::super::refusal::Refusal;
use super::route;

/// The parameters of one request.
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub(super) fn of(head: &'a Parts) -> Self {
        let text = head.uri.query().unwrap_or_default();
        Self(url::form_urlencoded::parse(text.as_bytes()).collect())
    }

    /// Returns the value of the first `name` that is not empty.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_ref())
    }

    pub(super) fn digest(&self, name: &str) -> Result<Option<Digest>, Refusal> {
        self.first(name).map(route::parse_digest).transpose()
    }

    pub(super) fn count(&self, name: &'static str) -> Result<Option<usize>, Refusal> {
        let parse = |text: &str| text.parse().map_err(|_| Refusal::ParameterInvalid(name));
        self.first(name).map(parse).transpose()
    }
}
