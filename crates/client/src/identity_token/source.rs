//! Where to get a token, in cosign's order: what was given, GitHub's, `SIGSTORE_ID_TOKEN`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::{Ambient, IdentityToken, IdentityTokenError, MAX_TOKEN};
use crate::Secret;
use crate::service::{Refusal, get};
use crate::transport::{Repeat, Transport};

/// Where a token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// From `--identity-token`: a token, or the path of a file that holds one.
    Given(Secret),
    /// From the surroundings.
    Ambient(Ambient),
}

/// Gets an identity token.
pub async fn identity_token(
    transport: &Transport,
    source: &TokenSource,
) -> Result<IdentityToken, IdentityTokenError> {
    match source {
        TokenSource::Given(text) => given(text),
        TokenSource::Ambient(ambient) => match (&ambient.github, &ambient.sigstore_id_token) {
            (Some((url, bearer)), _) => of_github(transport, url, bearer).await,
            (None, Some(token)) => IdentityToken::parse(token.clone()),
            (None, None) => Err(IdentityTokenError::NoSource {
                in_github_actions: ambient.in_github_actions,
            }),
        },
    }
}

fn given(text: &Secret) -> Result<IdentityToken, IdentityTokenError> {
    let refused = match IdentityToken::parse(text.clone()) {
        Err(IdentityTokenError::NotAToken) => IdentityTokenError::NotAToken,
        read => return read,
    };
    // A broken token must not come back in a message as the name of a file.
    let path = Path::new(text.expose());
    let plausible = text.expose().len() < LONGEST_PATH && !text.expose().contains('\0');
    if !plausible || (text.expose().starts_with("eyJ") && !path.exists()) {
        return Err(refused);
    }
    IdentityToken::parse(read_file(path)?)
}

fn read_file(path: &Path) -> Result<Secret, IdentityTokenError> {
    let failed = |error: std::io::Error| IdentityTokenError::File {
        path: PathBuf::from(path),
        kind: error.kind(),
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    // One byte more than allowed, so that it is seen.
    let mut capped = file.take(MAX_TOKEN as u64 + 1);
    capped.read_to_string(&mut text).map_err(failed)?;
    Ok(Secret::new(text))
}

/// Asks the runner of a GitHub workflow.
async fn of_github(
    transport: &Transport,
    url: &str,
    bearer: &Secret,
) -> Result<IdentityToken, IdentityTokenError> {
    #[derive(Deserialize)]
    struct Given {
        value: Option<Secret>,
    }
    let mut url = Url::parse(url).map_err(|_| IdentityTokenError::RequestUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(IdentityTokenError::RequestUrl);
    }
    // The URL has a query already.
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let mut outgoing = get(url.clone());
    let mut header = HeaderValue::from_str(&format!("bearer {}", bearer.expose()))
        .map_err(|_| IdentityTokenError::RequestUrl)?;
    header.set_sensitive(true);
    outgoing.headers.insert(AUTHORIZATION, header);
    outgoing
        .headers
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    let answer = transport
        .exchange(&outgoing, Repeat::Allowed, MAX_ANSWER)
        .await?;
    if !answer.status.is_success() {
        return Err(IdentityTokenError::Refused(Refusal::of(&url, &answer)));
    }
    let given: Given =
        serde_json::from_slice(&answer.body).map_err(|_| IdentityTokenError::NoValue)?;
    IdentityToken::parse(given.value.ok_or(IdentityTokenError::NoValue)?)
}

/// Whom Fulcio wants tokens to be for.
const AUDIENCE: &str = "sigstore";
const MAX_ANSWER: u64 = 2 * MAX_TOKEN as u64;
/// PATH_MAX of Linux.
const LONGEST_PATH: usize = 4096;
