//! As which tool the program was called.

/// The tool whose command line is taken and whose exit codes are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Personality {
    /// Its own name.
    Countersign,
    /// A link named `cosign`.
    Cosign,
    /// A link named `syft`.
    Syft,
    /// A link named `policy-tester`.
    PolicyTester,
}

impl Personality {
    /// Reads the name of the program, without folder and ending.
    pub(crate) fn of(program: &str) -> Self {
        match program {
            "cosign" => Self::Cosign,
            "syft" => Self::Syft,
            "policy-tester" => Self::PolicyTester,
            _ => Self::Countersign,
        }
    }
}
