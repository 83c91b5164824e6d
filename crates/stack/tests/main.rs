//! Tests of the embedded services.

mod registry;
