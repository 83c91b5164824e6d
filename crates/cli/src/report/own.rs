//! Sentences for what fails in the program itself: flags, files, the terminal.

use std::io::ErrorKind;

use super::code;
use super::{Report, policy, registry, signing, stack, verification};
use countersign_client::describe::DescribeError;

use crate::failure::{Failure, FlagsDisagree};
use crate::flags::Refused;
use crate::output::text;

/// Writes the report of a failure, of the program's own or by the part that knows its words.
pub(super) fn report(failure: &Failure) -> Report {
    match failure {
        Failure::Reference { text, error } => registry::reference(text, error),
        Failure::Registry(error) => registry::failed(error),
        Failure::Credentials(error) => registry::credentials(error),
        Failure::Connections(fault) => registry::connections(fault),
        Failure::Layout(error) => registry::layout(error),
        Failure::Push(error) => registry::push(error),
        Failure::Place(_)
        | Failure::Platform(_)
        | Failure::Key(_)
        | Failure::PrivateKey(_)
        | Failure::IdentityToken(_)
        | Failure::TrustRoot(_)
        | Failure::SigningConfig { .. }
        | Failure::ServiceUrl(_)
        | Failure::PredicateType(_)
        | Failure::Sign(_) => signing::failed(failure),
        Failure::VerifyImage(error) => verification::image(error),
        Failure::VerifyAttestation(error) => verification::attestation(error),
        Failure::Identity(_) | Failure::Audit(_) | Failure::LogNotProven { .. } => {
            verification::failed(failure)
        }
        Failure::PolicyNotText { .. }
        | Failure::PolicyRule { .. }
        | Failure::Policies(_)
        | Failure::Resource { .. }
        | Failure::PoliciesRefuse { .. }
        | Failure::Controller(_) => policy::failed(failure),
        Failure::Describe(error) => describe(error),
        Failure::Epoch { text } => {
            Report::new(code::FLAGS_DISAGREE, "SOURCE_DATE_EPOCH is no time")
                .detail(format!("expected seconds since 1970, found {text:?}"))
                .hint("set it as in `SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)`")
        }
        Failure::Interrupted => Report::new(code::PROCESS, "the program is ending"),
        Failure::Webhook { detail } => {
            Report::new(code::SERVER, "the webhook cannot be asked").detail(detail.as_str())
        }
        Failure::Stack(error) => stack::failed(error),
        Failure::Token(error) => stack::token(error),
        // Whoever reads three lines knows what they were doing.
        Failure::While { failure, .. } => report(failure),
        Failure::NotThere(refused) => not_there(refused),
        Failure::Annotation { text } => Report::new(
            code::COMMAND_LINE,
            format!("unable to parse annotation: {text}"),
        )
        .detail("expected KEY=VALUE with one `=`")
        .hint("write it as in `-a environment=production`"),
        Failure::Flags(disagree) => flags(disagree),
        Failure::TimedOut { after } => Report::new(code::TIMEOUT, "the time is over").detail(
            format!("nothing was decided within {}", text::duration(*after)),
        ),
        Failure::Runtime { error } => {
            Report::new(code::PROCESS, "no threads could be started").detail(error.to_string())
        }
        Failure::Talk { error } => Report::new(code::FILE_NOT_WRITTEN, "standard error is closed")
            .detail(error.to_string()),
        Failure::Input { error } => {
            Report::new(code::FILE_NOT_READ, "standard input cannot be read")
                .detail(error.to_string())
        }
        Failure::Output { error } => written(
            Report::new(code::FILE_NOT_WRITTEN, "the output cannot be written"),
            *error,
        ),
        Failure::Read { path, error } => Report::new(
            code::FILE_NOT_READ,
            format!("`{}` cannot be read", path.display()),
        )
        .detail(kind(*error)),
        Failure::Write { path, error } => written(
            Report::new(
                code::FILE_NOT_WRITTEN,
                format!("`{}` cannot be written", path.display()),
            ),
            *error,
        ),
        Failure::TooLarge { path, most } => Report::new(
            code::FILE_NOT_READ,
            format!("`{}` is too large", path.display()),
        )
        .detail(format!("expected at most {most} bytes")),
        Failure::Declined => Report::new(code::DECLINED, "user declined the prompt"),
        Failure::NeitherYesNorNo { answer } => Report::new(
            code::DECLINED,
            format!("invalid input {answer:?} (allowed values y, n)"),
        ),
        Failure::PasswordsDiffer => {
            Report::new(code::PASSWORD, "the two passwords are not the same")
                .hint("type the same password twice")
        }
    }
}

