//! Sentences for policies: those that cannot be used, and what they say.

use countersign_kube::{PoliciesError, StartError};

use super::Report;
use super::code;
use super::own::kind;
use crate::failure::Failure;

/// Writes the report of policies and of the controller that serves them.
pub(super) fn failed(failure: &Failure) -> Report {
    match failure {
        Failure::PolicyNotText { path } => {
            Report::new(code::POLICY, format!("`{}` cannot be used", path.display()))
                .detail("expected text in UTF-8")
        }
        Failure::PolicyRule { path, error } => Report::new(
            code::POLICY,
            format!("the rule `{}` cannot be used", path.display()),
        )
        .detail(error.to_string()),
        Failure::Policies(error) => policies(error),
        Failure::Resource { path, error } => Report::new(
            code::POLICY,
            format!("the resource `{}` cannot be read", path.display()),
        )
        .detail(error.to_string()),
        Failure::PoliciesRefuse {
            image,
            errors,
            undecided,
        } => {
            let report = if *undecided {
                Report::new(
                    code::REGISTRY_FAILED,
                    format!("{image} could not be judged"),
                )
            } else {
                Report::new(code::IMAGE_REFUSED, format!("{image} is not admitted"))
            };
            errors.iter().fold(report, Report::detail)
        }
        Failure::Controller(error) => controller(error),
        other => Report::new(code::PROCESS, format!("{other:?}")),
    }
}

fn policies(error: &PoliciesError) -> Report {
    match error {
        PoliciesError::Folder {
            folder,
            kind: found,
        } => Report::new(
            code::FILE_NOT_READ,
            format!("the folder `{}` cannot be read", folder.display()),
        )
        .detail(kind(*found)),
        PoliciesError::File { file, kind: found } => Report::new(
            code::FILE_NOT_READ,
            format!("`{}` cannot be read", file.display()),
        )
        .detail(kind(*found)),
        other => Report::new(code::POLICY, "the policies cannot be used").detail(other.to_string()),
    }
}

fn controller(error: &StartError) -> Report {
    match error {
        StartError::PortTaken { address } => {
            Report::new(code::PORT, format!("{address} cannot be listened on"))
                .detail("another program listens there")
        }
        StartError::Listen {
            address,
            kind: found,
        } => {
            Report::new(code::PORT, format!("{address} cannot be listened on")).detail(kind(*found))
        }
        StartError::Policies(error) => policies(error),
        other => {
            Report::new(code::SERVER, "the controller cannot be started").detail(other.to_string())
        }
    }
}
