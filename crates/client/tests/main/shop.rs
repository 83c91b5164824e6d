//! A team with its services: the whole stack, and everything that is needed to sign with it.

use std::collections::BTreeMap;

use countersign_artifact::ImageReference;
use countersign_client::Secret;
use countersign_client::identity_token::IdentityToken;
use countersign_client::material::Place;
use countersign_client::registry::{Client, ClientOptions};
use countersign_client::services::Services;
use countersign_client::sign::{
    Destination, SignError, SignRequest, Signed, SigningIdentity, sign_image,
};
use countersign_stack::registry::RegistryOptions;
use countersign_stack::{Stack, StackOptions, token};
use countersign_trust::{SigningConfig, Timestamp, TrustRoot};
use tempfile::TempDir;

use crate::harness::push_image;

pub(crate) struct Shop {
    pub(crate) stack: Stack,
    pub(crate) client: Client,
    pub(crate) root: TrustRoot,
    pub(crate) services: Services,
    _folder: TempDir,
}

/// The workflow that signs in these tests.
pub(crate) const IDENTITY: &str =
    "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v1.0.0";

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(RegistryOptions::default()).await
    }

    pub(crate) async fn open_with(registry: RegistryOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = StackOptions::new(folder.path(), ([127, 0, 0, 1], 0).into());
        options.registry = registry;
        let stack = Stack::start(options).await.unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let config = SigningConfig::parse(&read("signing_config.json")).unwrap();
        Self {
            root: TrustRoot::parse(&read("trusted_root.json")).unwrap(),
            services: Services::of_signing_config(&config, Timestamp::now()).unwrap(),
            client: Client::new(ClientOptions::default()).unwrap(),
            stack,
            _folder: folder,
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.stack.endpoints().issuer
    }

    pub(crate) fn reference(&self, name: &str) -> ImageReference {
        let registry = &self.stack.endpoints().registry;
        ImageReference::parse(&format!("{registry}/{name}")).unwrap()
    }

    /// An image of that name, with its digest.
    pub(crate) async fn image(&self, name: &str) -> ImageReference {
        push_image(&self.client, &self.reference(name), name).await
    }

    /// The identity of a workflow of this repository.
    pub(crate) fn workflow(&self, repository: &str) -> SigningIdentity {
        let mut workflow = token::GithubWorkflow::new(repository);
        workflow.reference = "refs/tags/v1.0.0".into();
        let token = token::github_workflow(self.stack.dir(), &workflow).unwrap();
        SigningIdentity::Keyless {
            token: IdentityToken::parse(Secret::new(token)).unwrap(),
        }
    }

    pub(crate) fn keyless(&self) -> SigningIdentity {
        self.workflow("acme/shop")
    }

    pub(crate) fn request<'a>(&'a self, identity: &'a SigningIdentity) -> SignRequest<'a> {
        SignRequest {
            identity,
            services: &self.services,
            trust_root: Some(&self.root),
            destination: Destination::Registry(Place::default()),
        }
    }

    pub(crate) async fn sign(
        &self,
        image: &ImageReference,
        identity: &SigningIdentity,
    ) -> Result<Signed, SignError> {
        let none = BTreeMap::new();
        sign_image(&self.client, image, &none, &self.request(identity)).await
    }
}
