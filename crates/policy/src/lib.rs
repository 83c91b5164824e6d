//! ClusterImagePolicy: one model, one engine, one verdict.
