//! What is in an image: from a registry, a layout, an archive or a single file to an inventory.
//!
//! This edge chooses the platform, fetches, and brings streams and expectations together; what the bytes
//! mean is decided by `countersign-sbom`. Layers are read top first, several at once, each inflated once.

mod choice;
mod error;
mod layout;
mod plan;
mod registry;

use std::fs::File;
use std::path::Path;

use countersign_sbom::{Inventory, LayerLimits, Scan, Source, cataloger};

pub use choice::host_platform;
pub use error::DescribeError;
pub use layout::describe_layout;
pub use registry::describe_image;

/// What was read and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What was read.
    pub source: Source,
    /// What is in it.
    pub inventory: Inventory,
}

/// Describes a single file. Blocks.
pub fn describe_file(path: &Path) -> Result<Described, DescribeError> {
    let file = File::open(path).map_err(|error| DescribeError::File {
        path: path.to_owned(),
        kind: error.kind(),
    })?;
    let (source, inventory) = scan().file(&path.to_string_lossy(), file)?;
    Ok(Described {
        source: Source::File(source),
        inventory,
    })
}

fn scan() -> Scan {
    Scan::new(cataloger::all(), LayerLimits::default())
}

/// How many layers are read at once: one a core, but memory is for a few.
fn readers() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .clamp(1, MAX_READERS)
}

const MAX_READERS: usize = 4;
