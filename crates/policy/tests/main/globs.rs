//! Image patterns: `globs.jsonl`.

use countersign_artifact::ImageReference;
use countersign_policy::ImagePattern;
use serde_json::Value;

use crate::vectors::{Tally, lines, text};

#[test]
fn patterns_match_what_upstream_matches() {
    let mut tally = Tally::new(DIFFERENT);
    for line in lines("globs.jsonl") {
        let (result, error) = match answer(&line) {
            Ok(true) => ("match", String::new()),
            Ok(false) => ("no match", String::new()),
            Err(error) => ("error", error),
        };
        let upstream = format!("{} {}", text(&line, "result"), text(&line, "error"));
        tally.compare(text(&line, "name"), &format!("{result} {error}"), &upstream);
    }
    tally.finish("globs");
}

fn answer(line: &Value) -> Result<bool, String> {
    let image = text(line, "image");
    // The words for it are the edge's.
    let unparsable = |_| format!("could not parse reference: {image}");
    let reference = ImageReference::parse(image).map_err(unparsable);
    let pattern = ImagePattern::parse(text(line, "glob")).map_err(|error| error.to_string());
    if text(line, "path") == "match" {
        // The bare function tries the text as it is written, too, which no caller of it does.
        let pattern = pattern?;
        return Ok(pattern.matches(&reference?) || pattern.matches_text(image));
    }
    let reference = reference?;
    if text(line, "path") == "cluster" && reference.digest().is_none() {
        return Err(format!("invalid value: {image} must be an image digest"));
    }
    Ok(pattern?.matches(&reference))
}

const DIFFERENT: &[(&str, &str)] = &[];
