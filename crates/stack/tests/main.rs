//! The embedded services and the registry over real sockets.

mod registry;
mod services;
