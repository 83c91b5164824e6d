//! `stack up` and `stack token`: the embedded Sigstore and registry.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use countersign_stack::token::{self, GithubWorkflow};
use countersign_stack::{Endpoints, Stack, StackOptions};
use serde::Serialize;

use super::signals;
use crate::context::Context;
use crate::failure::Failure;
use crate::flags::{DataFormat, StackToken, StackUp};
use crate::output::{FAINT, GOOD, STRONG, json, text};

/// What `stack up -o json` prints when everything answers.
#[derive(Serialize)]
struct Up<'a> {
    #[serde(flatten)]
    endpoints: &'a Endpoints,
    dir: &'a Path,
    trusted_root: String,
    signing_config: String,
    trust_config: String,
}

/// Starts every service, says where it is, and serves until it is told to stop.
///
/// # Errors
/// If a service cannot be started.
pub(crate) fn up(flags: &StackUp, context: &Context) -> Result<ExitCode, Failure> {
    context.serve(async {
        let mut stop = signals::listen()?;
        let starting = context.output.wait("starting the services");
        let options = StackOptions::new(&flags.dir, flags.listen);
        let stack = Stack::start(options).await.map_err(Failure::Stack)?;
        drop(starting);
        let printed = announce(&stack, flags.output, context);
        if printed.is_ok() {
            stop.wait().await;
            context.output.murmur("stopping");
        }
        stack.shutdown().await;
        printed.map(|()| ExitCode::SUCCESS)
    })
}

fn announce(stack: &Stack, format: DataFormat, context: &Context) -> Result<(), Failure> {
    let file = |name: &str| stack.dir().join(name).display().to_string();
    let up = Up {
        endpoints: stack.endpoints(),
        dir: stack.dir(),
        trusted_root: file("trusted_root.json"),
        signing_config: file("signing_config.json"),
        trust_config: file("trust_config.json"),
    };
    match format {
        DataFormat::Json => context.output.line(json::line(&up)),
        DataFormat::Text => context.output.data(as_text(&up)),
    }
}

fn as_text(up: &Up<'_>) -> String {
    let at = up.endpoints;
    let rows = [
        ("OIDC issuer", &at.issuer),
        ("certificate authority", &at.fulcio),
        ("certificate log", &at.ct),
        ("transparency log", &at.rekor),
        ("timestamp authority", &at.tsa),
        ("trust root (TUF)", &at.tuf),
        ("OCI registry", &at.registry),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(name, place)| vec![format!("  {name}"), place.clone()])
        .collect();
    let mut shown = format!("{GOOD}ready{GOOD:#}\n{}", text::columns(&rows));
    let _ = write!(
        shown,
        "\n{STRONG}sign{STRONG:#}    countersign sign --signing-config {} --trusted-root {} --identity-token \"$(countersign stack token --dir {} --github-workflow)\" {}/REPOSITORY:TAG\n\
         {STRONG}verify{STRONG:#}  countersign verify --trusted-root {} --certificate-identity IDENTITY --certificate-oidc-issuer {} {}/REPOSITORY:TAG\n\
         {FAINT}Ctrl-C stops the services; everything is kept in {}.{FAINT:#}\n",
        up.signing_config,
        up.trusted_root,
        up.dir.display(),
        at.registry,
        up.trusted_root,
        at.issuer,
        at.registry,
        up.dir.display(),
    );
    shown
}

/// Prints an identity token of the embedded issuer.
///
/// # Errors
/// If no stack was ever started in the folder, or the workflow is written wrongly.
pub(crate) fn token(flags: &StackToken, context: &Context) -> Result<ExitCode, Failure> {
    let token = match (&flags.email, &flags.github_workflow) {
        (Some(email), _) => token::email(&flags.dir, email),
        (None, Some(workflow)) => GithubWorkflow::parse(workflow).and_then(|mut workflow| {
            workflow.sha.clone_from(&flags.sha);
            workflow.event.clone_from(&flags.event);
            workflow.workflow.clone_from(&flags.workflow_name);
            token::github_workflow(&flags.dir, &workflow)
        }),
        // clap asks for one of the two.
        (None, None) => {
            return Err(Failure::Flags(crate::failure::FlagsDisagree::Missing {
                flag: "email",
            }));
        }
    };
    context.output.line(token.map_err(Failure::Token)?)?;
    Ok(ExitCode::SUCCESS)
}
