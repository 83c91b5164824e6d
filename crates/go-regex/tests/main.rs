//! Go's syntax, Go's meaning, Go's errors.

use countersign_go_regex::{ErrorKind, GoRegex, MAX_PATTERN};

fn matches(pattern: &str, text: &str) -> bool {
    GoRegex::new(pattern)
        .unwrap_or_else(|error| panic!("{pattern}: {error}"))
        .is_match(text)
}

fn refused(pattern: &str) -> String {
    GoRegex::new(pattern).expect_err(pattern).to_string()
}

#[test]
fn refuses_with_the_words_of_go() {
    let cases = [
        ("(", "missing closing ): `(`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("(a))", "unexpected ): `(a))`"),
        ("[", "missing closing ]: `[`"),
        ("x[a-", "missing closing ]: `[a-`"),
        ("[b-a]", "invalid character class range: `b-a`"),
        ("[a-Z]", "invalid character class range: `a-Z`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        (
            r"\p{Nonsense}",
            r"invalid character class range: `\p{Nonsense}`",
        ),
        (r"\pX", r"invalid character class range: `\pX`"),
        (r"\p{", r"invalid character class range: `\p{`"),
        ("(?!x)y", "invalid or unsupported Perl syntax: `(?!`"),
        ("(?=x)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?<!x)", "invalid named capture: `(?<!x)`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
        ("(?P<x y>a)", "invalid named capture: `(?P<x y>`"),
        ("(?P=n)", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?i-)", "invalid or unsupported Perl syntax: `(?i-)`"),
        ("(?z)", "invalid or unsupported Perl syntax: `(?z`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        (r"\q", r"invalid escape sequence: `\q`"),
        (r"\C", r"invalid escape sequence: `\C`"),
        (r"\x4", r"invalid escape sequence: `\x4`"),
        (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
        (r"\Z", r"invalid escape sequence: `\Z`"),
        (r"a\", "trailing backslash at end of expression: ``"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("(+?)", "missing argument to repetition operator: `+?`"),
        ("(?i)*", "missing argument to repetition operator: `*`"),
        (r"\Q\E*", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a*+", "invalid nested repetition operator: `*+`"),
        ("a??+", "invalid nested repetition operator: `??+`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("x{1001}", "invalid repeat count: `{1001}`"),
        ("x{9876543210}", "invalid repeat count: `{9876543210}`"),
        ("x{2,1}", "invalid repeat count: `{2,1}`"),
        ("(x{20}){51}", "invalid repeat count: `{51}`"),
        ("((x{10}){10}){11}", "invalid repeat count: `{11}`"),
    ];
    for (pattern, text) in cases {
        assert_eq!(
            refused(pattern),
            format!("error parsing regexp: {text}"),
            "{pattern}"
        );
    }
}

#[test]
fn reads_classes_as_ascii() {
    assert!(matches(r"^\d+$", "2024"));
    assert!(!matches(r"\d", "٣"));
    assert!(!matches(r"\w", "é"));
    assert!(matches(r"^\W$", "é"));
    assert!(!matches(r"\s", "\u{a0}"));
    assert!(!matches(r"\s", "\u{b}"));
    assert!(matches("[[:space:]]", "\u{b}"));
    assert!(matches(r"é\b", "éa")); // an accent is no word character
    assert!(!matches(r"a\b", "ab"));
    assert!(!matches("[[:^alpha:]]", "a"));
    assert!(matches("^[[:word:]-]+$", "a-b_9"));
}

#[test]
fn knows_unicode_names_as_go_does() {
    assert!(matches(r"^\p{Greek}+$", "αβ"));
    assert!(matches(r"^\p{^Greek}$", "a"));
    assert!(matches(r"^\P{Greek}\pL\p{Lu}$", "abC"));
    assert!(matches(r"^\p{Letter}\p{uppercase_letter}$", "aB"));
    assert!(matches(r"^[\p{Han}\d]+$", "漢4"));
    assert!(matches(r"^\p{Zl}$", "\u{2028}"));
    assert!(!matches(r"\p{Cs}", "a"));
}

#[test]
fn anchors_and_flags() {
    assert!(matches("ps://g", "https://github.com"));
    assert!(!matches("two$", "two\n"));
    assert!(matches("(?m)^two$", "one\ntwo\nthree"));
    assert!(!matches("^two", "one\ntwo"));
    assert!(!matches(".", "\n"));
    assert!(matches("(?s).", "\n"));
    assert!(matches("(?i)HTTPS://Git", "https://gIT"));
    assert!(matches("a(?i:B)c", "abc"));
    assert!(!matches("a(?i:B)c", "abC"));
    assert!(!matches("a(?i)b(?-i)C", "aBc"));
    assert!(matches(r"\Aabc\z", "abc"));
    assert!(matches("(?i)k", "\u{212a}")); // Kelvin, by simple folding
    assert!(!matches(r"(?i)\W", "\u{212a}"));
    assert!(!matches("[^a]", "a"));
    assert!(matches("[^a]", "\n"));
}

#[test]
fn literal_text_and_braces() {
    assert!(matches(r"^\Qa.b[\E$", "a.b["));
    assert!(!matches(r"^\Qa.b\E$", "axb"));
    assert!(matches("^a{,2}$", "a{,2}"));
    assert!(matches("^a{01}$", "a{01}"));
    assert!(matches("^{$", "{"));
    assert!(matches(r"^\x{48}\x69\041$", "Hi!"));
    assert!(matches("^[]a]+$", "]a"));
    assert!(matches("^[a-]+$", "a-"));
    assert!(matches(r"^[\]\\]$", "]"));
    assert!(!matches(r"\x{D800}", "a"));
    assert!(matches(r"^x{0,1000}$", ""));
}

#[test]
fn finds_and_captures_leftmost_first() {
    let regex = GoRegex::new("^(?P<host>[^/]+)/(?<path>.*?)(?::(.+))?$").unwrap();
    assert_eq!(
        regex.captures("reg.test/a/b:1"),
        Some(vec![
            Some("reg.test/a/b:1"),
            Some("reg.test"),
            Some("a/b"),
            Some("1"),
        ])
    );
    assert_eq!(regex.captures("reg.test/a").unwrap()[3], None);
    assert_eq!(regex.capture_names()[1].as_deref(), Some("host"));
    assert_eq!(GoRegex::new("a+?").unwrap().find("aaa"), Some("a"));
    assert_eq!(GoRegex::new("(?U)a+").unwrap().find("aaa"), Some("a"));
    assert_eq!(GoRegex::new("(?U)a+?").unwrap().find("aaa"), Some("aaa"));
    let digits = GoRegex::new("[0-9]*").unwrap();
    assert_eq!(
        digits.find_iter("a12b3").collect::<Vec<_>>(),
        ["", "12", "3"]
    );
    assert!(GoRegex::new("(?P<n>a)(?P<n>b)").is_ok());
}

#[test]
fn replaces_with_templates() {
    let regex = GoRegex::new(r"(\w+)@(?P<host>\w+)").unwrap();
    assert_eq!(
        regex.replace_all("a@b c@d", "$host-${1}x $1x $$ $"),
        "b-ax  $ $ d-cx  $ $"
    );
    assert_eq!(regex.replace_all_literal("a@b", "$1"), "$1");
}

#[test]
fn has_limits() {
    let long = "a".repeat(MAX_PATTERN + 1);
    assert_eq!(GoRegex::new(&long).unwrap_err().kind(), ErrorKind::TooLarge);
    let deep = format!("{}{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(GoRegex::new(&deep).unwrap_err().kind(), ErrorKind::TooDeep);
    let open = "(".repeat(MAX_PATTERN);
    assert_eq!(
        GoRegex::new(&open).unwrap_err().kind(),
        ErrorKind::MissingParenthesis
    );
    let wide = r"\pL".repeat(20_000);
    assert_eq!(GoRegex::new(&wide).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(
        GoRegex::new(r"(\pL{100}\pM{10}){1,10}x{900}")
            .unwrap_err()
            .kind(),
        ErrorKind::TooLarge
    );
}

#[test]
fn takes_any_text_without_panic() {
    // Every three-letter pattern over the letters that mean something.
    let letters: Vec<char> = r"(?P<>)[]^-:|*+{}1,0\QEpLdxé.$".chars().collect();
    let mut taken = 0;
    for a in &letters {
        for b in &letters {
            for c in &letters {
                for pattern in [
                    format!("{a}{b}{c}"),
                    format!("(?{a}{b}{c}"),
                    format!("[{a}{b}{c}"),
                ] {
                    taken += usize::from(GoRegex::new(&pattern).is_ok());
                }
            }
        }
    }
    assert!(taken > 1000, "{taken}");
}
