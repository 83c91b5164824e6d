//! Packages of an image: file tree, catalogers, SPDX and CycloneDX.
