//! What can go wrong between here and a server before it has answered.

use std::error::Error;
use std::io;
use std::path::PathBuf;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportFault {
    /// No connection.
    #[error("cannot be reached: {0}")]
    Unreachable(Unreachable),
    /// The time for the request is used up.
    #[error("no answer in time")]
    TimedOut,
    /// The connection ended, or what came over it was not HTTP.
    #[error("the connection broke: {detail}")]
    Broken {
        /// What the HTTP library said.
        detail: String,
    },
    /// A certificate or key that was configured for connections cannot be used.
    #[error("the configured TLS certificates cannot be used: {detail}")]
    TlsSetup {
        /// What the TLS library said.
        detail: String,
    },
    /// A file that is to be sent cannot be read.
    #[error("cannot read {}: {kind}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// The name has no address.
    #[error("its name is not known")]
    NameUnknown {
        /// What the resolver said.
        detail: String,
    },
    /// The server's certificate is not one to trust.
    #[error("its certificate is not trusted ({detail})")]
    Certificate {
        /// What the TLS library said.
        detail: String,
    },
    /// The other side does not speak TLS, or not one we speak.
    #[error("it does not speak TLS ({detail})")]
    Tls {
        /// What the TLS library said.
        detail: String,
    },
    /// Something else: no route, a proxy.
    #[error("{detail}")]
    Other {
        /// What the operating system or the HTTP library said.
        detail: String,
    },
}

impl TransportFault {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        if error.is_connect() {
            return Self::Unreachable(Unreachable::of(error));
        }
        Self::Broken {
            detail: innermost(error),
        }
    }

    /// Whether trying again may help. A name that is unknown or a certificate that is wrong stays so.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(Unreachable::Refused | Unreachable::Other { .. }) => true,
            Self::Broken { .. } => true,
            Self::Unreachable(_) | Self::TimedOut | Self::TlsSetup { .. } | Self::File { .. } => {
                false
            }
        }
    }

    /// Whether the other side seems to speak the other of `http` and `https`. A certificate that is
    /// not trusted is no such sign: giving up TLS for it would be what an attacker wants.
    pub(crate) fn suggests_other_scheme(&self) -> bool {
        match self {
            Self::Unreachable(why) => matches!(why, Unreachable::Refused | Unreachable::Tls { .. }),
            Self::Broken { .. } => true,
            _ => false,
        }
    }
}

impl Unreachable {
    fn of(error: &reqwest::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = error.source();
        let detail = innermost(error);
        while let Some(inner) = cause {
            if let Some(tls) = tls_error(inner) {
                return match tls {
                    rustls::Error::InvalidCertificate(_)
                    | rustls::Error::NoCertificatesPresented => Self::Certificate { detail },
                    _ => Self::Tls { detail },
                };
            }
            if let Some(os) = inner.downcast_ref::<io::Error>() {
                if os.kind() == io::ErrorKind::ConnectionRefused {
                    return Self::Refused;
                }
                // What answers a TLS greeting with something else, or hangs up on it.
                if os.kind() == io::ErrorKind::UnexpectedEof {
                    return Self::Tls { detail };
                }
            }
            if inner.to_string().starts_with("dns error") {
                return Self::NameUnknown { detail };
            }
            cause = inner.source();
        }
        Self::Other { detail }
    }
}

/// rustls errors travel inside `io::Error`, whose `source` skips them.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let os = error.downcast_ref::<io::Error>()?;
    os.get_ref()?.downcast_ref::<rustls::Error>()
}

/// The last cause, which is the one that says something. Causes hold no URL, so no secret in one.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = match cause.downcast_ref::<reqwest::Error>() {
        // The error itself would print its URL.
        Some(_) => "the request could not be made".to_owned(),
        None => cause.to_string(),
    };
    text.chars().take(300).collect()
}
