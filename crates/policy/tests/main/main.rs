//! The policy engine against recorded answers of policy-controller 0.15.1.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests read fixtures from files, and stop where one is wrong"
)]

mod cip;
mod engine;
mod globs;
mod layouts;
mod less_is_never_more;
mod references;
mod rego;
mod rego_limits;
mod vectors;
mod verdicts;
