//! One request to a registry with everything around it: the scheme, credentials, redirects.

use std::time::Duration;

use bytes::Bytes;
use countersign_artifact::Scheme;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use reqwest::Response;
use tokio::time::Instant;
use url::Url;

use super::challenge::{Challenge, challenges};
use super::client::Client;
use super::error::{Fault, RegistryError, Resource, TokenFault, detail_of};
use super::token::{Right, Scope, TokenServer, basic, bearer};
use super::{Credential, Repository};
use crate::transport::{Outgoing, OutgoingBody, Repeat, read_capped, retry_after};

/// A request for a path of a repository.
pub(super) struct Asked<'a> {
    pub(super) repository: &'a Repository,
    pub(super) resource: &'a Resource,
    pub(super) method: Method,
    /// Below `/v2/<repository>/`, or a whole URL that the registry gave.
    pub(super) target: Target,
    pub(super) right: Right,
    pub(super) headers: HeaderMap,
    pub(super) body: OutgoingBody,
    pub(super) repeat: Repeat,
    pub(super) due: Instant,
}

#[derive(Clone, Debug)]
pub(super) enum Target {
    Path(String),
    Url(Url),
}

impl<'a> Asked<'a> {
    pub(super) fn get(resource: &'a Resource, path: String, due: Instant) -> Self {
        Self {
            repository: resource.repository(),
            resource,
            method: Method::GET,
            target: Target::Path(path),
            right: Right::Pull,
            headers: HeaderMap::new(),
            body: OutgoingBody::Empty,
            repeat: Repeat::Allowed,
            due,
        }
    }

    pub(super) fn push(
        resource: &'a Resource,
        method: Method,
        target: Target,
        due: Instant,
    ) -> Self {
        Self {
            method,
            target,
            right: Right::PullAndPush,
            ..Self::get(resource, String::new(), due)
        }
    }

    pub(super) fn header(
        mut self,
        name: http::HeaderName,
        value: &str,
    ) -> Result<Self, RegistryError> {
        let value = HeaderValue::from_str(value).map_err(|_| {
            Fault::Header {
                name: "Content-Type",
            }
            .of(self.resource)
        })?;
        self.headers.append(name, value);
        Ok(self)
    }

    pub(super) fn body(mut self, body: OutgoingBody) -> Self {
        self.body = body;
        self
    }

    fn outgoing(&self, scheme: Scheme) -> Result<Outgoing, Fault> {
        let url = match &self.target {
            Target::Url(url) => url.clone(),
            Target::Path(path) => {
                let (registry, name) = (self.repository.registry(), self.repository.path());
                let url = format!("{}://{registry}/v2/{name}/{path}", scheme.as_str());
                Url::parse(&url).map_err(|_| Fault::Header { name: "Host" })?
            }
        };
        Ok(Outgoing {
            method: self.method.clone(),
            url,
            headers: self.headers.clone(),
            body: self.body.clone(),
        })
    }
}

/// The header that meets a challenge, and for how long.
type Met = (HeaderValue, Option<Duration>);

