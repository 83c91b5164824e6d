//! Writers of SBOM formats.
