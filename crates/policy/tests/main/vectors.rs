//! Lines of recorded answers, and how many of them we agree with.

use serde_json::Value;

/// The lines of a file of the fixture folder `policy`.
pub(crate) fn lines(file: &str) -> Vec<Value> {
    let path = countersign_testkit::fixtures::folder("policy").join(file);
    let text = std::fs::read_to_string(path).expect("the fixtures are there");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

/// A text field; absent is empty.
pub(crate) fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

/// Disagreements so far. Those that were agreed on beforehand must happen, all others must not.
pub(crate) struct Tally {
    agreed: &'static [(&'static str, &'static str)],
    met: Vec<&'static str>,
    wrong: Vec<String>,
    lines: usize,
    equal: usize,
}

impl Tally {
    /// `agreed` names lines where we differ on purpose, each with the reason.
    pub(crate) fn new(agreed: &'static [(&'static str, &'static str)]) -> Self {
        Self {
            agreed,
            met: Vec::new(),
            wrong: Vec::new(),
            lines: 0,
            equal: 0,
        }
    }

    /// Compares our answer to the line `name` with upstream's.
    pub(crate) fn compare(&mut self, name: &str, ours: &str, upstream: &str) {
        self.lines += 1;
        let agreed = self.agreed.iter().find(|(line, _)| *line == name);
        match (ours == upstream, agreed) {
            (true, None) => self.equal += 1,
            (true, Some(_)) => self
                .wrong
                .push(format!("{name}: listed as different, and is not")),
            (false, Some((line, _))) => self.met.push(line),
            (false, None) => {
                self.wrong.push(format!(
                    "{name}:\n   ours     {ours:?}\n   upstream {upstream:?}"
                ));
            }
        }
    }

    /// Prints the figures, and fails if there is a disagreement that nobody agreed on.
    pub(crate) fn finish(self, what: &str) {
        println!(
            "{what}: {} of {} equal, {} differ on purpose",
            self.equal,
            self.lines,
            self.met.len()
        );
        let mut wrong = self.wrong;
        let never = self
            .agreed
            .iter()
            .filter(|(line, _)| !self.met.contains(line));
        wrong.extend(never.map(|(line, _)| format!("{line}: listed as different, and never met")));
        assert!(
            wrong.is_empty(),
            "{what}: {} wrong\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}
