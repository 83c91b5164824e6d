//! Patterns of image names in a ClusterImagePolicy.
//!
//! `*` is any run without `/`, `**` any run at all; everything else stands for itself, and the whole
//! name must match. In a cluster the name is `registry/repository@sha256:...`: the tag is gone, so a
//! pattern that ends in `:v1` matches nothing there.

use countersign_artifact::{ImageReference, Scheme};

use crate::go_text::quote;

/// A pattern, ready to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(char),
    /// `*`
    Segment,
    /// `**`
    Anything,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImagePatternError {
    /// Go's `filepath.Match` refuses it: an unclosed `[`, a trailing `\`.
    #[error("syntax error in pattern")]
    Syntax,
    /// It has a character that no image name has.
    #[error("invalid glob {}", quote(.0))]
    Character(String),
    /// Longer than any image name.
    #[error("invalid glob: more than {MAX_LENGTH} characters")]
    TooLong,
}

impl ImagePattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, ImagePatternError> {
        if text.len() > MAX_LENGTH {
            return Err(ImagePatternError::TooLong);
        }
        // What users write for "all of Docker Hub's images", kept by upstream for their sake.
        let expanded = match text {
            "*" => "index.docker.io/library/*",
            "*/*" => "index.docker.io/*/*",
            other => other,
        };
        let allowed = |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '/' | '*' | '.' | '@')
        };
        if expanded.is_empty() || !expanded.chars().all(allowed) {
            return Err(ImagePatternError::Character(expanded.to_owned()));
        }
        let mut pieces = Vec::with_capacity(expanded.len());
        let mut characters = expanded.chars().peekable();
        while let Some(c) = characters.next() {
            pieces.push(match c {
                '*' if characters.next_if_eq(&'*').is_some() => Piece::Anything,
                '*' => Piece::Segment,
                c => Piece::Literal(c),
            });
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the normalised name of `image` matches, exactly as upstream has it.
    #[must_use]
    pub fn matches(&self, image: &ImageReference) -> bool {
        self.matches_text(&image.name())
    }

    /// Whether a policy with this pattern applies to `image`: its name matches, or the same place
    /// under the registry's usual name does. Upstream asks for the first alone, so that
    /// `GHCR.io/x`, `ghcr.io:443/x` or `registry-1.docker.io/x` escape the policies for their images.
    #[must_use]
    pub fn covers(&self, image: &ImageReference) -> bool {
        self.matches(image) || usual_name(image).is_some_and(|usual| self.matches_text(&usual))
    }

    /// Whether all of `text` matches.
    #[must_use]
    pub fn matches_text(&self, text: &str) -> bool {
        // Places in the pattern that the text so far leads to; linear in text times pattern.
        let mut places = vec![false; self.pieces.len() + 1];
        places[0] = true;
        self.skip_empty_runs(&mut places);
        for c in text.chars() {
            let mut next = vec![false; places.len()];
            for (at, piece) in self.pieces.iter().enumerate().filter(|(at, _)| places[*at]) {
                match piece {
                    Piece::Literal(literal) if *literal == c => next[at + 1] = true,
                    Piece::Anything => next[at] = true,
                    Piece::Segment if c != '/' => next[at] = true,
                    _ => {}
                }
            }
            self.skip_empty_runs(&mut next);
            places = next;
        }
        places[self.pieces.len()]
    }

    fn skip_empty_runs(&self, places: &mut [bool]) {
        for (at, piece) in self.pieces.iter().enumerate() {
            if places[at] && !matches!(piece, Piece::Literal(_)) {
                places[at + 1] = true;
            }
        }
    }
}

