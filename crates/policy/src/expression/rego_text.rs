//! What is read of a Rego text before the parser sees it: the parser has no limits of its own.

/// How often the parser reads the text: it reads each list, set or object twice, once to see whether it
/// is a comprehension, so that every level doubles the steps of what is inside.
pub(super) fn parsing_steps(text: &str) -> u64 {
    let (mut steps, mut depth) = (0u64, 0u32);
    scan(text, |token, _| {
        match token {
            Token::Word(_) => {}
            Token::Mark(b'[' | b'{') => depth += 1,
            Token::Mark(b']' | b'}') => depth = depth.saturating_sub(1),
            Token::Mark(_) => return,
        }
        steps = steps.saturating_add(1u64.checked_shl(depth).unwrap_or(u64::MAX));
    });
    steps
}

/// How many characters could each open a level of nesting.
pub(super) fn marks(text: &str) -> usize {
    text.bytes()
        .filter(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'"' | b'.' | b'_'))
        .count()
}

/// A piece of a text, as far as it matters before parsing.
enum Token<'text> {
    /// An identifier with its dots.
    Word(&'text str),
    /// Any other character but space.
    Mark(u8),
}

/// Identifiers with their dots, outside comments and strings, each with its line; before the first any
/// other character counts as an empty one.
pub(super) fn words(text: &str) -> Vec<(&str, u32)> {
    let mut found = Vec::new();
    scan(text, |token, line| match token {
        Token::Word(word) => found.push((word, line)),
        Token::Mark(_) if found.is_empty() => found.push(("", line)),
        Token::Mark(_) => {}
    });
    found
}

/// Gives the tokens of `text` with their lines, without comments and the insides of strings.
fn scan<'text>(text: &'text str, mut give: impl FnMut(Token<'text>, u32)) {
    let bytes = text.as_bytes();
    let (mut line, mut at) = (1, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' => line += 1,
            b'#' => {
                at += bytes[at..]
                    .iter()
                    .take_while(|byte| **byte != b'\n')
                    .count();
                continue;
            }
            quote @ (b'"' | b'`') => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| byte != quote) {
                    line += u32::from(bytes[at] == b'\n');
                    at += if *quote == b'"' && bytes[at] == b'\\' {
                        2
                    } else {
                        1
                    };
                }
            }
            byte if byte.is_ascii_alphabetic() || *byte == b'_' => {
                let part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
                let length = bytes[at..].iter().take_while(part).count();
                give(
                    Token::Word(text.get(at..at + length).unwrap_or_default()),
                    line,
                );
                at += length;
                continue;
            }
            byte if !byte.is_ascii_whitespace() => give(Token::Mark(*byte), line),
            _ => {}
        }
        at += 1;
    }
}
