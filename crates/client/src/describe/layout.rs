//! Images in OCI layouts and archives.

use std::io::{self, Read};
use std::sync::Mutex;

use countersign_artifact::{Descriptor, Digest, ImageManifest, Manifest, Platform};
use countersign_sbom::{Layer, LayerError, Scan, Source};

use super::choice::{MAX_NESTING, choose};
use super::plan::{Found, MAX_CONFIGURATION, PlannedLayer, check_kind, plan};
use super::{DescribeError, Described, readers, scan};
use crate::image_source::{Layout, LayoutBlob, LayoutError};

/// Describes an image of a layout: the one with `tag`, or the only one. `name` is how it was asked for.
/// Blocks; layers are read on threads of their own.
pub fn describe_layout(
    layout: &Layout,
    name: &str,
    tag: Option<&str>,
    platform: Option<&Platform>,
) -> Result<Described, DescribeError> {
    let entry = match layout.image(tag) {
        Ok(entry) => entry,
        // Several images without tags may be one for each platform.
        Err(error @ LayoutError::SeveralImages { .. }) => match platform {
            Some(_) => choose(layout.index(), platform)?,
            None => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
    };
    let (descriptor, manifest, index_digest) = resolve(layout, entry, platform)?;
    check_kind(descriptor.digest, &manifest)?;
    let configuration = layout.blob(&manifest.config, MAX_CONFIGURATION)?;
    let found = Found {
        name: name.to_owned(),
        repository: None,
        tags: tag
            .map(str::to_owned)
            .or_else(|| tag_of(entry))
            .into_iter()
            .collect(),
        digest: descriptor.digest,
        index_digest,
        media_type: descriptor.media_type,
    };
    let planned = plan(found, &manifest, &configuration, platform)?;
    let scan = scan();
    let layers = read_layers(&scan, layout, planned.layers)?;
    Ok(Described {
        source: Source::Image(planned.source),
        inventory: scan.finish(layers)?,
    })
}

/// Goes down through indexes to an image.
fn resolve(
    layout: &Layout,
    entry: &Descriptor,
    platform: Option<&Platform>,
) -> Result<(Descriptor, ImageManifest, Option<Digest>), DescribeError> {
    let mut descriptor = entry.clone();
    let mut index_digest = None;
    for _ in 0..=MAX_NESTING {
        match layout.manifest(&descriptor)? {
            Manifest::Image(manifest) => return Ok((descriptor, manifest, index_digest)),
            Manifest::Index(index) => {
                index_digest = index_digest.or(Some(descriptor.digest));
                descriptor = choose(&index, platform)?.clone();
            }
        }
    }
    Err(DescribeError::NestedIndexes { limit: MAX_NESTING })
}

/// Reads the layers, the top one first, several at once. The first error ends it.
fn read_layers(
    scan: &Scan,
    layout: &Layout,
    layers: Vec<PlannedLayer>,
) -> Result<Vec<Layer>, DescribeError> {
    let count = layers.len();
    let pending = Mutex::new(layers);
    let done = Mutex::new((Vec::with_capacity(count), None));
    std::thread::scope(|scope| {
        for _ in 0..readers().min(count) {
            scope.spawn(|| {
                while let Some(layer) = take(&pending) {
                    let result = read_layer(scan, layout, &layer);
                    let mut done = lock(&done);
                    match result {
                        Ok(layer) => done.0.push(layer),
                        Err(error) => {
                            done.1.get_or_insert(error);
                            lock(&pending).clear();
                        }
                    }
                }
            });
        }
    });
    let (layers, error) = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    match error {
        Some(error) => Err(error),
        None => Ok(layers),
    }
}

fn read_layer(scan: &Scan, layout: &Layout, layer: &PlannedLayer) -> Result<Layer, DescribeError> {
    let first = read_blob(layout, layer, |blob| scan.read_layer(&layer.expected, blob))?;
    if !first.wants_second_reading() {
        return Ok(first);
    }
    read_blob(layout, layer, |blob| {
        scan.read_layer_again(&first, &layer.expected, blob)
    })
}

fn read_blob(
    layout: &Layout,
    layer: &PlannedLayer,
    read: impl FnOnce(&mut Remembering<LayoutBlob>) -> Result<Layer, LayerError>,
) -> Result<Layer, DescribeError> {
    let mut blob = Remembering {
        blob: layout.open_blob(&layer.blob)?,
        error: None,
    };
    read(&mut blob).map_err(|error| match (error, blob.error) {
        (LayerError::Source { .. }, Some(reason)) => reason.into(),
        (error, _) => DescribeError::Layer {
            index: layer.expected.index,
            digest: layer.blob.digest,
            error: Box::new(error),
        },
    })
}

/// Keeps the reason that a read error carries.
struct Remembering<R> {
    blob: R,
    error: Option<LayoutError>,
}

impl<R: Read> Read for Remembering<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        self.blob.read(target).inspect_err(|error| {
            let reason = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<LayoutError>());
            self.error = reason.cloned();
        })
    }
}

/// Lets go of the list at once: in a loop's condition the lock would last as long as the loop's body.
fn take<T>(list: &Mutex<Vec<T>>) -> Option<T> {
    lock(list).pop()
}

/// A panic of another reader is told by the scope, not here.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn tag_of(entry: &Descriptor) -> Option<String> {
    let name = entry.annotations.get("org.opencontainers.image.ref.name")?;
    let last = name.rsplit('/').next().unwrap_or(name);
    Some(
        last.rsplit_once(':')
            .map_or(last, |(_, tag)| tag)
            .to_owned(),
    )
}
