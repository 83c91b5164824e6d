//! From the flags of registries to a client of them.

use std::fs;
use std::path::Path;

use countersign_artifact::{ImageReference, ReferenceError};
use countersign_client::Secret;
use countersign_client::registry::{Client, ClientOptions, Credential, Keychain, PlainHttp};
use countersign_client::transport::{CertificateCheck, ClientIdentity, TransportOptions};

use crate::failure::{Failure, FlagsDisagree};
use crate::flags::RegistryFlags;

/// Reads an image reference as typed.
///
/// # Errors
/// If it does not parse; the error says which part is wrong.
pub(crate) fn reference(text: &str) -> Result<ImageReference, Failure> {
    let failed = |error| Failure::Reference {
        text: text.to_owned(),
        error,
    };
    let image = ImageReference::parse(text).map_err(failed)?;
    // go-containerregistry reads `https:` and ports beyond 65535 as parts of a registry's name.
    let port = image.registry().rsplit_once(':').map(|(_, port)| port);
    if port.is_some_and(|port| !port.ends_with(']') && port.parse::<u16>().is_err()) {
        let registry = image.registry().to_owned();
        return Err(failed(ReferenceError::Registry(registry)));
    }
    Ok(image)
}

/// Makes the client that the flags describe. Nothing is sent.
///
/// # Errors
/// If a file of certificates cannot be used, or the flags do not go together.
pub(crate) fn client(flags: &RegistryFlags) -> Result<Client, Failure> {
    let identity = match (&flags.registry_client_cert, &flags.registry_client_key) {
        (Some(certificate), Some(key)) => {
            let key = String::from_utf8_lossy(&read(key)?).into_owned();
            Some(ClientIdentity {
                certificate: read(certificate)?,
                key: Secret::new(key),
            })
        }
        (None, None) => None,
        (Some(_), None) => return Err(missing("registry-client-key")),
        (None, Some(_)) => return Err(missing("registry-client-cert")),
    };
    let options = ClientOptions {
        transport: TransportOptions {
            certificates: if flags.allow_insecure_registry {
                CertificateCheck::DangerouslySkipped
            } else {
                CertificateCheck::Required
            },
            extra_roots: flags
                .registry_cacert
                .as_deref()
                .map(read)
                .transpose()?
                .unwrap_or_default(),
            identity,
            ..TransportOptions::default()
        },
        plain_http: if flags.allow_http_registry {
            PlainHttp::DangerouslyEverywhere
        } else {
            PlainHttp::PrivateHosts
        },
        keychain: keychain(flags)?,
    };
    Client::new(options).map_err(Failure::Connections)
}

/// cosign's order: name and password, then token, then what the machine's files say.
fn keychain(flags: &RegistryFlags) -> Result<Keychain, Failure> {
    let secret = |secret: &crate::flags::Secret| Secret::new(secret.expose());
    match (
        &flags.registry_username,
        &flags.registry_password,
        &flags.registry_token,
    ) {
        (Some(username), Some(password), _) => Ok(Keychain::Explicit(Credential::Basic {
            username: username.clone(),
            password: secret(password),
        })),
        (Some(_), None, _) => Err(missing("registry-password")),
        (None, Some(_), _) => Err(missing("registry-username")),
        (None, None, Some(token)) => {
            Ok(Keychain::Explicit(Credential::RegistryToken(secret(token))))
        }
        (None, None, None) => Keychain::from_environment().map_err(Failure::Credentials),
    }
}

fn missing(flag: &'static str) -> Failure {
    Failure::Flags(FlagsDisagree::Missing { flag })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::read(path, &error))
}
