//! What is claimed about an artifact, and what can be proven.
