//! Chapter 7: the admission webhook is asked over HTTPS, as an API server asks it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::ImageReference;
use countersign_client::evidence::RegistryEvidence;
use countersign_kube::{Controller, ControllerOptions};
use serde_json::{Value, json};

use super::cluster::{self, Names};
use super::narrator::{Narrator, Told};
use super::world::World;
use crate::failure::Failure;

/// Starts the webhook, asks it, and leaves it up.
pub(super) async fn tell(
    world: &World,
    image: &ImageReference,
    narrator: &mut Narrator<'_>,
) -> Result<Controller, Failure> {
    let (webhook, api) = narrator.step(7, "enforce", start(world)).await?;
    let tagged = world.image_name();
    let unsigned =
        |repository: &str| format!("{}/acme/{repository}:1.0", world.endpoints().registry);
    for repository in ["shop/unsigned", "trial/unsigned"] {
        world
            .push_small(&world.image(&format!("acme/{repository}:1.0"))?, "unsigned")
            .await?;
    }
    let labels = |label: &str| json!({label: "yes"});
    narrator
        .step(
            7,
            "enforce",
            api.pins_and_admits(cluster::deployment("cart", &tagged), image),
        )
        .await?;
    let pod = cluster::pod("cart", &tagged, &json!({}));
    narrator
        .step(7, "enforce", api.pins_and_admits(pod, image))
        .await?;
    let pod = cluster::pod("intruder", &unsigned("shop/unsigned"), &json!({}));
    narrator
        .step(
            7,
            "enforce",
            api.refuses("an unsigned image", pod, "failed policy: release"),
        )
        .await?;
    let pod = cluster::pod("newcomer", &unsigned("trial/unsigned"), &json!({}));
    narrator
        .step(
            7,
            "enforce",
            api.warns("an unsigned image on trial", pod, "failed policy: trial"),
        )
        .await?;
    let pod = cluster::pod("described", &tagged, &labels("described"));
    let what = "with the SPDX attestation that a CUE rule asks for";
    narrator.step(7, "enforce", api.admits(what, pod)).await?;
    let pod = cluster::pod("strict", &tagged, &labels("strict"));
    let what = "a document that a stricter CUE rule does not accept";
    narrator
        .step(
            7,
            "enforce",
            api.refuses(what, pod, "failed policy: strict"),
        )
        .await?;
    Ok(webhook)
}

async fn start(world: &World) -> Result<((Controller, ApiServer), Told), Failure> {
    let folder = world.folder().join("policies");
    let at = world.endpoints();
    let identity = world.identity();
    let names = Names {
        registry: &at.registry,
        fulcio: &at.fulcio,
        identity: &identity,
        issuer: world.issuer(),
    };
    cluster::write_policies(&folder, &names)?;
    let runtime = tokio::runtime::Handle::current();
    let evidence = RegistryEvidence::new(world.registry.clone(), runtime, world.root.clone());
    let options = ControllerOptions::new(folder, ([127, 0, 0, 1], 0).into());
    let webhook = Controller::start(options, Arc::new(evidence))
        .await
        .map_err(Failure::Controller)?;
    let api = ApiServer::new(&webhook)?;
    let policies = webhook.policies();
    let names: Vec<&str> = policies
        .policies()
        .iter()
        .map(|policy| policy.name())
        .collect();
    let told = Told::new(format!(
        "webhook on https://{} with the policies {}",
        webhook.address(),
        names.join(", ")
    ));
    Ok((
        (webhook, api),
        told.expect(names.len() == 4, "a policy is missing"),
    ))
}

/// What an API server does: trusts the webhook's authority, asks first for changes and then for consent.
struct ApiServer {
    client: reqwest::Client,
    base: String,
}

impl ApiServer {
    fn new(webhook: &Controller) -> Result<Self, Failure> {
        let failed = |error: reqwest::Error| Failure::Webhook {
            detail: error.to_string(),
        };
        let authority =
            reqwest::Certificate::from_pem(webhook.authority_pem().as_bytes()).map_err(failed)?;
        let client = reqwest::Client::builder()
            .tls_certs_only([authority])
            .no_proxy()
            .build()
            .map_err(failed)?;
        Ok(Self {
            client,
            base: format!("https://{}", webhook.address()),
        })
    }

