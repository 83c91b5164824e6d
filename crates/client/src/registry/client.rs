//! The client: its parts and how it is made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_artifact::Digest;
use tokio::time::Instant;

use super::Repository;
use super::keychain::Keychain;
use super::scheme::{PlainHttp, Schemes};
use super::token::Grants;
use crate::transport::{Transport, TransportFault, TransportOptions};

/// A client of registries. Cheap to clone; clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
    pub(super) transport: Transport,
}

/// What a client is made with.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Certificates and patience.
    pub transport: TransportOptions,
    /// Where plain HTTP may be spoken.
    pub plain_http: PlainHttp,
    /// Who we are.
    pub keychain: Keychain,
}

/// Whoever holds it writes.
type IndexWriter = Arc<tokio::sync::Mutex<()>>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) keychain: Keychain,
    pub(super) schemes: Schemes,
    pub(super) grants: Grants,
    index_writers: Mutex<HashMap<(Repository, Digest), IndexWriter>>,
}

impl Client {
    /// Prepares a client. Nothing is sent.
    pub fn new(options: ClientOptions) -> Result<Self, TransportFault> {
        Ok(Self {
            transport: Transport::new(options.transport)?,
            shared: Arc::new(Shared {
                keychain: options.keychain,
                schemes: Schemes::new(options.plain_http),
                grants: Grants::default(),
                index_writers: Mutex::default(),
            }),
        })
    }

    /// The same client for work that must end at `deadline`.
    #[must_use]
    pub fn until(&self, deadline: std::time::Instant) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            transport: self.transport.until(deadline),
        }
    }

    /// The connections, for services beside the registry.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(super) fn due(&self) -> Instant {
        self.transport.due()
    }

    /// The lock that lets one task of this process at a time write the list of referrers of `subject`.
    pub(super) fn index_writer(&self, repository: &Repository, subject: &Digest) -> IndexWriter {
        let writers = self.shared.index_writers.lock();
        let mut writers = writers.unwrap_or_else(PoisonError::into_inner);
        writers.retain(|_, writer| Arc::strong_count(writer) > 1);
        Arc::clone(writers.entry((repository.clone(), *subject)).or_default())
    }
}
