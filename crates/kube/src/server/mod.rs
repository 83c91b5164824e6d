//! The HTTPS server: connections, caps, paths, probes. What a review means is not known here.

mod connections;
mod http;
mod identity;

pub(crate) use connections::{Listening, Server};
pub(crate) use http::Paths;
pub(crate) use identity::Identity;

pub use identity::{IdentityError, ServerIdentity};
