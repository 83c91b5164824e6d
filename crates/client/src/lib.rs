//! Registries, Sigstore services, key stores; the verbs sign, attest, verify.
