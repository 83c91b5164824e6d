//! Texts as Go's `fmt` writes them, because users and runbooks search for upstream's messages.

use std::fmt::Write as _;

/// `%q`: a Go string literal.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => push_escape(&mut quoted, "\\x", 2, c),
            c if is_printable(c) => quoted.push(c),
            c if (c as u32) < 0x1_0000 => push_escape(&mut quoted, "\\u", 4, c),
            c => push_escape(&mut quoted, "\\U", 8, c),
        }
    }
    quoted.push('"');
    quoted
}

fn push_escape(into: &mut String, prefix: &str, width: usize, c: char) {
    let _ = write!(into, "{prefix}{:0width$x}", c as u32);
}

/// Go's `unicode.IsPrint`, as far as it matters in a message: no control, format, private or
/// separator characters but the space.
fn is_printable(c: char) -> bool {
    let hidden = matches!(c,
        '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{180e}'
        | '\u{1680}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
        | '\u{3000}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}');
    !hidden && (c as u32) < 0xe_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted() {
        assert_eq!(quote("$FOO*"), "\"$FOO*\"");
        assert_eq!(
            quote("a\"\\\n\u{1}é\u{200b}"),
            "\"a\\\"\\\\\\n\\x01é\\u200b\""
        );
    }
}
