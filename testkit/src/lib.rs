//! Fixtures and forgeries for the tests; never shipped.

pub mod fixtures;