impl Client {
    /// Sends a request and gives the answer if its status is a success.
    pub(super) async fn ask(&self, asked: &Asked<'_>) -> Result<Response, RegistryError> {
        let response = self.ask_any(asked).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response, asked.due).await.of(asked.resource))
    }

    /// Sends a request and gives the answer whatever its status, except 401: that is met with
    /// credentials, and an error if they do not suffice.
    pub(super) async fn ask_any(&self, asked: &Asked<'_>) -> Result<Response, RegistryError> {
        match self.authorised(asked).await {
            Ok(response) => Ok(response),
            Err(fault) => Err(fault.of(asked.resource)),
        }
    }

    async fn authorised(&self, asked: &Asked<'_>) -> Result<Response, Fault> {
        let scope = Scope {
            registry: asked.repository.registry().to_owned(),
            repository: asked.repository.path().to_owned(),
            right: asked.right,
        };
        let slot = self.shared.grants.slot(&scope);
        // 1. With what we have, which the first time is nothing.
        let sent = slot.lock().await.header();
        let (response, scheme) = self.reach(asked, sent.as_ref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        // 2. The registry says what it wants. One task fetches it, the others find it here.
        let offered = challenges(response.headers());
        let mut grant = slot.lock().await;
        if grant.header() == sent || grant.header().is_none() {
            grant.forget();
            let (registry, path) = (asked.repository.registry(), asked.repository.path());
            let credential = self.shared.keychain.credential(registry, path).await?;
            match self
                .meet(&offered, &credential, &scope, scheme, asked.due)
                .await?
            {
                Some((header, lifetime)) => grant.remember(header, lifetime),
                None => return Err(unauthorized(response, &credential, asked.due).await),
            }
        }
        let header = grant.header();
        drop(grant);
        drop(response);
        // 3. Again, once.
        let (response, _) = self.reach(asked, header.as_ref()).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            slot.lock().await.forget();
            let (registry, path) = (asked.repository.registry(), asked.repository.path());
            let credential = self.shared.keychain.credential(registry, path).await?;
            return Err(unauthorized(response, &credential, asked.due).await);
        }
        Ok(response)
    }

    /// Turns a challenge into the header that meets it, if our credentials can.
    async fn meet(
        &self,
        offered: &[Challenge],
        credential: &Credential,
        scope: &Scope,
        scheme: Scheme,
        due: Instant,
    ) -> Result<Option<Met>, Fault> {
        if let Credential::RegistryToken(token) = credential {
            return Ok(bearer(token).map(|header| (header, None)));
        }
        for challenge in offered {
            match (challenge, credential) {
                (Challenge::Basic, Credential::Basic { username, password }) => {
                    return Ok(Some((basic(username, password), None)));
                }
                (Challenge::Basic, _) => {}
                (
                    Challenge::Bearer {
                        realm,
                        service,
                        scope: theirs,
                    },
                    _,
                ) => {
                    let tls = scheme == Scheme::Https;
                    let (service, theirs) = (service.clone(), theirs.clone());
                    let server = TokenServer::of_challenge(realm, service, theirs, scope, tls)
                        .map_err(|reason| no_token(scope.registry.clone(), reason))?;
                    let token = server.fetch(&self.transport, credential, due).await;
                    let (header, life) = token.map_err(|reason| no_token(server.host(), reason))?;
                    return Ok(Some((header, Some(life))));
                }
            }
        }
        Ok(None)
    }

    /// Sends a request with the scheme that the registry speaks.
    async fn reach(
        &self,
        asked: &Asked<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<(Response, Scheme), Fault> {
        let registry = asked.repository.registry();
        let to_try = match &asked.target {
            Target::Url(url) if url.scheme() == "http" => vec![Scheme::Http],
            Target::Url(_) => vec![Scheme::Https],
            Target::Path(_) => self.shared.schemes.to_try(registry),
        };
        let mut first_answer = None;
        for (at, scheme) in to_try.iter().copied().enumerate() {
            let more = at + 1 < to_try.len();
            match self.follow(asked, scheme, authorization, more).await {
                // A TLS port answers plain HTTP with 400.
                Ok(response) if more && response.status() == StatusCode::BAD_REQUEST => {
                    first_answer = Some((Ok(response), scheme));
                }
                Ok(response) => {
                    if more || to_try.len() > 1 {
                        self.shared.schemes.learn(registry, scheme);
                    }
                    return Ok((response, scheme));
                }
                Err(Fault::Transport(fault)) if more && fault.suggests_other_scheme() => {
                    first_answer = Some((Err(Fault::Transport(fault)), scheme));
                }
                Err(fault) => {
                    let (first, scheme) = first_answer.unwrap_or((Err(fault), scheme));
                    return Ok((first?, scheme));
                }
            }
        }
        Err(Fault::Redirect {
            reason: "no scheme is left",
        })
    }

    /// Sends a request and follows where a GET or HEAD is sent to. Credentials go to the registry
    /// alone: storage behind it must not see them, and signed URLs refuse a second authorization.
    async fn follow(
        &self,
        asked: &Asked<'_>,
        scheme: Scheme,
        authorization: Option<&HeaderValue>,
        probing: bool,
    ) -> Result<Response, Fault> {
        let mut outgoing = asked.outgoing(scheme)?;
        let home = outgoing.url.clone();
        // A host that may speak another scheme is asked once; trying again is for those known.
        let repeat = if probing {
            Repeat::Forbidden
        } else {
            asked.repeat
        };
        for _ in 0..MAX_REDIRECTS {
            outgoing.headers.remove(AUTHORIZATION);
            if let Some(value) =
                authorization.filter(|_| self.may_have_credentials(asked, &outgoing.url, &home))
            {
                outgoing.headers.insert(AUTHORIZATION, value.clone());
            }
            let response = self.transport.send(&outgoing, repeat, asked.due).await?;
            let follows = matches!(asked.method, Method::GET | Method::HEAD);
            if !follows || !is_redirect(response.status()) {
                return Ok(response);
            }
            let next = location(&response, &outgoing.url).ok_or(Fault::Redirect {
                reason: "it names no URL",
            })?;
            if outgoing.url.scheme() == "https" && next.scheme() != "https" {
                return Err(Fault::Redirect {
                    reason: "it leads away from TLS",
                });
            }
            outgoing.url = next;
        }
        Err(Fault::Redirect {
            reason: "there are too many",
        })
    }

    fn may_have_credentials(&self, asked: &Asked<'_>, url: &Url, home: &Url) -> bool {
        match asked.target {
            Target::Path(_) => url.origin() == home.origin(),
            // A URL that the registry gave may be anywhere.
            Target::Url(_) => {
                let registry = asked.repository.registry();
                let own = Url::parse(&format!("{}://{registry}/", url.scheme()));
                own.is_ok_and(|own| own.origin() == url.origin())
                    && self
                        .shared
                        .schemes
                        .to_try(registry)
                        .iter()
                        .any(|scheme| scheme.as_str() == url.scheme())
            }
        }
    }
}

/// The URL in `Location`, made absolute.
pub(super) fn location(response: &Response, base: &Url) -> Option<Url> {
    let text = response.headers().get(LOCATION)?.to_str().ok()?;
    let url = base.join(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// Reads what the registry says about a refusal.
pub(super) async fn refusal(response: Response, due: Instant) -> Fault {
    let (status, wait) = (response.status(), retry_after(response.headers()));
    let body = read_capped(response, MAX_ERROR_BODY, due).await;
    Fault::of_status(status, wait, &body.unwrap_or_else(|_| Bytes::new()))
}

async fn unauthorized(response: Response, credential: &Credential, due: Instant) -> Fault {
    let body = read_capped(response, MAX_ERROR_BODY, due).await;
    Fault::Unauthorized {
        anonymous: *credential == Credential::Anonymous,
        detail: body.map(|body| detail_of(&body)).unwrap_or_default(),
    }
}

fn no_token(server: String, reason: TokenFault) -> Fault {
    Fault::NoToken { server, reason }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Registries redirect once, to storage; some storage once more.
const MAX_REDIRECTS: usize = 5;
const MAX_ERROR_BODY: u64 = 64 * 1024;
