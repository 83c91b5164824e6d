//! Making one signature: a key or a certificate, a log, a clock, a bundle.

use countersign_artifact::Digest;
use countersign_trust::assemble::{
    BundleContent, Envelope, IN_TOTO_PAYLOAD, KeyMaterial, LogEntry, PredicateError, bundle, pae,
    pem_block, rekor_v1_dsse_entry,
};
use countersign_trust::{
    Artifact, Evidence, Material, MaterialError, PrivateKey, PrivateKeyError, TrustRoot, Verifier,
    VerifyError,
};
use futures_util::future::{try_join, try_join_all};

use crate::fulcio::{FulcioError, IssuedCertificate, request_certificate};
use crate::identity_token::IdentityToken;
use crate::material::Place;
use crate::registry::RegistryError;
use crate::rekor::{RekorError, add_entry};
use crate::services::Services;
use crate::timestamp_authority::{TimestampAuthorityError, timestamp};
use crate::transport::Transport;

/// Who signs.
#[derive(Debug)]
pub enum SigningIdentity {
    /// The holder of a key.
    Key(Box<PrivateKey>),
    /// Whom an identity token names: with a certificate for a key that is made for this one signature.
    Keyless {
        /// The token.
        token: IdentityToken,
    },
}

/// How signatures are made and where they go.
#[derive(Debug)]
pub struct SignRequest<'a> {
    /// Who signs.
    pub identity: &'a SigningIdentity,
    /// Who bears witness.
    pub services: &'a Services,
    /// A root that the new bundle is verified with before anybody sees it.
    pub trust_root: Option<&'a TrustRoot>,
    /// Where the bundle goes.
    pub destination: Destination,
}

/// Where a new bundle goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Into a registry.
    Registry(Place),
    /// Back to the caller alone (`--upload=false`).
    Caller,
}

