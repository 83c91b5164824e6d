//! What the controller asks the world for. The client answers from registries, tests from memory.

use countersign_artifact::{Digest, ImageReference};
use countersign_client::evidence::RegistryEvidence;
use countersign_policy::{EvidenceSource, Undecided};

/// The policy engine's source of evidence, and what admission needs besides.
///
/// All calls may block; they are made from threads that may. They end within the provider's own
/// timeouts: a review whose time is up is answered without them, but its thread is only free again when
/// the call returns.
pub trait EvidenceProvider: EvidenceSource + Send + Sync {
    /// The digest that the tag of `image` names at this moment; never from a cache, tags move.
    fn resolve(&self, image: &ImageReference) -> Result<Digest, Undecided>;

    /// Changes whenever the answer to `trust_root(None)` changes: verdicts under the old one are not
    /// used any more.
    fn public_trust_root_fingerprint(&self) -> Digest;
}

impl EvidenceProvider for RegistryEvidence {
    fn resolve(&self, image: &ImageReference) -> Result<Digest, Undecided> {
        RegistryEvidence::resolve(self, image)
    }

    fn public_trust_root_fingerprint(&self) -> Digest {
        self.public_trust_root().fingerprint()
    }
}
