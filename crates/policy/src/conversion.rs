//! Defaults, and conversion between versions.

use crate::wire::{ClusterImagePolicy, TrustRoot, Version};

impl ClusterImagePolicy {
    /// Fills in what upstream's defaulting webhook fills in.
    pub fn set_defaults(&mut self) {
        if self.spec.mode.is_empty() {
            "enforce".clone_into(&mut self.spec.mode);
        }
        for (index, authority) in self.spec.authorities.iter_mut().enumerate() {
            if authority.name.is_empty() {
                authority.name = format!("authority-{index}");
            }
            if authority.key.is_some() || authority.fixed.is_some() {
                continue;
            }
            if let Some(keyless) = &mut authority.keyless
                && keyless.ca_cert.is_none()
                && keyless.url.is_none()
            {
                keyless.url = Some("https://fulcio.sigstore.dev".to_owned());
            }
        }
    }

    /// The same policy in another version, with defaults. The fields are the same in both, so nothing
    /// is lost; upstream drops a `ctlog` without `url`, and with it the check of the log.
    #[must_use]
    pub fn convert(mut self, to: Version) -> Self {
        self.version = to;
        self.set_defaults();
        self
    }
}

impl TrustRoot {
    /// Fills in what upstream's defaulting webhook fills in.
    pub fn set_defaults(&mut self) {
        if let Some(repository) = &mut self.spec.repository
            && repository.targets.is_empty()
        {
            "targets".clone_into(&mut repository.targets);
        }
        if let Some(remote) = &mut self.spec.remote
            && remote.targets.is_empty()
        {
            "targets".clone_into(&mut remote.targets);
        }
    }
}
