//! Tables of what the verifier says, one line a case, in `tests/expected`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use countersign_trust::{
    Artifact, Content, Evidence, Material, MaterialError, Verifier, VerifyError,
};

/// Compares `lines` (name, what was said) with the table; `UPDATE_EXPECT=1` writes it anew.
pub(crate) fn check(table: &str, lines: &[(String, String)]) {
    let mut text = String::new();
    for (name, said) in lines {
        writeln!(text, "{name}\t{said}").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/expected")
        .join(table);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).unwrap();
        return;
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    let mut differences = String::new();
    for line in wanted
        .lines()
        .filter(|line| !text.lines().any(|other| other == *line))
    {
        writeln!(differences, "- {line}").unwrap();
    }
    for line in text
        .lines()
        .filter(|line| !wanted.lines().any(|other| other == *line))
    {
        writeln!(differences, "+ {line}").unwrap();
    }
    assert!(differences.is_empty(), "{table} differs:\n{differences}");
}

/// What `verifier` says about each piece of `material`, as sorted text.
pub(crate) fn outcomes(
    material: &[Result<Material, MaterialError>],
    verifier: &Verifier<'_>,
    artifact: &Artifact<'_>,
) -> Vec<String> {
    let mut outcomes: Vec<_> = material
        .iter()
        .map(|one| match one {
            Ok(material) => outcome(&verifier.verify(material, artifact)),
            Err(error) => format!("{:?}", VerifyError::Unreadable(error.clone())),
        })
        .collect();
    outcomes.sort();
    outcomes
}

/// One outcome as text: the facts, or the variant of the error.
pub(crate) fn outcome(result: &Result<Evidence, VerifyError>) -> String {
    match result {
        Err(error) => format!("{error:?}"),
        Ok(evidence) => {
            let content = match evidence.content() {
                Content::ImageSignature(_) => "image signature".to_owned(),
                Content::Statement(statement) => statement.predicate_type().to_owned(),
                Content::Message(_) => "message".to_owned(),
            };
            let entries = evidence
                .entries()
                .iter()
                .map(|entry| entry.kind().to_string());
            let entries: Vec<_> = entries.collect();
            format!(
                "{VERIFIED}{content}, {} times, entries {entries:?}",
                evidence.times().len()
            )
        }
    }
}

/// How the text of a good outcome begins.
pub(crate) const VERIFIED: &str = "verified: ";
