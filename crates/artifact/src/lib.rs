//! What is secured: digests, image references, platforms, manifests.
