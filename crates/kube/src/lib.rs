//! The admission controller.
