//! `controller`: the admission webhook on a folder of policies.

use std::process::ExitCode;
use std::sync::Arc;

use countersign_client::evidence::RegistryEvidence;
use countersign_kube::{Controller as Webhook, ControllerOptions, PolicySetOptions};
use countersign_policy::NoMatch;
use serde::Serialize;

use super::signals;
use crate::context::Context;
use crate::failure::Failure;
use crate::flags::{Controller, DataFormat, NoMatchPolicy};
use crate::output::{FAINT, GOOD, json};
use crate::written_file::{self, Readers};
use crate::{places, registries, signing};

/// What `controller -o json` prints when reviews are answered.
#[derive(Serialize)]
struct Up {
    address: String,
    ca_bundle: String,
    policies: Vec<String>,
}

/// Answers reviews until it is told to stop.
///
/// # Errors
/// If the policies cannot be used or the address cannot be listened on.
pub(crate) fn run(flags: &Controller, context: &Context) -> Result<ExitCode, Failure> {
    let root = signing::trust_root_or_public(flags.trusted_root.as_deref())?;
    let registry = registries::client(&flags.registry)?;
    let place = places::of_environment()?;
    context.serve(async {
        let mut stop = signals::listen()?;
        let mut options = ControllerOptions::new(&flags.policies, flags.listen);
        options.set = PolicySetOptions {
            no_match: no_match(flags.no_match_policy),
            ..options.set
        };
        let evidence = RegistryEvidence::new(registry, tokio::runtime::Handle::current(), root);
        let webhook = Webhook::start(options, Arc::new(evidence.with_place(place))).await;
        let webhook = webhook.map_err(Failure::Controller)?;
        let announced = announce(&webhook, flags, context);
        if announced.is_ok() {
            let mut states = webhook.states();
            let stopped = stop.wait();
            tokio::pin!(stopped);
            loop {
                tokio::select! {
                    () = &mut stopped => break,
                    changed = states.changed() => {
                        if changed.is_err() {
                            break;
                        }
                        tell(&states.borrow_and_update(), context);
                    }
                }
            }
        }
        webhook.shutdown().await;
        announced.map(|()| ExitCode::SUCCESS)
    })
}

fn announce(webhook: &Webhook, flags: &Controller, context: &Context) -> Result<(), Failure> {
    if let Some(file) = &flags.ca_file {
        written_file::write(file, webhook.authority_pem().as_bytes(), Readers::All)?;
    }
    let set = webhook.policies();
    let up = Up {
        address: webhook.address().to_string(),
        ca_bundle: webhook.ca_bundle(),
        policies: set
            .policies()
            .iter()
            .map(|policy| policy.name().to_owned())
            .collect(),
    };
    if flags.output == DataFormat::Json {
        return context.output.line(json::line(&up));
    }
    context.output.data(format!(
        "{GOOD}ready{GOOD:#} https://{}  {} policies: {}\n{FAINT}caBundle: {}{FAINT:#}\n",
        up.address,
        up.policies.len(),
        up.policies.join(", "),
        up.ca_bundle
    ))
}

/// A folder that no longer makes sense is told at once; the policies stay as they were.
fn tell(state: &countersign_kube::PoliciesState, context: &Context) {
    match &state.error {
        Some(fault) => context
            .output
            .warn(format!("the policies stay as they were: {fault}")),
        None => context
            .output
            .say(format!("{} policies are in force", state.policies)),
    }
}

fn no_match(policy: NoMatchPolicy) -> NoMatch {
    match policy {
        NoMatchPolicy::Deny => NoMatch::Deny,
        NoMatchPolicy::Warn => NoMatch::Warn,
        NoMatchPolicy::Allow => NoMatch::Allow,
    }
}
