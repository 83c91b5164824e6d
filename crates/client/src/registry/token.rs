//! Tokens that let a request in, fetched once and shared.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::Credential;
use super::error::{TokenFault, detail_of};
use crate::Secret;
use crate::transport::{Outgoing, OutgoingBody, Repeat, Transport, read_capped};

/// What a request needs to be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Right {
    Pull,
    PullAndPush,
}

/// Who may do what where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) registry: String,
    pub(super) repository: String,
    pub(super) right: Right,
}

/// The value of an `Authorization` header, and when it ends to be of use.
#[derive(Clone)]
struct Grant {
    header: HeaderValue,
    until: Option<Instant>,
}

/// The grants of all registries. One task at a time fetches for one scope; the others wait for it.
#[derive(Default)]
pub(super) struct Grants {
    slots: Mutex<HashMap<Scope, Slot>>,
}

/// Held over the fetch on purpose: the others wait for its result instead of fetching too.
pub(super) type Slot = Arc<tokio::sync::Mutex<GrantSlot>>;

#[derive(Default)]
pub(super) struct GrantSlot(Option<Grant>);

impl Grants {
    pub(super) fn slot(&self, scope: &Scope) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(scope.clone()).or_default())
    }
}

impl GrantSlot {
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let grant = self.0.as_ref()?;
        let fresh = grant.until.is_none_or(|until| Instant::now() < until);
        fresh.then(|| grant.header.clone())
    }

    pub(super) fn remember(&mut self, header: HeaderValue, lifetime: Option<Duration>) {
        let until = lifetime.map(|lifetime| Instant::now() + lifetime.mul_f64(0.9));
        self.0 = Some(Grant { header, until });
    }

    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

impl fmt::Debug for Grants {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Grants(..)")
    }
}

/// A token server, as a challenge names it.
pub(super) struct TokenServer {
    realm: Url,
    service: Option<String>,
    scopes: Vec<String>,
}

impl TokenServer {
    /// Reads the challenge of a registry that is spoken to over TLS or not. A registry with TLS must
    /// not send us to a server without: whoever listens there would get the password.
    pub(super) fn of_challenge(
        realm: &str,
        service: Option<String>,
        challenge_scope: Option<String>,
        scope: &Scope,
        registry_has_tls: bool,
    ) -> Result<Self, TokenFault> {
        let realm = Url::parse(realm).map_err(|_| TokenFault::Challenge)?;
        let allowed = match realm.scheme() {
            "https" => true,
            "http" => !registry_has_tls,
            _ => false,
        };
        if !allowed || realm.host_str().is_none() {
            return Err(TokenFault::Challenge);
        }
        let mut scopes = vec![scope.text()];
        // Some registries name what they want in their own words; what we asked for covers `pull`.
        let covered = format!("repository:{}:", scope.repository);
        scopes.extend(challenge_scope.filter(|theirs| {
            !theirs.is_empty() && theirs.len() <= 1024 && !theirs.starts_with(&covered)
        }));
        Ok(Self {
            realm,
            service,
            scopes,
        })
    }

    pub(super) fn host(&self) -> String {
        self.realm.host_str().unwrap_or_default().to_owned()
    }

    /// Asks for a token: by GET with name and password or with nothing (the Docker token
    /// specification), by POST with an identity token (its OAuth2 form).
    pub(super) async fn fetch(
        &self,
        transport: &Transport,
        credential: &Credential,
        due: Instant,
    ) -> Result<(HeaderValue, Duration), TokenFault> {
        let outgoing = match credential {
            Credential::IdentityToken(token) => self.oauth_request(token),
            Credential::Basic { username, password } => {
                self.plain_request(Some(basic(username, password)))
            }
            Credential::Anonymous | Credential::RegistryToken(_) => self.plain_request(None),
        };
        let response = transport.send(&outgoing, Repeat::Allowed, due).await?;
        let status = response.status();
        let body = read_capped(response, MAX_ANSWER, due).await;
        if status != StatusCode::OK {
            return Err(TokenFault::Refused {
                status: status.as_u16(),
                detail: body.map(|body| detail_of(&body)).unwrap_or_default(),
            });
        }
        let body = body.map_err(crate::transport::TransportFault::from)?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| TokenFault::NoToken)?;
        let token = [answer.token, answer.access_token]
            .into_iter()
            .flatten()
            .find(|token| !token.expose().is_empty())
            .ok_or(TokenFault::NoToken)?;
        let header = bearer(&token).ok_or(TokenFault::NoToken)?;
        // 60 seconds where nothing is said (Docker token specification).
        let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(60).clamp(1, 24 * 3600));
        Ok((header, lifetime))
    }

    fn plain_request(&self, authorization: Option<HeaderValue>) -> Outgoing {
        let mut url = self.realm.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = &self.service {
                query.append_pair("service", service);
            }
            for scope in &self.scopes {
                query.append_pair("scope", scope);
            }
        }
        let headers = authorization.map(|value| (AUTHORIZATION, value));
        Outgoing {
            method: Method::GET,
            url,
            headers: headers.into_iter().collect(),
            body: OutgoingBody::Empty,
        }
    }

    fn oauth_request(&self, token: &Secret) -> Outgoing {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "countersign")
            .append_pair("refresh_token", token.expose())
            .append_pair("scope", &self.scopes.join(" "));
        if let Some(service) = &self.service {
            form.append_pair("service", service);
        }
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        Outgoing {
            method: Method::POST,
            url: self.realm.clone(),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, form_type)]),
            body: OutgoingBody::Bytes(form.finish().into()),
        }
    }
}

impl Scope {
    fn text(&self) -> String {
        let right = match self.right {
            Right::Pull => "pull",
            Right::PullAndPush => "pull,push",
        };
        format!("repository:{}:{right}", self.repository)
    }
}

#[derive(Deserialize)]
struct Answer {
    token: Option<Secret>,
    access_token: Option<Secret>,
    expires_in: Option<u64>,
}

/// The header that sends name and password.
pub(super) fn basic(username: &str, password: &Secret) -> HeaderValue {
    let pair = zeroize::Zeroizing::new(format!("{username}:{}", password.expose()));
    let text = zeroize::Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).expect("base64 is fit for a header");
    value.set_sensitive(true);
    value
}

/// The header that sends a token, if it is one that a header can hold.
pub(super) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let text = zeroize::Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Tokens of large installations have some kilobytes.
const MAX_ANSWER: u64 = 256 * 1024;
