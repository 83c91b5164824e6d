//! Tokens that the surroundings offer.

use std::fmt;

use crate::Secret;

/// What the environment says about tokens.
#[derive(Clone, Default)]
pub struct Ambient {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, where a workflow has the
    /// permission `id-token: write`.
    pub github: Option<(String, Secret)>,
    /// `SIGSTORE_ID_TOKEN`.
    pub sigstore_id_token: Option<Secret>,
    /// `GITHUB_ACTIONS`: whether this runs in a workflow, with or without that permission.
    pub in_github_actions: bool,
}

impl Ambient {
    /// Looks at the environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            github: variable("ACTIONS_ID_TOKEN_REQUEST_URL")
                .zip(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN").map(Secret::new)),
            sigstore_id_token: variable("SIGSTORE_ID_TOKEN").map(Secret::new),
            in_github_actions: variable("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        }
    }
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambient")
            .field("github", &self.github.is_some())
            .field("sigstore_id_token", &self.sigstore_id_token.is_some())
            .field("in_github_actions", &self.in_github_actions)
            .finish()
    }
}
