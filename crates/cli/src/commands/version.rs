//! `version`: starts nothing, reads nothing.

use std::process::ExitCode;

use countersign_client::describe::host_platform;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::Version;
use crate::output::json;

/// What `cosign version --json` prints, with our values.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    git_version: String,
    git_commit: &'static str,
    git_tree_state: &'static str,
    build_date: &'static str,
    compiler: &'static str,
    platform: String,
}

/// Prints which program this is.
pub(crate) fn run(flags: &Version, context: &Context) -> Result<ExitCode, Failure> {
    let facts = Facts {
        git_version: format!("v{}", env!("CARGO_PKG_VERSION")),
        git_commit: option_env!("COUNTERSIGN_COMMIT").unwrap_or("unknown"),
        git_tree_state: option_env!("COUNTERSIGN_TREE_STATE").unwrap_or("unknown"),
        build_date: option_env!("COUNTERSIGN_BUILD_DATE").unwrap_or("unknown"),
        compiler: "rustc",
        platform: host_platform().to_string(),
    };
    if flags.json {
        context.output.line(json::pretty(&facts))?;
    } else {
        context.output.data(format!(
            "countersign: signs container images, describes, verifies and guards them\n\n\
             GitVersion:    {}\nGitCommit:     {}\nGitTreeState:  {}\nBuildDate:     {}\n\
             Compiler:      {}\nPlatform:      {}\n",
            facts.git_version,
            facts.git_commit,
            facts.git_tree_state,
            facts.build_date,
            facts.compiler,
            facts.platform
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
