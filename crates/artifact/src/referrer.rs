//! Where the things that refer to an image are found: tags derived from its digest.

use crate::Digest;

/// What a legacy tag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Signatures, `.sig`.
    Signature,
    /// Attestations, `.att`.
    Attestation,
    /// A software bill of materials, `.sbom`.
    Sbom,
}

/// The tag of the index of referrers in registries without the referrers API (OCI distribution 1.1,
/// "Referrers Tag Schema").
#[must_use]
pub fn fallback_tag(subject: &Digest) -> String {
    // The specification caps each part; sha256 and sha512 need the algorithm's full name and at most
    // 64 characters of the hash.
    let hex = subject.hex();
    format!("{}-{}", subject.algorithm(), &hex[..hex.len().min(64)])
}

/// The tag where cosign 2 keeps what belongs to `subject`: `sha256-<hex>.sig`.
#[must_use]
pub fn legacy_tag(subject: &Digest, kind: Kind) -> String {
    format!(
        "{}-{}.{}",
        subject.algorithm(),
        subject.hex(),
        kind.suffix()
    )
}

impl Kind {
    /// The end of the tag, without the dot.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::Attestation => "att",
            Self::Sbom => "sbom",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        let digest = Digest::sha256_of(b"");
        let hex = digest.hex();
        assert_eq!(fallback_tag(&digest), format!("sha256-{hex}"));
        assert_eq!(
            legacy_tag(&digest, Kind::Signature),
            format!("sha256-{hex}.sig")
        );
        assert_eq!(
            legacy_tag(&digest, Kind::Attestation),
            format!("sha256-{hex}.att")
        );
        assert_eq!(
            legacy_tag(&digest, Kind::Sbom),
            format!("sha256-{hex}.sbom")
        );
        assert_eq!(
            fallback_tag(&Digest::sha512_of(b"")).len(),
            "sha512-".len() + 64
        );
    }
}