/// Says what Go's `filepath.Match` says about the syntax of a pattern; the validating webhook asks it
/// before anything else.
pub fn check_go_syntax(text: &str) -> Result<(), ImagePatternError> {
    let mut rest: Vec<char> = text.chars().collect();
    rest.reverse();
    while let Some(c) = rest.pop() {
        match c {
            '\\' => drop(rest.pop().ok_or(ImagePatternError::Syntax)?),
            '[' => check_class(&mut rest)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_class(rest: &mut Vec<char>) -> Result<(), ImagePatternError> {
    rest.pop_if(|c| *c == '^');
    let mut ranges = 0;
    loop {
        if ranges > 0 && rest.pop_if(|c| *c == ']').is_some() {
            return Ok(());
        }
        check_class_character(rest)?;
        if rest.pop_if(|c| *c == '-').is_some() {
            check_class_character(rest)?;
        }
        ranges += 1;
    }
}

fn check_class_character(rest: &mut Vec<char>) -> Result<(), ImagePatternError> {
    let c = match rest.pop() {
        None | Some('-' | ']') => return Err(ImagePatternError::Syntax),
        Some('\\') => rest.pop(),
        other => other,
    };
    // Go looks for the end of the class after each character.
    if c.is_none() || rest.is_empty() {
        Err(ImagePatternError::Syntax)
    } else {
        Ok(())
    }
}

/// The name of the same place with the registry's host in lower case, without the default port, and
/// Docker Hub under one name; `None` where that is the name already.
fn usual_name(image: &ImageReference) -> Option<String> {
    let registry = image.registry();
    let mut host = registry.to_ascii_lowercase();
    let default_port = match image.scheme() {
        Scheme::Https => ":443",
        Scheme::Http => ":80",
    };
    for ending in [default_port, ":"] {
        if let Some(bare) = host.strip_suffix(ending) {
            host.truncate(bare.len());
        }
    }
    // DNS: a trailing dot makes the name absolute and changes nothing.
    while host.ends_with('.') {
        host.pop();
    }
    if matches!(
        host.as_str(),
        "docker.io" | "registry-1.docker.io" | "registry.hub.docker.com"
    ) {
        countersign_artifact::image_reference::DOCKER_HUB.clone_into(&mut host);
    }
    if host == registry {
        return None;
    }
    let repository = image.repository();
    let library =
        host == countersign_artifact::image_reference::DOCKER_HUB && !repository.contains('/');
    let library = if library { "library/" } else { "" };
    let separator = if image.digest().is_some() { '@' } else { ':' };
    Some(format!(
        "{host}/{library}{repository}{separator}{}",
        image.identifier()
    ))
}

const MAX_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, image: &str) -> bool {
        let image = ImageReference::parse(image).unwrap();
        ImagePattern::parse(pattern).unwrap().covers(&image)
    }

    #[test]
    fn another_spelling_of_the_registry_is_no_escape() {
        for image in [
            "GCR.io/team/app",
            "gcr.io:443/team/app",
            "gcr.io./team/app",
            "gcr.io:/team/app",
            "Gcr.Io.:443/team/app",
        ] {
            assert!(covers("gcr.io/team/*", image), "{image}");
        }
        for image in [
            "registry-1.docker.io/library/nginx",
            "docker.io:443/nginx",
            "nginx",
        ] {
            assert!(covers("index.docker.io/library/*", image), "{image}");
        }
        assert!(!covers("gcr.io/team/*", "gcr.io:8443/team/app"));
        assert!(!covers("gcr.io/team/*", "gcr.io.evil.test/team/app"));
        assert!(covers("GCR.io/**", "GCR.io/team/app"));
    }

    #[test]
    fn runs() {
        assert!(covers("**", "nginx") && covers("***", "gcr.io/a/bb"));
        assert!(covers("gcr.io/**/app*", "gcr.io/a/b/app:v1"));
        assert!(!covers("gcr.io/*", "gcr.io/a/b"));
        let slow = ImagePattern::parse(&"*a".repeat(200)).unwrap();
        assert!(!slow.matches_text(&"a".repeat(1000).replace("aa", "ab")));
    }

    #[test]
    fn go_syntax() {
        for good in ["", "a*", "[a-z]", "[^a]x", "a\\[", "[\\]]", "]", "a-b"] {
            assert_eq!(check_go_syntax(good), Ok(()), "{good}");
        }
        for bad in ["[", "[a-", "\\", "[]", "[]a]", "[a", "[^", "[-]", "[a-]"] {
            assert_eq!(
                check_go_syntax(bad),
                Err(ImagePatternError::Syntax),
                "{bad}"
            );
        }
    }
}
