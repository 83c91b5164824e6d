//! Sentences for keys, tokens, services, and signatures that were not made.

use countersign_client::fulcio::FulcioError;
use countersign_client::identity_token::IdentityTokenError;
use countersign_client::key_source::KeySourceError;
use countersign_client::rekor::RekorError;
use countersign_client::services::ServicesError;
use countersign_client::sign::SignError;
use countersign_client::timestamp_authority::TimestampAuthorityError;
use countersign_client::trust_root_source::TrustRootSourceError;
use countersign_trust::PredicateType;
use countersign_trust::private_key::PrivateKeyError;

use super::Report;
use super::code;
use super::own::kind;
use super::registry;
use crate::failure::Failure;

/// Writes the report of something that signing needs.
pub(super) fn failed(failure: &Failure) -> Report {
    match failure {
        Failure::Place(error) => {
            Report::new(code::REFERENCE, "COSIGN_REPOSITORY names no repository")
                .detail(error.to_string())
                .hint("set it to registry.example/repository, or unset it")
        }
        Failure::Platform(error) => {
            Report::new(code::FLAGS_DISAGREE, "the platform does not parse")
                .detail(error.to_string())
                .hint("write it as linux/amd64 or linux/arm64/v8")
        }
        Failure::Key(error) => key(error),
        Failure::PrivateKey(error) => private_key(error, "the new key"),
        Failure::IdentityToken(error) => identity_token(error),
        Failure::TrustRoot(error) => trust_root(error),
        Failure::SigningConfig { path, error } => Report::new(
            code::SIGNING_CONFIG,
            format!("the signing config {} cannot be used", path.display()),
        )
        .detail(error.to_string()),
        Failure::ServiceUrl(error) => service_url(error),
        Failure::PredicateType(error) => {
            let known: Vec<&str> = PredicateType::aliases().collect();
            Report::new(code::PREDICATE, error.to_string()).detail(format!(
                "expected a URI or one of {}, found `{}`",
                known.join(", "),
                error.found
            ))
        }
        Failure::Sign(error) => sign(error),
        other => unreachable_report(other),
    }
}

/// [`super::own::report`] sends nothing else here.
fn unreachable_report(failure: &Failure) -> Report {
    Report::new(code::PROCESS, format!("{failure:?}"))
}

fn key(error: &KeySourceError) -> Report {
    match error {
        KeySourceError::NotSupportedYet { scheme } => Report::new(
            code::NOT_THERE,
            format!("keys in `{scheme}://` are not there yet"),
        ),
        KeySourceError::File { path, kind: found } => Report::new(
            code::FILE_NOT_READ,
            format!("`{}` cannot be read", path.display()),
        )
        .detail(kind(*found)),
        KeySourceError::Private { origin, error } => private_key(error, &origin.to_string()),
        other => Report::new(code::KEY, "the key cannot be used").detail(other.to_string()),
    }
}

fn private_key(error: &PrivateKeyError, origin: &str) -> Report {
    match error {
        PrivateKeyError::WrongPassword => Report::new(
            code::PASSWORD,
            format!("the password does not open {origin}"),
        )
        .detail("decrypt: encrypted: decryption failed"),
        PrivateKeyError::Label { expected, found } => {
            Report::new(code::KEY, format!("unsupported pem type: {found}"))
                .detail(format!("{origin}: expected `{expected}`"))
        }
        other => {
            Report::new(code::KEY, "the key cannot be used").detail(format!("{origin}: {other}"))
        }
    }
}

fn identity_token(error: &IdentityTokenError) -> Report {
    match error {
        IdentityTokenError::NoSource { in_github_actions: true } => {
            Report::new(code::NO_IDENTITY_TOKEN, "there is no identity to sign with")
                .detail("this GitHub Actions job may not ask for an identity token")
                .hint("add `permissions: { id-token: write }` to the job; or give `--identity-token`, or sign with `--key`")
        }
        IdentityTokenError::NoSource { .. } => {
            Report::new(code::NO_IDENTITY_TOKEN, "there is no identity to sign with")
                .detail("expected an identity token from --identity-token, SIGSTORE_ID_TOKEN or GitHub Actions, found none")
        }
        // The path may be a token with a letter missing: it is not repeated.
        IdentityTokenError::File { kind: found, .. } => {
            Report::new(code::IDENTITY_TOKEN, "the identity token cannot be used")
                .detail(format!("what was given is not a token (JWT), and as a file it cannot be read: {}", kind(*found)))
                .hint("give the token itself, or the path of a file that holds it")
        }
        IdentityTokenError::Transport(_) => {
            Report::new(code::SERVICE_UNREACHABLE, "GitHub gave no identity token").detail(error.to_string())
        }
        other => Report::new(code::IDENTITY_TOKEN, "the identity token cannot be used").detail(other.to_string()),
    }
}

fn trust_root(error: &TrustRootSourceError) -> Report {
    match error {
        TrustRootSourceError::File { path, kind: found } => Report::new(
            code::FILE_NOT_READ,
            format!("the trust root `{}` cannot be read", path.display()),
        )
        .detail(kind(*found)),
        TrustRootSourceError::Content { path, error } => Report::new(
            code::TRUST_ROOT,
            format!("the trust root `{}` cannot be used", path.display()),
        )
        .detail(error.to_string()),
    }
}

fn service_url(error: &ServicesError) -> Report {
    Report::new(
        code::FLAGS_DISAGREE,
        "the address of a service cannot be used",
    )
    .detail(error.to_string())
    .hint("write it as https://host or http://host:port")
}

fn sign(error: &SignError) -> Report {
    let report = match error {
        SignError::Registry(error) => return registry::failed(error),
        SignError::Fulcio(FulcioError::Transport { .. })
        | SignError::Rekor(RekorError::Transport { .. })
        | SignError::TimestampAuthority(TimestampAuthorityError::Transport { .. }) => {
            Report::new(code::SERVICE_UNREACHABLE, "a service does not answer")
        }
        SignError::Fulcio(FulcioError::Refused(_)) => {
            Report::new(code::SERVICE_REFUSED, "the certificate authority refuses the identity token")
        }
        SignError::Rekor(RekorError::Refused(_)) => {
            Report::new(code::SERVICE_REFUSED, "the transparency log refuses the entry")
        }
        SignError::TimestampAuthority(TimestampAuthorityError::Refused(_)) => {
            Report::new(code::SERVICE_REFUSED, "the timestamp authority refuses the request")
        }
        SignError::Key(_) => Report::new(code::KEY, "the key cannot sign"),
        SignError::Predicate(_) => Report::new(code::PREDICATE, "the predicate cannot be attested"),
        SignError::NoCertificateAuthority | SignError::NoWitness => {
            Report::new(code::SIGNING_CONFIG, "the services do not suffice")
                .hint("name a certificate authority, and a log or a timestamp authority, or sign with `--key`")
        }
        SignError::NotVerified(_) | SignError::LogNotInRoot | SignError::Unreadable(_) => {
            Report::new(code::SERVICE_ANSWER, "the new signature does not verify with the trust root; nothing was pushed")
        }
        SignError::Fulcio(_) | SignError::Rekor(_) | SignError::TimestampAuthority(_) => {
            Report::new(code::SERVICE_ANSWER, "a service's answer cannot be used")
        }
    };
    report.detail(error.to_string())
}
