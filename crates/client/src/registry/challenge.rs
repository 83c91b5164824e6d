//! What a registry asks for with 401 (RFC 9110, 11.6.1; RFC 6750).

use http::header::{HeaderMap, WWW_AUTHENTICATE};

/// A way to authenticate that a registry offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Fetch a token there.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
    /// Send name and password.
    Basic,
}

/// Reads every challenge of an answer that we can meet, tokens before passwords.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .take(MAX_HEADERS)
        .filter_map(|value| value.to_str().ok())
        .filter(|text| text.len() <= MAX_LENGTH)
        .flat_map(parse)
        .collect();
    found.sort_by_key(|challenge| matches!(challenge, Challenge::Basic));
    found
}

fn parse(text: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut rest = text;
    // A challenge is `scheme key=value, key="value"`; a word without `=` begins the next one.
    while let Some((scheme, after)) = word(rest) {
        rest = after;
        let mut parameters = Vec::new();
        while let Some((key, value, after)) = parameter(rest) {
            parameters.push((key, value));
            rest = after;
        }
        let get = |wanted: &str| {
            let hit = parameters
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(wanted));
            hit.map(|(_, value)| value.clone())
        };
        if scheme.eq_ignore_ascii_case("basic") {
            found.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = get("realm")
        {
            found.push(Challenge::Bearer {
                realm,
                service: get("service"),
                scope: get("scope"),
            });
        }
        rest = skip(rest);
    }
    found
}

fn skip(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', ','])
}

fn word(text: &str) -> Option<(&str, &str)> {
    let text = skip(text);
    let end = text.find(|c: char| !is_token(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn parameter(text: &str) -> Option<(String, String, &str)> {
    let (key, rest) = word(text)?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find([',', ' ']).unwrap_or(rest.len());
        return Some((key.to_owned(), rest[..end].to_owned(), &rest[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((key.to_owned(), value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// Real registries send one or two; a page of them is an attack.
const MAX_HEADERS: usize = 8;
const MAX_LENGTH: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Vec<Challenge> {
        let headers = values
            .iter()
            .map(|value| (WWW_AUTHENTICATE, value.parse().unwrap()));
        challenges(&HeaderMap::from_iter(headers.take(1)))
    }

    #[test]
    fn real_ones() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull,push""#;
        assert_eq!(
            read(&[hub]),
            [Challenge::Bearer {
                realm: "https://auth.docker.io/token".into(),
                service: Some("registry.docker.io".into()),
                scope: Some("repository:library/nginx:pull,push".into()),
            }]
        );
        assert_eq!(read(&["Basic realm=\"x\""]), [Challenge::Basic]);
        assert_eq!(read(&["basic"]), [Challenge::Basic]);
    }

    #[test]
    fn several_in_one_header() {
        let both = r#"Basic realm="a, b", Negotiate, bearer Realm=http://h/t , service="s\"q""#;
        assert_eq!(
            read(&[both]),
            [
                Challenge::Bearer {
                    realm: "http://h/t".into(),
                    service: Some("s\"q".into()),
                    scope: None,
                },
                Challenge::Basic,
            ]
        );
    }

    #[test]
    fn nonsense_ends() {
        for text in [
            "",
            "=",
            "Bearer",
            "Bearer realm=\"x",
            "Bearer realm=\"\\",
            ",,, ;",
            "a=b",
        ] {
            assert_eq!(read(&[text]), [], "{text}");
        }
    }
}
