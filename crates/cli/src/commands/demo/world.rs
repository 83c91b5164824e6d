//! Where the story plays: the services, the team's workflow, and a client of the registry.

use std::path::{Path, PathBuf};

use countersign_artifact::{Digest, ImageReference};
use countersign_client::Secret;
use countersign_client::identity_token::IdentityToken;
use countersign_client::registry::{Client, ClientOptions};
use countersign_client::services::{Services, service_url};
use countersign_client::sign::SigningIdentity;
use countersign_stack::token::{GithubWorkflow, Issuer};
use countersign_stack::{Endpoints, Stack, StackOptions};
use countersign_trust::{SigningConfig, TrustRoot};
use jiff::Timestamp;

use super::narrator::Told;
use crate::failure::Failure;
use crate::packed_image::{self, Level};
use crate::read_file::{self, SMALL};
use crate::{registries, signing};

/// Everything that the chapters share.
pub(super) struct World {
    folder: PathBuf,
    stack: Stack,
    /// Another Sigstore, of strangers.
    strangers: Stack,
    pub(super) registry: Client,
    pub(super) root: TrustRoot,
    pub(super) services: Services,
    workflow: GithubWorkflow,
    tokens: Issuer,
}

impl World {
    /// Chapter 1.
    pub(super) async fn start(folder: PathBuf) -> Result<(Self, Told), Failure> {
        let start = |name: &str| {
            Stack::start(StackOptions::new(
                folder.join(name),
                ([127, 0, 0, 1], 0).into(),
            ))
        };
        let (stack, strangers) =
            tokio::try_join!(start("sigstore"), start("strangers")).map_err(Failure::Stack)?;
        let dir = stack.dir().to_owned();
        let root = signing::trust_root(&dir.join("trusted_root.json"))?;
        let path = dir.join("signing_config.json");
        let failed = |error| Failure::SigningConfig {
            path: path.clone(),
            error,
        };
        let config = SigningConfig::parse(&read_file::read(&path, SMALL)?);
        let config = config.map_err(|error| failed(error.into()))?;
        let services = Services::of_signing_config(&config, Timestamp::now()).map_err(failed)?;
        let tokens = Issuer::open(&dir).map_err(Failure::Token)?;
        let workflow = GithubWorkflow::parse(WORKFLOW).map_err(Failure::Token)?;
        let registry = Client::new(ClientOptions::default()).map_err(Failure::Connections)?;
        let at = stack.endpoints();
        let told = Told::new(format!(
            "issuer, certificate authority with CT log, transparency log, timestamp authority, trust root and registry on {}",
            at.registry
        ));
        Ok((
            Self {
                folder,
                stack,
                strangers,
                registry,
                root,
                services,
                workflow,
                tokens,
            },
            told,
        ))
    }

    /// The folder of the story.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the services are.
    pub(super) fn endpoints(&self) -> &Endpoints {
        self.stack.endpoints()
    }

    /// Whom certificates of the team's workflow name.
    pub(super) fn identity(&self) -> String {
        self.workflow.identity()
    }

    /// Who says so.
    pub(super) fn issuer(&self) -> &str {
        &self.endpoints().issuer
    }

    /// The image that is shipped, as people write it.
    pub(super) fn image_name(&self) -> String {
        format!("{}/acme/shop/cart:1.0", self.endpoints().registry)
    }

    /// An image of the registry.
    ///
    /// # Errors
    /// If the name does not parse.
    pub(super) fn image(&self, rest: &str) -> Result<ImageReference, Failure> {
        registries::reference(&format!("{}/{rest}", self.endpoints().registry))
    }

    /// A fresh token of the workflow: it lives for minutes, as in CI.
    ///
    /// # Errors
    /// If the issuer's key cannot sign.
    pub(super) fn signer(&self) -> Result<SigningIdentity, Failure> {
        let token = self
            .tokens
            .github_workflow(&self.workflow)
            .map_err(Failure::Token)?;
        let token = IdentityToken::parse(Secret::new(token)).map_err(Failure::IdentityToken)?;
        Ok(SigningIdentity::Keyless { token })
    }

    /// Our authority, and the log of strangers.
    ///
    /// # Errors
    /// If the strangers' address is none.
    pub(super) fn services_with_strange_log(&self) -> Result<Services, Failure> {
        let log = service_url(&self.strangers.endpoints().rekor).map_err(Failure::ServiceUrl)?;
        Ok(Services {
            rekor: vec![log],
            ..self.services.clone()
        })
    }

    /// Pushes a small image that is nothing but `content`, and gives its digest.
    ///
    /// # Errors
    /// If it cannot be packed or pushed.
    pub(super) async fn push_small(
        &self,
        image: &ImageReference,
        content: &str,
    ) -> Result<Digest, Failure> {
        let folder = tempfile::tempdir_in(&self.folder)
            .map_err(|error| Failure::write(&self.folder, &error))?;
        let program = folder.path().join("program");
        std::fs::write(&program, content).map_err(|error| Failure::write(&program, &error))?;
        let layout = folder.path().join("layout");
        packed_image::write(&program, &layout, "1.0", Level::Fast)?;
        let layout =
            countersign_client::image_source::Layout::open(&layout).map_err(Failure::Layout)?;
        let pushed =
            countersign_client::image_source::push_layout(&self.registry, &layout, image).await;
        Ok(pushed.map_err(Failure::Push)?.digest)
    }

    /// Stops the services.
    pub(super) async fn end(self) {
        self.stack.shutdown().await;
        self.strangers.shutdown().await;
    }
}

/// The workflow that releases the team's images.
const WORKFLOW: &str = "acme/shop/.github/workflows/release.yml@refs/tags/v1.0.0";
