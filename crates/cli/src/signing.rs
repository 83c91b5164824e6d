//! From the flags of `sign` and `attest` to who signs, and who bears witness.

use std::path::Path;

use countersign_artifact::ImageReference;
use countersign_client::Secret;
use countersign_client::identity_token::{Ambient, TokenSource, identity_token};
use countersign_client::registry::Client;
use countersign_client::services::{Services, service_url};
use countersign_client::sign::{Destination, SignRequest, Signed, SigningIdentity};
use countersign_client::trust_root_source::TrustRootSource;
use countersign_trust::{SigningConfig, TrustRoot};
use jiff::Timestamp;

use crate::context::Context;
use crate::failure::{Failure, FlagsDisagree};
use crate::flags::SigningFlags;
use crate::read_file::{self, SMALL};
use crate::written_file::{self, Draft, Readers};
use crate::{keys, places, registries, terminal};

/// What the flags ask for, before anyone is asked for a password or a token.
pub(crate) struct Plan {
    services: Services,
    of_config: bool,
    trust_root: Option<TrustRoot>,
    destination: Destination,
    /// The file of `--bundle`, which must be writable before anything is pushed.
    bundle: Option<Draft>,
}

/// Everything that a signature is made with.
pub(crate) struct Signing {
    identity: SigningIdentity,
    plan: Plan,
}

impl Plan {
    /// Reads what the flags name. Nothing is sent.
    ///
    /// # Errors
    /// If flags do not go together, or something they name cannot be used.
    pub(crate) fn of(
        flags: &SigningFlags,
        images: &[String],
        upload: bool,
    ) -> Result<Self, Failure> {
        if flags.bundle.is_some() && images.len() > 1 {
            return Err(Failure::Flags(FlagsDisagree::OneBundleForSeveral));
        }
        if !upload && flags.bundle.is_none() {
            return Err(Failure::Flags(FlagsDisagree::NoDestination));
        }
        if !flags.new_bundle_format {
            let asked = "--new-bundle-format=false".to_owned();
            return Err(Failure::Flags(FlagsDisagree::Format { asked }));
        }
        let (services, of_config) = services(flags, Timestamp::now())?;
        let trust_root = match &flags.trusted_root {
            Some(path) => Some(trust_root(path)?),
            None => None,
        };
        let destination = if upload {
            Destination::Registry(places::of_environment()?)
        } else {
            Destination::Caller
        };
        let bundle = flags.bundle.as_deref();
        let bundle = bundle.filter(|file| !written_file::is_device(file));
        Ok(Self {
            services,
            of_config,
            trust_root,
            destination,
            bundle: bundle
                .map(|file| Draft::open(file, Readers::All))
                .transpose()?,
        })
    }

    /// Opens the key or asks for a token, which comes last because it lives for minutes.
    ///
    /// # Errors
    /// If the person declines, the key cannot be used, or there is no token.
    pub(crate) async fn identify(
        self,
        flags: &SigningFlags,
        registry: &Client,
        context: &Context,
    ) -> Result<Signing, Failure> {
        // Whoever gives a key and a config has chosen the log; otherwise it may be the public one.
        let chosen = self.of_config && flags.key.is_some();
        if !self.services.rekor.is_empty() && !flags.yes && !chosen {
            context.output.say(PRIVACY);
            terminal::confirm("Are you sure you would like to continue?")?;
        }
        let identity = match &flags.key {
            Some(key) => SigningIdentity::Key(Box::new(keys::private(key)?)),
            None => {
                let source = token_source(flags);
                let token = identity_token(registry.transport(), &source).await;
                let token = token.map_err(Failure::IdentityToken)?;
                context.output.say("Generating ephemeral keys...");
                SigningIdentity::Keyless { token }
            }
        };
        Ok(Signing {
            identity,
            plan: self,
        })
    }
}

impl Signing {
    /// The request to the client.
    pub(crate) fn request(&self) -> SignRequest<'_> {
        SignRequest {
            identity: &self.identity,
            services: &self.plan.services,
            trust_root: self.plan.trust_root.as_ref(),
            destination: self.plan.destination.clone(),
        }
    }

    /// Says what was made, and writes `--bundle`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn tell(
        &mut self,
        signed: &Signed,
        flags: &SigningFlags,
        context: &Context,
    ) -> Result<(), Failure> {
        for index in &signed.log_indexes {
            context
                .output
                .say(format!("tlog entry created with index: {index}"));
        }
        let Some(file) = &flags.bundle else {
            return Ok(());
        };
        match self.plan.bundle.take() {
            Some(mut draft) => {
                draft.append(&signed.bundle)?;
                draft.place()?;
            }
            None => written_file::write(file, &signed.bundle, Readers::All)?,
        }
        context
            .output
            .say(format!("Wrote bundle to file {}", file.display()));
        Ok(())
    }
}

/// Finds out which image is meant, once: what is signed is what was seen. A tag is warned of, because it
/// may already be another image than the intended one.
///
/// # Errors
/// If the reference does not parse or the image is not there.
pub(crate) async fn resolve(
    text: &str,
    registry: &Client,
    context: &Context,
) -> Result<ImageReference, Failure> {
    let image = registries::reference(text)?;
    warn_of_tag(&image, context);
    let found = registry.resolve(&image).await.map_err(Failure::Registry)?;
    Ok(image.with_digest(found.digest))
}

