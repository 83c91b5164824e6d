//! Blobs: whole or in pieces, always compared with their digest.

use bytes::{Bytes, BytesMut};
use countersign_artifact::{Descriptor, Digest, DigestHasher};
use reqwest::Response;
use tokio::time::Instant;

use super::Repository;
use super::access::Asked;
use super::client::Client;
use super::error::{Fault, RegistryError, Resource};
use crate::transport::next_piece;

/// A blob on its way. What has been read is worth nothing before the end has come: the digest is
/// known only then.
#[derive(Debug)]
pub struct BlobStream {
    response: Response,
    resource: Resource,
    hasher: Option<DigestHasher>,
    expected: Digest,
    size: u64,
    received: u64,
    due: Instant,
}

impl Client {
    /// Fetches the blob that `wanted` describes into memory. It must not be larger than `limit`.
    pub async fn blob(
        &self,
        repository: &Repository,
        wanted: &Descriptor,
        limit: u64,
    ) -> Result<Bytes, RegistryError> {
        let mut stream = self.blob_stream(repository, wanted, limit).await?;
        let mut whole = BytesMut::with_capacity(wanted.size.min(FIRST_PIECE) as usize);
        while let Some(piece) = stream.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Begins to fetch the blob that `wanted` describes. It must not be larger than `limit`.
    pub async fn blob_stream(
        &self,
        repository: &Repository,
        wanted: &Descriptor,
        limit: u64,
    ) -> Result<BlobStream, RegistryError> {
        let resource = Resource::Blob {
            repository: repository.clone(),
            digest: wanted.digest,
        };
        if wanted.size > limit {
            return Err(Fault::Oversized { limit }.of(&resource));
        }
        let due = self.due();
        let asked = Asked::get(&resource, format!("blobs/{}", wanted.digest), due);
        let response = self.ask(&asked).await?;
        if response
            .content_length()
            .is_some_and(|length| length > wanted.size)
        {
            return Err(Fault::Oversized { limit: wanted.size }.of(&resource));
        }
        Ok(BlobStream {
            response,
            resource,
            hasher: Some(DigestHasher::new(wanted.digest.algorithm())),
            expected: wanted.digest,
            size: wanted.size,
            received: 0,
            // A blob may take longer than a request as long as it keeps coming.
            due: self.transport.transfer_due(),
        })
    }
}

impl BlobStream {
    /// Gives the next piece, or `None` when all have come and are what the digest names.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        if self.hasher.is_none() {
            return Ok(None);
        }
        let (size, received) = (self.size, self.received);
        let piece = next_piece(&mut self.response, Some(size), received, self.due).await;
        let piece = piece.map_err(|fault| Fault::from(fault).of(&self.resource))?;
        match piece {
            Some(piece) => self.take(piece).map(Some),
            None => self.finish().map(|()| None),
        }
    }

    fn take(&mut self, piece: Bytes) -> Result<Bytes, RegistryError> {
        self.received += piece.len() as u64;
        if self.received > self.size {
            return Err(Fault::Oversized { limit: self.size }.of(&self.resource));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&piece);
        }
        Ok(piece)
    }

    fn finish(&mut self) -> Result<(), RegistryError> {
        let Some(hasher) = self.hasher.take() else {
            return Ok(());
        };
        if self.received < self.size {
            let (expected, received) = (Some(self.size), self.received);
            return Err(Fault::Truncated { expected, received }.of(&self.resource));
        }
        let (expected, found) = (self.expected, hasher.finish());
        if expected != found {
            return Err(Fault::DigestMismatch { expected, found }.of(&self.resource));
        }
        Ok(())
    }
}

/// A promised size is not memory yet.
const FIRST_PIECE: u64 = 1024 * 1024;
