//! Character classes: Perl's, POSIX's and Unicode's, each as Go defines it.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// The class of a Perl escape (`d`, `s`, `w`): ASCII only in Go.
pub(crate) fn perl(letter: char) -> Option<&'static [(char, char)]> {
    match letter {
        'd' => Some(&[('0', '9')]),
        's' => Some(&[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')]),
        'w' => Some(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        _ => None,
    }
}

/// The class named in `[:name:]`.
pub(crate) fn posix(name: &str) -> Option<&'static [(char, char)]> {
    Some(match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7F')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1F'), ('\x7F', '\x7F')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    })
}

/// The class of a general category or a script. Case, spaces, hyphens and underscores do not count.
pub(crate) fn unicode(name: &str) -> Option<ClassUnicode> {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "any" => return Some(range('\0', char::MAX)),
        "ascii" => return Some(range('\0', '\x7F')),
        // No text holds a surrogate.
        "cs" | "surrogate" => return Some(ClassUnicode::empty()),
        "assigned" => {
            let mut assigned = table("Unassigned")?;
            assigned.negate();
            return Some(assigned);
        }
        _ => {}
    }
    let category = CATEGORIES
        .iter()
        .find(|(short, long)| *short == plain || *long == plain);
    if let Some((short, _)) = category {
        return table(short);
    }
    SCRIPTS
        .contains(&plain.as_str())
        .then(|| table(&format!("Script={plain}")))?
}

/// A class of the given ranges.
pub(crate) fn of(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(
        ranges
            .iter()
            .map(|(low, high)| ClassUnicodeRange::new(*low, *high)),
    )
}

/// A class of one range.
pub(crate) fn range(low: char, high: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(low, high)])
}

/// A class of code points, leaving out the surrogates that no text holds.
pub(crate) fn code_points(low: u32, high: u32) -> ClassUnicode {
    let before = (low <= 0xD7FF).then(|| (low, high.min(0xD7FF)));
    let after = (high >= 0xE000).then(|| (low.max(0xE000), high));
    ClassUnicode::new(
        [before, after]
            .into_iter()
            .flatten()
            .filter_map(|(low, high)| {
                Some(ClassUnicodeRange::new(
                    char::from_u32(low)?,
                    char::from_u32(high)?,
                ))
            }),
    )
}

/// Adds every character that differs only in case.
pub(crate) fn fold(class: &mut ClassUnicode) {
    class
        .try_case_fold_simple()
        .expect("the case tables are linked in");
}

/// Joins `more` into `class`.
pub(crate) fn add(class: &mut ClassUnicode, more: &ClassUnicode) {
    class.union(more);
}

fn table(name: &str) -> Option<ClassUnicode> {
    let hir = ParserBuilder::new()
        .build()
        .parse(&format!(r"\p{{{name}}}"))
        .ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        // A category of one character comes as a literal (Zl, Zp).
        HirKind::Literal(literal) => {
            let mut characters = std::str::from_utf8(&literal.0).ok()?.chars();
            let only = characters.next()?;
            Some(range(only, only))
        }
        _ => None,
    }
}

/// Go's category names: short, and the alias in plain letters.
const CATEGORIES: &[(&str, &str)] = &[
    ("c", "other"),
    ("cc", "control"),
    ("cf", "format"),
    ("cn", "unassigned"),
    ("co", "privateuse"),
    ("l", "letter"),
    ("lc", "casedletter"),
    ("ll", "lowercaseletter"),
    ("lm", "modifierletter"),
    ("lo", "otherletter"),
    ("lt", "titlecaseletter"),
    ("lu", "uppercaseletter"),
    ("m", "mark"),
    ("mc", "spacingmark"),
    ("me", "enclosingmark"),
    ("mn", "nonspacingmark"),
    ("n", "number"),
    ("nd", "decimalnumber"),
    ("nl", "letternumber"),
    ("no", "othernumber"),
    ("p", "punctuation"),
    ("pc", "connectorpunctuation"),
    ("pd", "dashpunctuation"),
    ("pe", "closepunctuation"),
    ("pf", "finalpunctuation"),
    ("pi", "initialpunctuation"),
    ("po", "otherpunctuation"),
    ("ps", "openpunctuation"),
    ("s", "symbol"),
    ("sc", "currencysymbol"),
    ("sk", "modifiersymbol"),
    ("sm", "mathsymbol"),
    ("so", "othersymbol"),
    ("z", "separator"),
    ("zl", "lineseparator"),
    ("zp", "paragraphseparator"),
    ("zs", "spaceseparator"),
    ("cc", "cntrl"),
    ("nd", "digit"),
    ("p", "punct"),
    ("m", "combiningmark"),
];

