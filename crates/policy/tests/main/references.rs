//! Image references as patterns see them: `references.jsonl`.

use countersign_artifact::ImageReference;

use crate::vectors::{Tally, lines, text};

#[test]
fn names_are_normalised_as_upstream_does() {
    let mut tally = Tally::new(&[]);
    for line in lines("references.jsonl") {
        let parsed = ImageReference::parse(text(&line, "reference"));
        let ours = match parsed {
            Ok(reference) => reference.name(),
            // The words are the edge's; that there is an error is the parser's.
            Err(_) => format!(
                "error could not parse reference: {}",
                text(&line, "reference")
            ),
        };
        let upstream = match text(&line, "result") {
            "error" => format!("error {}", text(&line, "error")),
            name => name.to_owned(),
        };
        tally.compare(text(&line, "name"), &ours, &upstream);
    }
    tally.finish("references");
}