fn not_there(refused: &Refused) -> Report {
    match refused {
        Refused::Command(name) => Report::new(
            code::NOT_THERE,
            format!("the command `{name}` is not there yet"),
        ),
        Refused::Flag(name) => Report::new(
            code::NOT_THERE,
            format!("the flag `--{name}` is not there yet"),
        ),
    }
}

/// The texts are cosign's, where cosign has one.
fn flags(disagree: &FlagsDisagree) -> Report {
    let what = match disagree {
        FlagsDisagree::IdentityMissing => "--certificate-identity or --certificate-identity-regexp is required for verification in keyless mode".to_owned(),
        FlagsDisagree::IssuerMissing => "--certificate-oidc-issuer or --certificate-oidc-issuer-regexp is required for verification in keyless mode".to_owned(),
        FlagsDisagree::KeyAndIdentity => "exactly one of: key reference (--key) or certificate identity (--certificate-identity or --certificate-identity-regexp), must be provided. To determine which to use, inspect the bundle's 'verificationMaterial' field: if 'publicKey' is present, use key reference; if 'certificate' or 'x509CertificateChain' is present, use certificate identity".to_owned(),
        FlagsDisagree::SigningConfigAndUrls => "cannot specify service URLs and use signing config".to_owned(),
        FlagsDisagree::SigningConfigAndNoLog => "--tlog-upload=false is not supported with --signing-config or --use-signing-config. Provide a signing config with --signing-config without a transparency log service, which can be created with `cosign signing-config create` or `curl https://raw.githubusercontent.com/sigstore/root-signing/refs/heads/main/targets/signing_config.v0.2.json | jq 'del(.rekorTlogUrls)'` for the public instance".to_owned(),
        FlagsDisagree::NoDestination => "must enable upload to the OCI registry or specify a local --bundle path with --new-bundle-format".to_owned(),
        FlagsDisagree::OneBundleForSeveral => {
            return Report::new(code::FLAGS_DISAGREE, "--bundle is one file, and there are several images")
                .hint("sign one image at a time, or leave --bundle out");
        }
        FlagsDisagree::OutputFormat { asked } => {
            return Report::new(code::FLAGS_DISAGREE, format!("`{asked}` is no form of output"))
                .detail("expected json or text");
        }
        FlagsDisagree::Format { asked } => {
            return Report::new(code::NOT_THERE, format!("`{asked}` is not there yet"));
        }
        FlagsDisagree::PolicyFormat { path } => {
            return Report::new(code::FLAGS_DISAGREE, "invalid policy format, expected .cue or .rego")
                .detail(format!("found `{}`", path.display()))
                .hint("rename the policy to what it is: policy.cue or policy.rego");
        }
        FlagsDisagree::Missing { flag } => format!("--{flag} is required"),
    };
    Report::new(code::FLAGS_DISAGREE, what)
}

pub(super) fn written(report: Report, error: ErrorKind) -> Report {
    let full = matches!(
        error,
        ErrorKind::StorageFull | ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded
    );
    let report = report.detail(kind(error));
    if full {
        report.hint("the disk is full: make room and run the command again")
    } else {
        report
    }
}

/// What the operating system says, as it says it in its own tools.
pub(super) fn kind(error: ErrorKind) -> String {
    match error {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::AlreadyExists => "something else is there already".to_owned(),
        ErrorKind::StorageFull => "no space left on device".to_owned(),
        other => other.to_string(),
    }
}

fn describe(error: &DescribeError) -> Report {
    match error {
        DescribeError::Registry(error) => registry::failed(error),
        DescribeError::Layout(error) => registry::layout(error),
        DescribeError::File { path, kind: found } => Report::new(
            code::FILE_NOT_READ,
            format!("`{}` cannot be read", path.display()),
        )
        .detail(kind(*found)),
        DescribeError::NoPlatform { .. } => Report::new(code::SBOM, "no image for this platform")
            .detail(error.to_string())
            .hint("choose one with `--platform`"),
        other => Report::new(code::SBOM, "the image cannot be described").detail(other.to_string()),
    }
}
