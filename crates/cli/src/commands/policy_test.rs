//! `policy test`, which is `policy-tester`: an image and policies, without a cluster.

use std::path::Path;
use std::process::ExitCode;

use countersign_client::evidence::RegistryEvidence;
use countersign_kube::{PolicyFile, PolicySet, PolicySetOptions};
use countersign_policy::{Decision, PolicyVerdict, Verdict, Workload, evaluate_written};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, FlagsDisagree};
use crate::flags::PolicyTest;
use crate::read_file::{self, SMALL};
use crate::{places, registries, signing};

/// Judges the image, and prints nothing if it may run.
///
/// # Errors
/// If the policies cannot be used.
pub(crate) fn run(flags: &PolicyTest, context: &Context) -> Result<ExitCode, Failure> {
    for (flag, value) in [("policy", &flags.policy), ("image", &flags.image)] {
        if value.is_empty() {
            return Err(Failure::Flags(FlagsDisagree::Missing { flag }));
        }
    }
    let set = policies(flags)?;
    let workload = flags
        .resource
        .as_deref()
        .map(workload)
        .transpose()?
        .unwrap_or_default();
    let written = registries::reference(&flags.image)?;
    let root = signing::trust_root_or_public(flags.trusted_root.as_deref())?;
    let registry = registries::client(&flags.registry)?;
    let place = places::of_environment()?;
    let verdict = context.wait_for(async {
        let subject = registry
            .resolve(&written)
            .await
            .map_err(Failure::Registry)?;
        let image = written.with_digest(subject.digest);
        let runtime = tokio::runtime::Handle::current();
        let mut evidence = RegistryEvidence::new(registry.clone(), runtime, root).with_place(place);
        for (name, root) in set.trust_roots() {
            evidence = evidence.with_trust_root(name, (**root).clone());
        }
        let (set, written) = (set.clone(), written.clone());
        let judging = tokio::task::spawn_blocking(move || {
            evaluate_written(
                set.policies(),
                &written,
                &image,
                &workload,
                &evidence,
                set.no_match(),
            )
        });
        judging.await.map_err(|_| Failure::Interrupted)
    })?;
    tell(&verdict, &flags.image, context)
}

/// What policy-tester prints of an image that may not run, and nothing of one that may.
fn tell(verdict: &Verdict, image: &str, context: &Context) -> Result<ExitCode, Failure> {
    let texts =
        |policies: Vec<&PolicyVerdict>| -> Vec<String> { policies.into_iter().map(text).collect() };
    let mut errors = texts(verdict.failures().collect());
    let warnings = texts(verdict.warnings().collect());
    if verdict.unmatched {
        errors.push(format!("{image} is uncovered by policy"));
    }
    for warning in &warnings {
        context.output.warn(warning);
    }
    if verdict.decision == Decision::Admit {
        return Ok(ExitCode::SUCCESS);
    }
    context
        .output
        .line(json!({"errors": errors, "warnings": warnings}).to_string())?;
    let undecided = verdict.decision == Decision::Undecided;
    Err(Failure::PoliciesRefuse {
        image: image.to_owned(),
        errors,
        undecided,
    })
}

fn text(policy: &PolicyVerdict) -> String {
    let reasons: Vec<String> = policy.reasons().collect();
    format!("failed policy: {}: {}", policy.policy, reasons.join("; "))
}

fn policies(flags: &PolicyTest) -> Result<PolicySet, Failure> {
    if flags.policy.starts_with("http://") || flags.policy.starts_with("https://") {
        let asked = format!("--policy {}", flags.policy);
        return Err(Failure::Flags(FlagsDisagree::Format { asked }));
    }
    let options = PolicySetOptions::default();
    let path = Path::new(&flags.policy);
    if path.is_dir() {
        return PolicySet::read(path, &options).map_err(Failure::Policies);
    }
    let mut files = vec![file(path)?];
    if let Some(root) = &flags.trustroot {
        files.push(file(root)?);
    }
    PolicySet::compile(&files, &options).map_err(|error| Failure::Policies(error.into()))
}

fn file(path: &Path) -> Result<PolicyFile, Failure> {
    let text = String::from_utf8(read_file::read(path, SMALL)?);
    let text = text.map_err(|_| Failure::PolicyNotText {
        path: path.to_owned(),
    })?;
    Ok(PolicyFile {
        path: path.to_owned(),
        text,
    })
}

/// The object that `--resource` names, as rules see it.
fn workload(path: &Path) -> Result<Workload, Failure> {
    let text = String::from_utf8(read_file::read(path, SMALL)?);
    let text = text.map_err(|_| Failure::PolicyNotText {
        path: path.to_owned(),
    })?;
    let documents = countersign_policy::yaml::parse(&text).map_err(|error| Failure::Resource {
        path: path.to_owned(),
        error,
    })?;
    let object = documents
        .first()
        .map(countersign_policy::yaml::Node::to_value)
        .unwrap_or_default();
    let word = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut workload = Workload::of_kind(&word("/apiVersion"), &word("/kind"));
    workload.namespace = word("/metadata/namespace");
    if let Some(labels) = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object)
    {
        let labels = labels
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        workload.labels = labels.collect();
    }
    workload.spec = object.get("spec").cloned();
    workload.metadata = object.get("metadata").cloned();
    workload.type_meta = Some(json!({"apiVersion": word("/apiVersion"), "kind": word("/kind")}));
    Ok(workload)
}
