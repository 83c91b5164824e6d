//! Pushing blobs: ask whether it is there, else POST and PUT.

use std::path::PathBuf;

use bytes::Bytes;
use countersign_artifact::{Descriptor, Digest};
use http::Method;
use http::header::{CONTENT_TYPE, LOCATION};
use url::Url;

use super::Repository;
use super::access::{Asked, Target, location, refusal};
use super::client::Client;
use super::error::{Fault, RegistryError, Resource};
use crate::transport::{OutgoingBody, Repeat};

/// Where the bytes of a blob come from.
#[derive(Clone, Debug)]
pub enum BlobSource {
    /// Memory.
    Bytes(Bytes),
    /// A file that holds just the blob.
    File(PathBuf),
    /// A file that holds the blob and more, an archive.
    FilePart {
        /// The file.
        path: PathBuf,
        /// Where in it the blob begins.
        start: u64,
    },
}

/// Whether a pushed blob was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It was there.
    Present,
    /// It was sent.
    Sent,
}

impl Client {
    /// Tells whether the repository has a blob.
    pub async fn has_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<bool, RegistryError> {
        let resource = blob_resource(repository, digest);
        let due = self.due();
        let mut asked = Asked::get(&resource, format!("blobs/{digest}"), due);
        asked.method = Method::HEAD;
        let response = self.ask_any(&asked).await?;
        match response.status().as_u16() {
            404 => Ok(false),
            200..=299 => Ok(true),
            _ => Err(refusal(response, due).await.of(&resource)),
        }
    }

    /// Pushes a blob, unless the repository has it.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        source: BlobSource,
    ) -> Result<Pushed, RegistryError> {
        if self.has_blob(repository, &blob.digest).await? {
            return Ok(Pushed::Present);
        }
        self.upload_blob(repository, blob, source).await?;
        Ok(Pushed::Sent)
    }

    /// Pushes a blob without asking whether it is there.
    pub(crate) async fn upload_blob(
        &self,
        repository: &Repository,
        blob: &Descriptor,
        source: BlobSource,
    ) -> Result<(), RegistryError> {
        let resource = blob_resource(repository, &blob.digest);
        let mut attempt = 1;
        loop {
            // An upload that broke is begun anew: what the registry kept of it is not known.
            match self.upload(&resource, blob, &source).await {
                Err(error) if attempt < UPLOAD_ATTEMPTS && may_pass(&error) => attempt += 1,
                done => return done,
            }
        }
    }

    async fn upload(
        &self,
        resource: &Resource,
        blob: &Descriptor,
        source: &BlobSource,
    ) -> Result<(), RegistryError> {
        let start = Target::Path("blobs/uploads/".to_owned());
        let asked = Asked::push(resource, Method::POST, start, self.due());
        let response = self.ask(&asked).await?;
        let mut place = upload_place(&response)
            .ok_or_else(|| Fault::Header { name: "Location" }.of(resource))?;
        place
            .query_pairs_mut()
            .append_pair("digest", &blob.digest.to_string());
        let body = match source {
            BlobSource::Bytes(bytes) => OutgoingBody::Bytes(bytes.clone()),
            BlobSource::File(path) => OutgoingBody::File {
                path: path.clone(),
                start: 0,
                size: blob.size,
            },
            BlobSource::FilePart { path, start } => OutgoingBody::File {
                path: path.clone(),
                start: *start,
                size: blob.size,
            },
        };
        let due = self.transport.transfer_due();
        let mut asked = Asked::push(resource, Method::PUT, Target::Url(place), due)
            .header(CONTENT_TYPE, "application/octet-stream")?
            .body(body);
        asked.repeat = Repeat::Forbidden;
        self.ask(&asked).await?;
        Ok(())
    }
}

/// The answer's own URL is the base: after a scheme was tried in vain only it knows the right one.
fn upload_place(response: &reqwest::Response) -> Option<Url> {
    response.headers().get(LOCATION)?;
    location(response, response.url())
}

fn may_pass(error: &RegistryError) -> bool {
    matches!(
        *error.fault,
        Fault::Failed { .. } | Fault::Transport(crate::transport::TransportFault::Broken { .. })
    )
}

fn blob_resource(repository: &Repository, digest: &Digest) -> Resource {
    Resource::Blob {
        repository: repository.clone(),
        digest: *digest,
    }
}

const UPLOAD_ATTEMPTS: u32 = 3;
