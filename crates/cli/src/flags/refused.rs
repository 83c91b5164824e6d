//! What cosign, syft and policy-tester have and this program has not yet: refused by name, never ignored.

/// What is asked for and not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A command of the tool.
    Command(String),
    /// A flag of the command.
    Flag(String),
}

/// Commands of cosign that are not there.
const COSIGN_COMMANDS: &[&str] = &[
    "attach",
    "attest-blob",
    "bundle",
    "clean",
    "copy",
    "dockerfile",
    "download",
    "env",
    "generate",
    "import-key-pair",
    "initialize",
    "load",
    "login",
    "manifest",
    "piv-tool",
    "pkcs11-tool",
    "save",
    "sign-blob",
    "signing-config",
    "tree",
    "triangulate",
    "trusted-root",
    "upload",
    "verify-blob",
    "verify-blob-attestation",
];

/// Commands of syft that are not there.
const SYFT_COMMANDS: &[&str] = &["attest", "cataloger", "config", "convert", "login"];

/// Flags of cosign's registry options.
const REGISTRY: &[&str] = &[
    "k8s-keychain",
    "registry-server-name",
    "attachment-tag-prefix",
];

/// Flags of `sign` and `attest`.
const SIGNING: &[&str] = &[
    "certificate",
    "certificate-chain",
    "cert",
    "cert-chain",
    "fulcio-auth-flow",
    "oidc-client-id",
    "oidc-client-secret-file",
    "oidc-provider",
    "oidc-redirect-url",
    "sk",
    "slot",
    "timestamp-client-cacert",
    "timestamp-client-cert",
    "timestamp-client-key",
    "timestamp-server-name",
    "registry-referrers-mode",
    "record-creation-timestamp",
    "rekor-entry-type",
    "insecure-skip-verify",
    "issue-certificate",
];

/// Flags of `verify` and `verify-attestation`.
const VERIFYING: &[&str] = &[
    "certificate",
    "certificate-chain",
    "cert",
    "cert-chain",
    "ca-roots",
    "ca-intermediates",
    "sct",
    "sk",
    "slot",
    "local-image",
    "timestamp-certificate-chain",
    "signature-digest-algorithm",
    "rekor-url",
    "payload",
    "signature",
    "attachment",
    "experimental-oci11",
];

/// Flags of `sign` alone.
const SIGN: &[&str] = &[
    "recursive",
    "attachment",
    "output-signature",
    "output-certificate",
    "output-payload",
    "payload",
    "sign-container-identity",
];

/// Flags of `attest` alone.
const ATTEST: &[&str] = &[
    "statement",
    "replace",
    "output-signature",
    "output-certificate",
];

/// Flags of `syft scan`.
const SBOM: &[&str] = &[
    "base-path",
    "catalogers",
    "config",
    "enrich",
    "exclude",
    "file",
    "name",
    "override-default-catalogers",
    "parallelism",
    "profile",
    "select-catalogers",
    "source-supplier",
    "source-version",
    "template",
];

/// Looks for what is not there among the words of a command line, before its flags are read: a refusal
/// by name must win over "unknown flag". `place` answers where a flag stands in the environment.
pub(crate) fn find(
    words: &[String],
    in_environment: impl Fn(&str) -> Option<String>,
) -> Option<Refused> {
    let (command, rest) = command(words)?;
    if let Some(name) = COSIGN_COMMANDS.iter().find(|name| **name == command) {
        return Some(Refused::Command((*name).to_owned()));
    }
    let flags = flags_of(command);
    for word in rest.iter().take_while(|word| *word != "--") {
        let name = match word.strip_prefix("--") {
            Some(long) => long.split('=').next().unwrap_or(long),
            None if command == "sign" && (word == "-r" || word.starts_with("-r=")) => "recursive",
            None => continue,
        };
        let off = word.ends_with("=false") && !name.is_empty();
        if !off && flags.iter().any(|list| list.contains(&name)) {
            return Some(Refused::Flag(name.to_owned()));
        }
    }
    flags
        .iter()
        .flat_map(|list| list.iter())
        .find(|name| in_environment(name).is_some_and(|value| value != "false"))
        .map(|name| Refused::Flag((*name).to_owned()))
}

/// Looks for a command of syft that is not there.
pub(crate) fn find_syft_command(words: &[String]) -> Option<Refused> {
    let first = words.first()?;
    SYFT_COMMANDS
        .iter()
        .find(|name| *name == first)
        .map(|name| Refused::Command((*name).to_owned()))
}

fn command(words: &[String]) -> Option<(&str, &[String])> {
    let at = words.iter().position(|word| !word.starts_with('-'))?;
    Some((&words[at], &words[at + 1..]))
}

fn flags_of(command: &str) -> Vec<&'static [&'static str]> {
    match command {
        "sign" => vec![REGISTRY, SIGNING, SIGN],
        "attest" => vec![REGISTRY, SIGNING, ATTEST],
        "verify" | "verify-attestation" => vec![REGISTRY, VERIFYING],
        "generate-key-pair" => vec![&["kms"]],
        "public-key" => vec![&["sk", "slot"]],
        "sbom" | "scan" => vec![REGISTRY, SBOM],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> Option<Refused> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        find(&words, |_| None)
    }

    #[test]
    fn absent_flags_and_commands_are_named() {
        assert_eq!(
            refused("sign-blob f"),
            Some(Refused::Command("sign-blob".to_owned()))
        );
        assert_eq!(
            refused("sign --sk image"),
            Some(Refused::Flag("sk".to_owned()))
        );
        assert_eq!(
            refused("sign -r image"),
            Some(Refused::Flag("recursive".to_owned()))
        );
        assert_eq!(
            refused("verify --slot=x i"),
            Some(Refused::Flag("slot".to_owned()))
        );
    }

    #[test]
    fn what_is_there_or_switched_off_passes() {
        assert_eq!(refused("sign --key k image"), None);
        assert_eq!(refused("sign --sk=false image"), None);
        assert_eq!(refused("verify -- --sk"), None);
    }

    #[test]
    fn the_environment_is_looked_at_too() {
        let words = vec!["sign".to_owned(), "image".to_owned()];
        let asked = |name: &str| (name == "sk").then(|| "true".to_owned());
        assert_eq!(find(&words, asked), Some(Refused::Flag("sk".to_owned())));
    }
}