    async fn ask(&self, path: &str, object: &Value) -> Result<Value, Failure> {
        let failed = |error: reqwest::Error| Failure::Webhook {
            detail: error.to_string(),
        };
        let uid = "9f7d8a5c-1c1f-4c55-9a6e-3b8f2f0f6b11";
        let review = cluster::review(uid, object);
        let url = format!("{}{path}?timeout=10s", self.base);
        let body = serde_json::to_vec(&review).expect("a review is plain data");
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .body(body);
        let answer = request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(failed)?;
        let answer: Value = serde_json::from_slice(&answer.bytes().await.map_err(failed)?)
            .map_err(|error| Failure::Webhook {
                detail: error.to_string(),
            })?;
        if answer["response"]["uid"] != uid {
            return Err(Failure::Webhook {
                detail: "the answer is to another question".to_owned(),
            });
        }
        Ok(answer["response"].clone())
    }

    /// Both webhooks, the second with what the first made of the object.
    async fn create(&self, object: Value) -> Result<(Value, Value), Failure> {
        let mutated = self.ask("/mutations", &object).await?;
        if mutated["allowed"] != true {
            return Ok((object, mutated));
        }
        let object = patched(object, &mutated)?;
        let validated = self.ask("/validations", &object).await?;
        Ok((object, validated))
    }

    async fn pins_and_admits(
        &self,
        object: Value,
        image: &ImageReference,
    ) -> Result<((), Told), Failure> {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        let (object, answer) = self.create(object).await?;
        let pinned = object
            .to_string()
            .contains(&image.digest().map(ToString::to_string).unwrap_or_default());
        let told = Told::new(format!(
            "admitted: a {kind} with the signed image, its tag replaced by the digest"
        ));
        let told = told.digest(image.digest().map(ToString::to_string).unwrap_or_default());
        let told = told
            .expect(answer["allowed"] == true, message(&answer))
            .expect(pinned, "the tag was not replaced");
        Ok(((), told))
    }

    async fn admits(&self, what: &str, object: Value) -> Result<((), Told), Failure> {
        let (_, answer) = self.create(object).await?;
        Ok((
            (),
            Told::new(format!("admitted: {what}"))
                .expect(answer["allowed"] == true, message(&answer)),
        ))
    }

    async fn refuses(
        &self,
        what: &str,
        object: Value,
        because: &str,
    ) -> Result<((), Told), Failure> {
        let (_, answer) = self.create(object).await?;
        let message = message(&answer);
        let told = Told::new(format!("refused: {what}"))
            .detail(format!("Error from server (BadRequest): admission webhook \"policy.sigstore.dev\" denied the request: {message}"))
            .expect(answer["allowed"] == false, "it was admitted")
            .expect(message.contains(because), "it was refused for another reason");
        Ok(((), told))
    }

    async fn warns(&self, what: &str, object: Value, because: &str) -> Result<((), Told), Failure> {
        let (_, answer) = self.create(object).await?;
        let warnings: Vec<&str> = answer["warnings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let told = Told::new(format!("admitted with a warning: {what}"))
            .expect(answer["allowed"] == true, message(&answer))
            .expect(
                warnings.iter().any(|warning| warning.contains(because)),
                "there was no warning",
            );
        Ok((
            (),
            warnings.iter().fold(told, |told, warning| {
                told.detail(format!("Warning: {warning}"))
            }),
        ))
    }
}

fn message(answer: &Value) -> String {
    answer["status"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Applies the answer's JSON patch (RFC 6902): only whole values are replaced or added in such answers.
fn patched(mut object: Value, answer: &Value) -> Result<Value, Failure> {
    let Some(patch) = answer["patch"].as_str() else {
        return Ok(object);
    };
    let broken = || Failure::Webhook {
        detail: "its patch cannot be applied".to_owned(),
    };
    let patch = STANDARD.decode(patch).map_err(|_| broken())?;
    let operations: Vec<Value> = serde_json::from_slice(&patch).map_err(|_| broken())?;
    for operation in operations {
        let path = operation["path"].as_str().ok_or_else(broken)?;
        let value = operation["value"].clone();
        match operation["op"].as_str() {
            Some("replace") => *object.pointer_mut(path).ok_or_else(broken)? = value,
            Some("add") => {
                let (parent, name) = path.rsplit_once('/').ok_or_else(broken)?;
                let name = name.replace("~1", "/").replace("~0", "~");
                let parent = object.pointer_mut(parent).and_then(Value::as_object_mut);
                parent.ok_or_else(broken)?.insert(name, value);
            }
            _ => return Err(broken()),
        }
    }
    Ok(object)
}
