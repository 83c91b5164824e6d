//! A table for people, with the columns of syft's.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use super::kind_name;
use crate::document::Inventory;

/// Writes name, version and type of every package, sorted; equal rows are one, and counted.
pub(super) fn write(inventory: &Inventory, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    if inventory.packages.is_empty() {
        writeln!(out, "No packages discovered")?;
        return out.flush();
    }
    let mut rows: BTreeMap<[String; 3], usize> = BTreeMap::new();
    for package in &inventory.packages {
        let version = package.version.as_deref().unwrap_or_default();
        let row = [
            printable(&package.name),
            printable(version),
            kind_name(package.kind).to_owned(),
        ];
        *rows.entry(row).or_default() += 1;
    }
    let width = |column: usize, title: &str| {
        let cells = rows.keys().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default().max(title.len())
    };
    let (first, second) = (width(0, NAME), width(1, VERSION));
    writeln!(out, "{NAME:first$}  {VERSION:second$}  TYPE")?;
    for ([name, version, kind], count) in &rows {
        write!(out, "{name:first$}  {version:second$}  {kind}")?;
        match count {
            1 => writeln!(out)?,
            2 => writeln!(out, "  (+1 duplicate)")?,
            more => writeln!(out, "  (+{} duplicates)", more - 1)?,
        }
    }
    out.flush()
}

/// Names come from the image, and would otherwise speak to the terminal in escape sequences, or turn lines
/// around (CVE-2021-42574).
fn printable(text: &str) -> String {
    let is_shown = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if is_shown(c) { c } else { '\u{fffd}' })
        .collect()
}

const NAME: &str = "NAME";
const VERSION: &str = "VERSION";
