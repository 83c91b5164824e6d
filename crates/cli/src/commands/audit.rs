//! `audit`: who signed what, when, from which workflow, as the log tells it and proves.

use std::process::ExitCode;

use countersign_client::audit::{Audit as Read, AuditRange, AuditedEntry, audit};
use countersign_client::registry::{Client, ClientOptions};
use countersign_client::services::service_url;
use countersign_trust::VerifiedEntry;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::{Audit, DataFormat};
use crate::output::{json, text};
use crate::signing;

/// One entry of the log as programs read it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Its index in the log.
    pub(crate) log_index: u64,
    /// Whether its proofs hold.
    pub(crate) proven: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
    /// When the log took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<String>,
    /// `dsse`, `hashedrekord`, `intoto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// What was signed, by its digest: of an attestation that of its statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    /// Whom the certificate names; absent for a plain key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    /// Where the source is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<String>,
    /// The branch or tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// What started the workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trigger: Option<String>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<String>,
}

#[derive(Serialize)]
struct Page {
    size: u64,
    proven: usize,
    entries: Vec<Row>,
}

/// Reads the log and prints its entries. An entry that is not proven is shown, and makes the exit status 1.
///
/// # Errors
/// If the log cannot be read, or an entry is not proven.
pub(crate) fn run(flags: &Audit, context: &Context) -> Result<ExitCode, Failure> {
    let root = signing::trust_root(&flags.trusted_root)?;
    let base = service_url(&flags.rekor_url).map_err(Failure::ServiceUrl)?;
    let client = Client::new(ClientOptions::default()).map_err(Failure::Connections)?;
    let range = AuditRange::From {
        index: flags.from,
        count: flags.limit,
    };
    let read = context.wait_for(async {
        let progress = context.output.wait("reading the log");
        let read = audit(client.transport(), &base, &root, range).await;
        drop(progress);
        read.map_err(Failure::Audit)
    })?;
    let unproven = read.entries.iter().filter(|one| one.entry.is_err()).count();
    print(&read, flags.output, context)?;
    if unproven > 0 {
        return Err(Failure::LogNotProven {
            unproven,
            read: read.entries.len(),
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the rows of what was read.
pub(crate) fn rows(read: &Read) -> Vec<Row> {
    read.entries.iter().map(row).collect()
}

fn print(read: &Read, format: DataFormat, context: &Context) -> Result<(), Failure> {
    let rows = rows(read);
    let proven = rows.iter().filter(|row| row.proven).count();
    if format == DataFormat::Json {
        let page = Page {
            size: read.size,
            proven,
            entries: rows,
        };
        return context.output.line(json::pretty(&page));
    }
    let head = ["INDEX", "TIME", "KIND", "DIGEST", "IDENTITY", "PROVEN"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            row.log_index.to_string(),
            or_dash(&row.time),
            or_dash(&row.kind),
            row.digest
                .as_deref()
                .map_or_else(|| "-".to_owned(), text::short_digest),
            row.identity.clone().unwrap_or_else(|| "(a key)".to_owned()),
            row.fault.clone().unwrap_or_else(|| "yes".to_owned()),
        ]
    });
    let table: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(cells).collect();
    context.output.data(text::columns(&table))?;
    context.output.say(format!(
        "{proven} of {} entries are proven; the log has {}",
        rows.len(),
        read.size
    ));
    Ok(())
}

fn row(audited: &AuditedEntry) -> Row {
    let entry = audited.entry.as_ref();
    let identity = entry.ok().and_then(VerifiedEntry::recorded_identity);
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let claims = identity.map(countersign_trust::CertificateIdentity::claims);
    Row {
        log_index: audited.index,
        proven: entry.is_ok(),
        fault: entry.err().map(ToString::to_string),
        time: entry
            .ok()
            .and_then(VerifiedEntry::integrated_time)
            .map(|time| time.to_string()),
        kind: entry.ok().map(|entry| entry.kind().name().to_owned()),
        digest: entry
            .ok()
            .and_then(VerifiedEntry::recorded_digest)
            .map(ToString::to_string),
        identity: identity.and_then(|identity| owned(identity.subject())),
        issuer: identity.and_then(|identity| owned(identity.issuer())),
        repository: claims.and_then(|claims| owned(claims.source_repository_uri())),
        reference: claims.and_then(|claims| owned(claims.source_repository_ref())),
        commit: claims.and_then(|claims| owned(claims.source_repository_digest())),
        trigger: claims.and_then(|claims| owned(claims.build_trigger())),
        run: claims.and_then(|claims| owned(claims.run_invocation_uri())),
    }
}
