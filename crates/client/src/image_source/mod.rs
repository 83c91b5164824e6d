//! Images that are not in a registry: OCI layouts in folders and in tar archives, read and written.

mod archive;
mod error;
mod layout;
mod push;
mod writer;

pub use error::LayoutError;
pub(crate) use layout::tag_of;
pub use layout::{Layout, LayoutBlob};
pub use push::{PushError, PushedLayout, push_layout};
pub use writer::LayoutWriter;
