//! The version of a module that says `(devel)`, from what else the program knows.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::module_list::ModuleList;

/// A version, and how sure it is in percent.
pub(super) type Guess = (String, u8);

/// The version of the main module.
pub(super) fn of_main(list: &ModuleList) -> Option<Guess> {
    let stated = list.main.as_ref().and_then(|main| stated(&main.version));
    match stated {
        Some(version) => Some((version.to_owned(), 100)),
        None => linked(list)
            .map(|version| (version, 80))
            .or_else(|| pseudo(list).map(|version| (version, 90))),
    }
}

/// A version that is one.
pub(super) fn stated(version: &str) -> Option<&str> {
    (!version.is_empty() && version != "(devel)").then_some(version)
}

/// What a release script told the linker: `-ldflags="-X main.version=1.2.3"`.
fn linked(list: &ModuleList) -> Option<String> {
    let flags = list.setting("-ldflags")?;
    let words = flags.split([' ', '\'', '"', '\t']);
    let mut found = words.filter_map(|word| {
        let (name, value) = word.trim_start_matches("-X=").split_once('=')?;
        let variable = name.rsplit(['.', '/']).next()?;
        let is_version = VERSION_VARIABLES
            .iter()
            .any(|known| variable.eq_ignore_ascii_case(known));
        let bare = value.strip_prefix('v').unwrap_or(value);
        (is_version && is_semantic(bare)).then(|| format!("v{bare}"))
    });
    let first = found.next()?;
    // Two that differ are two things, and neither is surely the module's.
    found.all(|other| other == first).then_some(first)
}

fn is_semantic(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    numbers.len() == 3 && numbers.iter().all(is_number) && version.chars().all(is_plain)
}

/// The version that Go gives a commit without a tag (Go modules reference, "Pseudo-versions").
fn pseudo(list: &ModuleList) -> Option<String> {
    let revision = list
        .setting("vcs.revision")
        .filter(|_| list.setting("vcs") == Some("git"))?;
    let commit = revision
        .get(..12)
        .filter(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let time: Timestamp = list.setting("vcs.time")?.parse().ok()?;
    let time = time.to_zoned(TimeZone::UTC);
    let dirty = if list.setting("vcs.modified") == Some("true") {
        "+dirty"
    } else {
        ""
    };
    Some(format!(
        "v0.0.0-{}-{commit}{dirty}",
        time.strftime("%Y%m%d%H%M%S")
    ))
}

/// How projects call the variable.
const VERSION_VARIABLES: [&str; 5] = ["version", "gitversion", "buildversion", "appversion", "ver"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let list = ModuleList::parse(text.as_bytes()).unwrap();
        let found = of_main(&list).map(|(version, _)| version);
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn versions_of_main() {
        check("mod\ta\tv1.2.3+dirty\n", Some("v1.2.3+dirty"));
        check("mod\ta\t(devel)\n", None);
        let flags = |flags: &str| format!("mod\ta\t(devel)\nbuild\t-ldflags=\"{flags}\"\n");
        check(
            &flags("-s -w -X main.version=1.2.3 -X main.commit=abc"),
            Some("v1.2.3"),
        );
        check(
            &flags("-X 'a.example/b/version.Version=v1.0.0-rc.1'"),
            Some("v1.0.0-rc.1"),
        );
        check(&flags("-X main.version=1.2.3 -X other.version=2.0.0"), None);
        check(&flags("-X main.version=latest"), None);
        let vcs = "mod\ta\t(devel)\nbuild\tvcs=git\nbuild\tvcs.revision=0123456789abcdef0123456789abcdef01234567\n\
            build\tvcs.time=2024-03-01T10:20:30Z\nbuild\tvcs.modified=true\n";
        check(vcs, Some("v0.0.0-20240301102030-0123456789ab+dirty"));
        check(&vcs.replace("revision=0", "revision=é"), None);
        check(&vcs.replace("2024-03", "2024-23"), None);
    }
}