fn warn_of_tag(image: &ImageReference, context: &Context) {
    if image.digest().is_some() {
        return;
    }
    context.output.warn(format!(
        "Image reference {} uses a tag, not a digest, to identify the image to sign.\n    \
         This can lead you to sign a different image than the intended one. Please use a\n    \
         digest (example.com/ubuntu@sha256:abc123...) rather than tag\n    \
         (example.com/ubuntu:latest) for the input to cosign. The ability to refer to\n    \
         images by tag will be removed in a future release.\n",
        image.as_typed()
    ));
}

/// Reads the trust root that is named, or takes that of the public instance.
///
/// # Errors
/// If it cannot be read or is none.
pub(crate) fn trust_root_or_public(path: Option<&Path>) -> Result<TrustRoot, Failure> {
    match path {
        Some(path) => trust_root(path),
        None => TrustRootSource::PublicGood
            .load()
            .map_err(Failure::TrustRoot),
    }
}

/// Reads a `trusted_root.json`.
///
/// # Errors
/// If it cannot be read or is none.
pub(crate) fn trust_root(path: &Path) -> Result<TrustRoot, Failure> {
    TrustRootSource::File(path.to_owned())
        .load()
        .map_err(Failure::TrustRoot)
}

/// Which services? A signing config (then true), or URLs.
fn services(flags: &SigningFlags, now: Timestamp) -> Result<(Services, bool), Failure> {
    let urls = [
        &flags.fulcio_url,
        &flags.rekor_url,
        &flags.timestamp_server_url,
    ];
    let any_url = urls.iter().any(|url| url.is_some()) || flags.oidc_issuer.is_some();
    if flags.signing_config.is_some() && any_url {
        return Err(Failure::Flags(FlagsDisagree::SigningConfigAndUrls));
    }
    let of_config = flags.signing_config.is_some() || (flags.use_signing_config && !any_url);
    if of_config && !flags.tlog_upload {
        return Err(Failure::Flags(FlagsDisagree::SigningConfigAndNoLog));
    }
    let mut services = match &flags.signing_config {
        Some(path) => self::of_config(&read_file::read(path, SMALL)?, path, now)?,
        None if of_config => public(now)?,
        None => of_urls(flags)?,
    };
    if !flags.tlog_upload {
        services.rekor.clear();
    }
    Ok((services, of_config))
}

fn of_config(json: &[u8], path: &Path, now: Timestamp) -> Result<Services, Failure> {
    let failed = |error| Failure::SigningConfig {
        path: path.to_owned(),
        error,
    };
    let config = SigningConfig::parse(json).map_err(|error| failed(error.into()))?;
    Services::of_signing_config(&config, now).map_err(failed)
}

fn public(now: Timestamp) -> Result<Services, Failure> {
    let failed = |error| Failure::SigningConfig {
        path: "the public instance's".into(),
        error,
    };
    Services::of_signing_config(&SigningConfig::public_good(), now).map_err(failed)
}

/// cosign's defaults where a URL is not given: the public instance for authority and log.
fn of_urls(flags: &SigningFlags) -> Result<Services, Failure> {
    let url = |text: &str| service_url(text).map_err(Failure::ServiceUrl);
    let fulcio = flags.fulcio_url.as_deref().unwrap_or(PUBLIC_FULCIO);
    let rekor = flags.rekor_url.as_deref().unwrap_or(PUBLIC_REKOR);
    Ok(Services {
        fulcio: Some(url(fulcio)?),
        rekor: vec![url(rekor)?],
        timestamp_authorities: flags
            .timestamp_server_url
            .iter()
            .map(|text| url(text))
            .collect::<Result<_, _>>()?,
    })
}

fn token_source(flags: &SigningFlags) -> TokenSource {
    match &flags.identity_token {
        Some(token) => TokenSource::Given(Secret::new(token.expose())),
        None => {
            let mut ambient = Ambient::of_process();
            if flags.oidc_disable_ambient_providers {
                ambient.github = None;
            }
            TokenSource::Ambient(ambient)
        }
    }
}

const PUBLIC_FULCIO: &str = "https://fulcio.sigstore.dev";
const PUBLIC_REKOR: &str = "https://rekor.sigstore.dev";

/// cosign's words, said before anything goes into a public log.
const PRIVACY: &str = "
\tThe sigstore service, hosted by sigstore a Series of LF Projects, LLC, is provided pursuant to the Hosted Project Tools Terms of Use, available at https://lfprojects.org/policies/hosted-project-tools-terms-of-use/.
\tNote that if your submission includes personal data associated with this signed artifact, it will be part of an immutable record.
\tThis may include the email address associated with the account with which you authenticate your contractual Agreement.
\tThis information will be used for signing this artifact and will be stored in public transparency logs and cannot be removed later, and is subject to the Immutable Record notice at https://lfprojects.org/policies/hosted-project-tools-immutable-records/.

By typing 'y', you attest that (1) you are not submitting the personal data of any other person; and (2) you understand and agree to the statement and the Agreement terms at the URLs listed above.";
