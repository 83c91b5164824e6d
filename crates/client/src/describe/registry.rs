//! Images in registries.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use countersign_artifact::{Digest, ImageManifest, ImageReference, Manifest, Platform};
use countersign_sbom::{Layer, LayerError, Scan, Source};
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::mpsc;

use super::choice::{MAX_NESTING, choose};
use super::plan::{Found, MAX_CONFIGURATION, PlannedLayer, check_kind, plan};
use super::{DescribeError, Described, readers, scan};
use crate::registry::{BlobStream, Client, FetchedManifest, RegistryError, Repository};

/// Describes an image of a registry. Of several platforms the wanted one is read, or the one for this machine.
pub async fn describe_image(
    registry: &Client,
    image: &ImageReference,
    platform: Option<&Platform>,
) -> Result<Described, DescribeError> {
    let (fetched, manifest, index_digest) = resolve(registry, image, platform).await?;
    check_kind(fetched.digest, &manifest)?;
    let repository = Repository::of(image);
    let configuration = registry
        .blob(&repository, &manifest.config, MAX_CONFIGURATION)
        .await?;
    let found = Found {
        name: image.as_typed().to_owned(),
        repository: Some(image.context()),
        tags: image.tag().map(str::to_owned).into_iter().collect(),
        digest: fetched.digest,
        index_digest,
        media_type: fetched.media_type,
    };
    let planned = plan(found, &manifest, &configuration, platform)?;
    let scan = Arc::new(scan());
    let layers = read_layers(&scan, registry, &repository, planned.layers).await?;
    let finish = tokio::task::spawn_blocking(move || scan.finish(layers));
    let inventory = finish.await.map_err(|_| DescribeError::Stopped)??;
    Ok(Described {
        source: Source::Image(planned.source),
        inventory,
    })
}

/// Goes down through indexes to an image.
async fn resolve(
    registry: &Client,
    image: &ImageReference,
    platform: Option<&Platform>,
) -> Result<(FetchedManifest, ImageManifest, Option<Digest>), DescribeError> {
    let mut image = image.clone();
    let mut index_digest = None;
    for _ in 0..=MAX_NESTING {
        let fetched = registry.manifest(&image).await?;
        match &fetched.manifest {
            Manifest::Image(manifest) => {
                let manifest = manifest.clone();
                return Ok((fetched, manifest, index_digest));
            }
            Manifest::Index(index) => {
                index_digest = index_digest.or(Some(fetched.digest));
                image = image.with_digest(choose(index, platform)?.digest);
            }
        }
    }
    Err(DescribeError::NestedIndexes { limit: MAX_NESTING })
}

/// Reads the layers, the top one first, several at once. The first error ends it.
async fn read_layers(
    scan: &Arc<Scan>,
    registry: &Client,
    repository: &Repository,
    layers: Vec<PlannedLayer>,
) -> Result<Vec<Layer>, DescribeError> {
    let count = layers.len();
    let reads = layers
        .into_iter()
        .rev()
        .map(|layer| read_layer(Arc::clone(scan), registry, repository, layer));
    let mut running = stream::iter(reads).buffer_unordered(readers());
    let mut done = Vec::with_capacity(count);
    while let Some(layer) = running.next().await {
        done.push(layer?);
    }
    Ok(done)
}

async fn read_layer(
    scan: Arc<Scan>,
    registry: &Client,
    repository: &Repository,
    layer: PlannedLayer,
) -> Result<Layer, DescribeError> {
    let (reader, expected) = (Arc::clone(&scan), layer.expected);
    let read = move |pieces| reader.read_layer(&expected, pieces);
    let first = read_blob(registry, repository, &layer, read).await?;
    if !first.wants_second_reading() {
        return Ok(first);
    }
    let read = move |pieces| scan.read_layer_again(&first, &expected, pieces);
    read_blob(registry, repository, &layer, read).await
}

/// Fetches here and inflates on a thread for blocking work; a few pieces wait between the two.
async fn read_blob(
    registry: &Client,
    repository: &Repository,
    layer: &PlannedLayer,
    read: impl FnOnce(Pieces) -> Result<Layer, LayerError> + Send + 'static,
) -> Result<Layer, DescribeError> {
    let stream = registry
        .blob_stream(repository, &layer.blob, MAX_LAYER)
        .await?;
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    let pieces = Pieces {
        receiver,
        piece: Bytes::new(),
        ended: false,
    };
    let reading = tokio::task::spawn_blocking(move || read(pieces));
    let fetched = fetch(stream, &sender).await;
    drop(sender);
    let read = reading.await.map_err(|_| DescribeError::Stopped)?;
    match (fetched, read) {
        (Err(error), Err(LayerError::Source { .. })) => Err(error.into()),
        (_, Err(error)) => Err(DescribeError::Layer {
            index: layer.expected.index,
            digest: layer.blob.digest,
            error: Box::new(error),
        }),
        (Err(error), Ok(_)) => Err(error.into()),
        (Ok(()), Ok(layer)) => Ok(layer),
    }
}

/// Hands over piece after piece. That there are no more is said only when the digest is right.
async fn fetch(
    mut stream: BlobStream,
    sender: &mpsc::Sender<Option<Bytes>>,
) -> Result<(), RegistryError> {
    while let Some(piece) = stream.next().await? {
        // Who does not listen any more has refused the layer and says why.
        if sender.send(Some(piece)).await.is_err() {
            return Ok(());
        }
    }
    let _ = sender.send(None).await;
    Ok(())
}

/// The pieces of a blob as a reader. An end that was not said is an error.
struct Pieces {
    receiver: mpsc::Receiver<Option<Bytes>>,
    piece: Bytes,
    ended: bool,
}

impl Read for Pieces {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Some(piece)) => self.piece = piece,
                Some(None) => self.ended = true,
                None => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        let count = self.piece.len().min(target.len());
        self.piece.copy_to_slice(&mut target[..count]);
        Ok(count)
    }
}

/// Layers with models in them have some 20 GB.
const MAX_LAYER: u64 = 64 << 30;

/// Pieces have some 16 kB; enough that neither side waits for the other's rhythm.
const WAITING_PIECES: usize = 32;