/// Go's script names, in plain letters.
const SCRIPTS: &[&str] = &[
    "adlam",
    "ahom",
    "anatolianhieroglyphs",
    "arabic",
    "armenian",
    "avestan",
    "balinese",
    "bamum",
    "bassavah",
    "batak",
    "bengali",
    "bhaiksuki",
    "bopomofo",
    "brahmi",
    "braille",
    "buginese",
    "buhid",
    "canadianaboriginal",
    "carian",
    "caucasianalbanian",
    "chakma",
    "cham",
    "cherokee",
    "chorasmian",
    "common",
    "coptic",
    "cuneiform",
    "cypriot",
    "cyprominoan",
    "cyrillic",
    "deseret",
    "devanagari",
    "divesakuru",
    "dogra",
    "duployan",
    "egyptianhieroglyphs",
    "elbasan",
    "elymaic",
    "ethiopic",
    "garay",
    "georgian",
    "glagolitic",
    "gothic",
    "grantha",
    "greek",
    "gujarati",
    "gunjalagondi",
    "gurmukhi",
    "gurungkhema",
    "han",
    "hangul",
    "hanifirohingya",
    "hanunoo",
    "hatran",
    "hebrew",
    "hiragana",
    "imperialaramaic",
    "inherited",
    "inscriptionalpahlavi",
    "inscriptionalparthian",
    "javanese",
    "kaithi",
    "kannada",
    "katakana",
    "kawi",
    "kayahli",
    "kharoshthi",
    "khitansmallscript",
    "khmer",
    "khojki",
    "khudawadi",
    "kiratrai",
    "lao",
    "latin",
    "lepcha",
    "limbu",
    "lineara",
    "linearb",
    "lisu",
    "lycian",
    "lydian",
    "mahajani",
    "makasar",
    "malayalam",
    "mandaic",
    "manichaean",
    "marchen",
    "masaramgondi",
    "medefaidrin",
    "meeteimayek",
    "mendekikakui",
    "meroiticcursive",
    "meroitichieroglyphs",
    "miao",
    "modi",
    "mongolian",
    "mro",
    "multani",
    "myanmar",
    "nabataean",
    "nagmundari",
    "nandinagari",
    "newtailue",
    "newa",
    "nko",
    "nushu",
    "nyiakengpuachuehmong",
    "ogham",
    "olchiki",
    "olonal",
    "oldhungarian",
    "olditalic",
    "oldnortharabian",
    "oldpermic",
    "oldpersian",
    "oldsogdian",
    "oldsoutharabian",
    "oldturkic",
    "olduyghur",
    "oriya",
    "osage",
    "osmanya",
    "pahawhhmong",
    "palmyrene",
    "paucinhau",
    "phagspa",
    "phoenician",
    "psalterpahlavi",
    "rejang",
    "runic",
    "samaritan",
    "saurashtra",
    "sharada",
    "shavian",
    "siddham",
    "signwriting",
    "sinhala",
    "sogdian",
    "sorasompeng",
    "soyombo",
    "sundanese",
    "sunuwar",
    "sylotinagri",
    "syriac",
    "tagalog",
    "tagbanwa",
    "taile",
    "taitham",
    "taiviet",
    "takri",
    "tamil",
    "tangsa",
    "tangut",
    "telugu",
    "thaana",
    "thai",
    "tibetan",
    "tifinagh",
    "tirhuta",
    "todhri",
    "toto",
    "tulutigalari",
    "ugaritic",
    "vai",
    "vithkuqi",
    "wancho",
    "warangciti",
    "yezidi",
    "yi",
    "zanabazarsquare",
];
