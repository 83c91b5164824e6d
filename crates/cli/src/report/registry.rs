//! Sentences for what a registry did not do, and for images that are no images.
//!
//! Not one of them says anything about signatures: an error of the registry is never "not signed".

use countersign_artifact::ReferenceError;
use countersign_client::image_source::{LayoutError, PushError};
use countersign_client::registry::{Fault, KeychainError, RegistryError};
use countersign_client::transport::TransportFault;

use super::Report;
use super::code::{self, Code};
use super::own::kind;

/// Writes the report of a reference that does not parse.
pub(super) fn reference(text: &str, error: &ReferenceError) -> Report {
    let report = Report::new(
        code::REFERENCE,
        format!("could not parse reference: {text}"),
    )
    .detail(error.to_string());
    match text.split_once("://") {
        Some((scheme, rest)) => report.hint(format!("leave out `{scheme}://`: write {rest}")),
        None => report,
    }
}

/// Writes the report of a request that did not lead to what was asked for.
pub(super) fn failed(error: &RegistryError) -> Report {
    let what = format!("{} cannot be had", error.resource);
    let report = Report::new(code_of(&error.fault), what).detail(error.fault.to_string());
    match &*error.fault {
        Fault::TooManyRequests {
            retry_after: Some(wait),
        } => report.hint(format!("try again in {} s", wait.as_secs())),
        _ => report,
    }
}

fn code_of(fault: &Fault) -> &'static Code {
    match fault {
        Fault::NotFound { .. } => code::IMAGE_NOT_FOUND,
        Fault::Unauthorized { .. }
        | Fault::Forbidden { .. }
        | Fault::NoToken { .. }
        | Fault::Keychain(_) => code::REGISTRY_DENIED,
        Fault::Transport(TransportFault::File { .. }) => code::FILE_NOT_READ,
        Fault::Transport(_) => code::REGISTRY_UNREACHABLE,
        Fault::TooManyRequests { .. }
        | Fault::Failed { .. }
        | Fault::Refused { .. }
        | Fault::Redirect { .. }
        | Fault::Header { .. }
        | Fault::FallbackTagTaken
        | Fault::FallbackTagContended { .. } => code::REGISTRY_FAILED,
        Fault::Oversized { .. }
        | Fault::Truncated { .. }
        | Fault::DigestMismatch { .. }
        | Fault::Manifest(_)
        | Fault::UnexpectedManifest { .. }
        | Fault::TooManyReferrers { .. } => code::REGISTRY_CONTENT,
    }
}

/// Writes the report of a layout on the disk that cannot be used.
pub(super) fn layout(error: &LayoutError) -> Report {
    let report = Report::new(code::IMAGE_SOURCE, "the image layout cannot be used");
    match error {
        LayoutError::Io { path, kind: found } => {
            report.detail(format!("{}: {}", path.display(), kind(*found)))
        }
        LayoutError::SeveralImages { .. } => report
            .detail(error.to_string())
            .hint("name one by its tag: oci-dir:FOLDER:TAG"),
        LayoutError::OldDockerArchive { .. } => report
            .detail(error.to_string())
            .hint("save the image with docker 25 or newer, or with `skopeo copy`"),
        LayoutError::CompressedArchive { .. } => {
            report.detail(error.to_string()).hint("decompress it first")
        }
        other => report.detail(other.to_string()),
    }
}

/// Writes the report of a layout that was not pushed.
pub(super) fn push(error: &PushError) -> Report {
    match error {
        PushError::Layout(error) => layout(error),
        PushError::Registry(error) => failed(error),
        PushError::OtherImage { .. } => {
            Report::new(code::IMAGE_SOURCE, "the layout holds another image")
                .detail(error.to_string())
        }
    }
}

/// Writes the report of connections that cannot be set up: wrong certificate files.
pub(super) fn connections(fault: &TransportFault) -> Report {
    Report::new(
        code::FLAGS_DISAGREE,
        "connections to registries cannot be set up",
    )
    .detail(fault.to_string())
    .hint("check --registry-cacert, --registry-client-cert and --registry-client-key")
}

/// Writes the report of a file of credentials that cannot be read.
pub(super) fn credentials(error: &KeychainError) -> Report {
    Report::new(
        code::REGISTRY_DENIED,
        "the configured credentials cannot be read",
    )
    .detail(error.to_string())
    .hint("mend the file, or log in again with the tool that wrote it")
}
