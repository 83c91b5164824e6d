//! What `-a` asks to be said, or to have been said.

use std::collections::BTreeMap;

use crate::failure::Failure;

/// Reads `key=value` pairs. More than one `=` is refused, as in cosign.
///
/// # Errors
/// If one is no such pair.
pub(crate) fn parse(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.contains('=') => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err(Failure::Annotation { text: text.clone() }),
    };
    texts.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_has_one_equals_sign() {
        let parsed = parse(&["a=b".to_owned(), "c=".to_owned()]).unwrap();
        assert_eq!(parsed["a"], "b");
        assert_eq!(parsed["c"], "");
        for wrong in ["a", "=b", "a=b=c", ""] {
            assert!(parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
