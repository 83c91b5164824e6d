//! The table of error codes: `docs/reference/errors.md` is printed from it.

/// What an error says about the question that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was judged, and the answer is no: exit 1.
    No,
    /// It could not be judged: exit 2.
    Undecided,
    /// The question was wrong: exit 64.
    Usage,
}

impl Outcome {
    /// The exit status of the program.
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::No => 1,
            Self::Undecided => 2,
            Self::Usage => 64,
        }
    }
}

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// The name a person can search for.
    pub(crate) name: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What it says about the question.
    pub(crate) outcome: Outcome,
    /// What to do; the hint where an error has none of its own.
    pub(crate) remedy: &'static str,
}

macro_rules! codes {
    ($($constant:ident = $name:literal, $outcome:ident, $meaning:literal, $remedy:literal;)*) => {
        $(
            #[doc = $meaning]
            pub(crate) const $constant: &Code = &Code {
                name: $name,
                meaning: $meaning,
                outcome: Outcome::$outcome,
                remedy: $remedy,
            };
        )*
        /// Every code, in the order of the page.
        pub(crate) const ALL: &[&Code] = &[$($constant),*];
    };
}

codes! {
    COMMAND_LINE = "S0101", Usage, "The command line cannot be read.",
        "see `countersign help` and `countersign <command> --help`";
    NOT_THERE = "S0102", Usage, "The command, flag or format exists in cosign, syft or policy-tester, but not yet here.",
        "leave it out, or use that tool for this one step";
    FLAGS_DISAGREE = "S0103", Usage, "Two flags exclude each other, or one that is needed is missing.",
        "see `countersign <command> --help`";
    REFERENCE = "S0104", Usage, "An image reference does not parse.",
        "write it as registry.example/repository:tag or registry.example/repository@sha256:<64 hexadecimal digits>";
    FILE_NOT_READ = "S0105", Undecided, "A file cannot be read.",
        "check the path and the permissions";
    FILE_NOT_WRITTEN = "S0106", Undecided, "A file or standard output cannot be written.",
        "check that the folder exists, may be written, and that the disk has room";
    DECLINED = "S0107", No, "The person at the terminal did not agree.",
        "answer `y`, or give `--yes` where nobody sits at the terminal";
    TIMEOUT = "S0108", Undecided, "The command did not end within `--timeout`.",
        "try again, or give it more time with `--timeout`";
    PROCESS = "S0109", Undecided, "The operating system refused something the program needs.",
        "look at limits of memory, threads and open files";

    NO_SIGNATURE = "S0201", No, "The image has no signature at all.",
        "sign it: `countersign sign IMAGE@DIGEST`";
    NO_MATCHING_SIGNATURE = "S0202", No, "The image has signatures, and none proves what is asked for.",
        "compare what was found with what was asked for; every signature is listed with its own reason";
    NO_ATTESTATION = "S0203", No, "The image has no attestation of this kind.",
        "attest it: `countersign attest --type TYPE --predicate FILE IMAGE@DIGEST`";
    NO_MATCHING_ATTESTATION = "S0204", No, "The image has attestations, and none proves what is asked for.",
        "compare what was found with what was asked for; every attestation is listed with its own reason";
    IMAGE_NOT_FOUND = "S0205", No, "The registry knows no such image.",
        "check repository and tag; a private registry may say so to strangers too: log in";
    NOT_A_BUNDLE = "S0206", No, "The file or layer is not a Sigstore bundle that can be read.",
        "give the file that `sign --bundle` wrote";
    BUNDLE_REFUSED = "S0207", No, "The bundle does not prove what is asked for.",
        "the second line names the proof that fails";
    POLICY_NOT_MET = "S0208", No, "The attestation does not satisfy the policy.",
        "the second line has the policy's own words";
    LOG_NOT_PROVEN = "S0209", No, "The transparency log's answer does not prove what it says.",
        "do not trust this log until its operator explains; check that the trust root is the log's own";

    REGISTRY_UNREACHABLE = "S0301", Undecided, "The registry does not answer.",
        "check the address and the network; this says nothing about signatures";
    REGISTRY_DENIED = "S0302", Undecided, "The registry refuses to answer without other credentials.",
        "log in, or give `--registry-username` and `--registry-password`; this says nothing about signatures";
    REGISTRY_FAILED = "S0303", Undecided, "The registry answers with an error.",
        "try again later; this says nothing about signatures";
    REGISTRY_CONTENT = "S0304", Undecided, "What the registry sent is not what was asked for: wrong digest, cut off, or too large.",
        "the copy is damaged or tampered with: push the image again, or use another registry";
    IMAGE_SOURCE = "S0305", Undecided, "The image layout or archive on disk cannot be used.",
        "make it again; a layout is a folder with `oci-layout` and `index.json`";

    SERVICE_UNREACHABLE = "S0401", Undecided, "A Sigstore service does not answer.",
        "check the address and the network";
    SERVICE_REFUSED = "S0402", Undecided, "A Sigstore service refuses the request.",
        "the second line has the service's own words";
    SERVICE_ANSWER = "S0403", Undecided, "A Sigstore service's answer cannot be used.",
        "check that the address is that service, and that the trust root knows it";
    NO_IDENTITY_TOKEN = "S0404", Usage, "There is no identity to sign with.",
        "give `--identity-token`, set SIGSTORE_ID_TOKEN, run in CI with an OIDC token, or sign with `--key`";
    IDENTITY_TOKEN = "S0405", Usage, "The identity token cannot be used.",
        "ask for a new one; it lives for minutes";
    TRUST_ROOT = "S0406", Usage, "The trust root cannot be used.",
        "give the trusted_root.json of the instance that signed";
    SIGNING_CONFIG = "S0407", Usage, "The signing config cannot be used.",
        "give the signing_config.json of the instance to sign with";

    KEY = "S0501", Usage, "The key cannot be used.",
        "give the file that `countersign generate-key-pair` wrote: .key to sign, .pub to verify";
    PASSWORD = "S0502", Usage, "The password does not open the key.",
        "set COSIGN_PASSWORD to the password that the key was sealed with";
    PREDICATE = "S0503", Usage, "The predicate cannot be attested as this type.",
        "check the file against `--type`";

    POLICY = "S0601", Usage, "The policy cannot be used.",
        "the second line says where it is wrong";
    IMAGE_REFUSED = "S0602", No, "The image does not satisfy the policies.",
        "each policy is listed with its own reason";

    SBOM = "S0701", Undecided, "The image cannot be described.",
        "the second line says what is wrong with it";

    PORT = "S0801", Undecided, "The address cannot be listened on.",
        "another program has it: choose another with `--listen`, or port 0 for a free one";
    DATA_FOLDER_IN_USE = "S0802", Undecided, "Another process uses the data folder.",
        "stop it first, or give another folder with `--dir`";
    DATA_FOLDER = "S0803", Undecided, "The data folder cannot be used.",
        "check its permissions and that the disk has room";
    SERVER = "S0804", Undecided, "The server stopped by itself.",
        "the second line says why";

    DEMO = "S0901", No, "A step of the demo did not go as expected.",
        "the step is marked above; please report it";
}

/// Writes `docs/reference/errors.md`.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Error codes\n\n\
         Printed by `countersign debug errors`; do not edit. Exit 1 means judged and refused, 2 means it could\n\
         not be judged, 64 means the question was wrong. Under the name `cosign` the exit codes are cosign's.\n\n\
         | code | exit | meaning | what to do |\n| --- | --- | --- | --- |\n",
    );
    for code in ALL {
        page.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            code.name,
            code.outcome.status(),
            code.meaning,
            code.remedy.replace('|', "\\|")
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_used_once() {
        let names: Vec<_> = ALL.iter().map(|code| code.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }
}
