//! Flags that cosign 3 calls deprecated: they work, and cosign says so on standard error.

/// Each flag, and what cosign says of it.
const DEPRECATED: &[(&str, &str)] = &[
    (
        "fulcio-url",
        "please use a signing config to specify a fulcio url; see `cosign signing-config --help`",
    ),
    (
        "new-bundle-format",
        "this will be the only supported format in future versions",
    ),
    (
        "offline",
        "To verify in an airgapped environment, provide a --bundle with the signature and verification material, and a --trusted-root file with the service keys and certificates",
    ),
    (
        "private-infrastructure",
        "please use --insecure-ignore-tlog instead",
    ),
    (
        "rekor-url",
        "please use a signing config to specify a rekor url; see `cosign signing-config --help`",
    ),
    (
        "tlog-upload",
        "prefer using a --signing-config file with no transparency log services",
    ),
];

/// Lists what cosign says of the deprecated flags on a command line, in its order. Variables of the
/// environment do not count.
pub(crate) fn notes(words: &[String]) -> Vec<String> {
    words
        .iter()
        .skip(1)
        .take_while(|word| *word != "--")
        .filter_map(|word| {
            let name = word.strip_prefix("--")?;
            let name = name.split('=').next().unwrap_or(name);
            let (flag, advice) = DEPRECATED.iter().find(|(flag, _)| *flag == name)?;
            Some(format!("Flag --{flag} has been deprecated, {advice}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::notes;

    #[test]
    fn each_use_is_noted_up_to_the_end_of_flags() {
        let words = "cosign sign --tlog-upload=false --key k --rekor-url u -- --offline";
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let notes = notes(&words);
        assert_eq!(notes.len(), 2);
        assert!(notes[0].starts_with("Flag --tlog-upload has been deprecated, prefer"));
        assert!(notes[1].starts_with("Flag --rekor-url has been deprecated, please"));
    }
}