/// Why nothing was signed, or why what was signed was not pushed. Nobody sees a part of it.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The registry, asked for the image or given the bundle.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The certificate authority.
    #[error(transparent)]
    Fulcio(#[from] FulcioError),
    /// The transparency log.
    #[error(transparent)]
    Rekor(#[from] RekorError),
    /// The timestamp authority.
    #[error(transparent)]
    TimestampAuthority(#[from] TimestampAuthorityError),
    /// The key.
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
    /// The predicate is not one of its type.
    #[error(transparent)]
    Predicate(#[from] PredicateError),
    /// Signing with an identity needs an authority, and none is named.
    #[error("no certificate authority is named to sign with an identity")]
    NoCertificateAuthority,
    /// A certificate of ten minutes without anyone who says when it was used is worth nothing.
    #[error("neither a log nor a timestamp authority is named to say when it was signed")]
    NoWitness,
    /// The new bundle cannot be read back.
    #[error("the new bundle cannot be read: {0}")]
    Unreadable(#[from] MaterialError),
    /// The new bundle does not verify with the trust root that was given.
    #[error("the new bundle does not verify: {0}")]
    NotVerified(#[from] VerifyError),
    /// The log is not one of the trust root, so that nobody who has that root would see the entry.
    #[error("the entry is not in a log of the trust root")]
    LogNotInRoot,
}

/// A bundle that has just been made, and verified as far as it was asked.
pub(crate) struct NewBundle {
    pub(crate) json: Vec<u8>,
    pub(crate) log_indexes: Vec<u64>,
    pub(crate) evidence: Option<Evidence>,
}

/// Signs `statement`, which is about the artifact with this digest.
pub(crate) async fn sign_statement(
    transport: &Transport,
    request: &SignRequest<'_>,
    statement: Vec<u8>,
    subject: &Digest,
) -> Result<NewBundle, SignError> {
    // 1. Who? The key that was given, or a new one that an authority vouches for.
    let signer = Signer::of(transport, request).await?;
    // 2. What? The statement with its type.
    let signature = signer.key().sign(&pae(IN_TOTO_PAYLOAD, &statement))?;
    let envelope = Envelope::of_statement(statement, signature);
    // 3. Witnesses: who may read it, and when it was.
    let (entries, timestamps) = try_join(
        log(transport, request.services, &envelope, &signer.pem()),
        stamp(transport, request.services, &envelope),
    )
    .await?;
    let json = bundle(
        BundleContent::Envelope(&envelope),
        signer.material(),
        &entries,
        &timestamps,
    );
    // 4. What the services answered is believed only now.
    let evidence = check(&json, &signer, request, &entries, subject)?;
    Ok(NewBundle {
        json,
        log_indexes: entries.iter().map(LogEntry::log_index).collect(),
        evidence,
    })
}

enum Signer<'a> {
    Key(&'a PrivateKey),
    Certificate(PrivateKey, IssuedCertificate),
}

impl<'a> Signer<'a> {
    async fn of(transport: &Transport, request: &SignRequest<'a>) -> Result<Self, SignError> {
        let token = match request.identity {
            SigningIdentity::Key(key) => return Ok(Self::Key(key)),
            SigningIdentity::Keyless { token } => token,
        };
        let services = request.services;
        let fulcio = services.fulcio.as_ref();
        let fulcio = fulcio.ok_or(SignError::NoCertificateAuthority)?;
        if services.rekor.is_empty() && services.timestamp_authorities.is_empty() {
            return Err(SignError::NoWitness);
        }
        let key = PrivateKey::generate()?;
        let certificate = request_certificate(transport, fulcio, token, &key).await?;
        Ok(Self::Certificate(key, certificate))
    }

    fn key(&self) -> &PrivateKey {
        match self {
            Self::Key(key) => key,
            Self::Certificate(key, _) => key,
        }
    }

    fn pem(&self) -> String {
        match self {
            Self::Key(key) => key.public_key().to_pem(),
            Self::Certificate(_, certificate) => pem_block("CERTIFICATE", certificate.leaf()),
        }
    }

    fn material(&self) -> KeyMaterial<'_> {
        match self {
            Self::Key(key) => KeyMaterial::Key(key.public_key()),
            Self::Certificate(_, certificate) => KeyMaterial::Certificate(certificate.leaf()),
        }
    }
}

async fn log(
    transport: &Transport,
    services: &Services,
    envelope: &Envelope,
    signer_pem: &str,
) -> Result<Vec<LogEntry>, SignError> {
    if services.rekor.is_empty() {
        return Ok(Vec::new());
    }
    let proposal = rekor_v1_dsse_entry(envelope, signer_pem);
    let each = services.rekor.iter();
    let each = each.map(|log| add_entry(transport, log, proposal.clone()));
    Ok(try_join_all(each).await?)
}

async fn stamp(
    transport: &Transport,
    services: &Services,
    envelope: &Envelope,
) -> Result<Vec<Vec<u8>>, SignError> {
    let each = services.timestamp_authorities.iter();
    let each = each.map(|authority| timestamp(transport, authority, envelope.signature()));
    Ok(try_join_all(each).await?)
}

/// Reads the new bundle as a stranger would. A key's own signature is checked even without a root.
fn check(
    json: &[u8],
    signer: &Signer<'_>,
    request: &SignRequest<'_>,
    entries: &[LogEntry],
    subject: &Digest,
) -> Result<Option<Evidence>, SignError> {
    let material = Material::parse_bundle(json)?;
    let verifier = match (signer, request.trust_root) {
        (Signer::Key(key), root) => Verifier::of_key(key.public_key(), root),
        (Signer::Certificate(..), Some(root)) => Verifier::of_certificates(root),
        (Signer::Certificate(..), None) => return Ok(None),
    };
    let evidence = verifier.verify(&material, &Artifact::Digest(*subject))?;
    if request.trust_root.is_some() && evidence.entries().len() < entries.len() {
        return Err(SignError::LogNotInRoot);
    }
    Ok(Some(evidence))
}
