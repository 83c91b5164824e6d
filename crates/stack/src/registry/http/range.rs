//! `Range` of a download (RFC 9110 section 14) and `Content-Range` of a chunk (distribution specification).

use http::{HeaderMap, header};

use super::super::refusal::Refusal;

/// A part of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) first: u64,
    pub(super) length: u64,
}

/// Returns the part of a blob of `size` bytes that is asked for, or nothing where the whole is to be sent:
/// no range, several, or one in a form that RFC 9110 says to ignore.
pub(super) fn requested(headers: &HeaderMap, size: u64) -> Result<Option<Part>, Refusal> {
    let Some(range) = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
    else {
        return Ok(None);
    };
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|part| part.split_once('-'))
    else {
        return Ok(None);
    };
    let unsatisfiable = Err(Refusal::RangeUnsatisfiable { size });
    match (first, number(first), last, number(last)) {
        ("", _, _, Some(suffix)) => {
            let length = suffix.min(size);
            if length == 0 {
                return unsatisfiable;
            }
            Ok(Some(Part {
                first: size - length,
                length,
            }))
        }
        (_, Some(first), "", _) if first < size => Ok(Some(Part {
            first,
            length: size - first,
        })),
        (_, Some(first), _, Some(last)) if first < size && first <= last => Ok(Some(Part {
            first,
            length: last.min(size - 1) - first + 1,
        })),
        (_, Some(_), "", _) | (_, Some(_), _, Some(_)) => unsatisfiable,
        _ => Ok(None),
    }
}

/// Returns the part that the body is said to be, `<first>-<last>` with both ends included.
pub(super) fn declared(headers: &HeaderMap) -> Result<Option<Part>, Refusal> {
    let Some(value) = headers.get(header::CONTENT_RANGE) else {
        return Ok(None);
    };
    let text = value.to_str().ok().and_then(|text| text.split_once('-'));
    let ends = text.and_then(|(first, last)| Some((number(first)?, number(last)?)));
    match ends {
        Some((first, last)) if first <= last && last < u64::MAX => Ok(Some(Part {
            first,
            length: last - first + 1,
        })),
        _ => Err(Refusal::ContentRangeInvalid),
    }
}

fn number(text: &str) -> Option<u64> {
    // `parse` alone would take `+1`.
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_downloads() {
        let check = |range: &'static str, size: u64| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, range.parse().unwrap());
            requested(&headers, size)
        };
        let part = |first, length| Some(Part { first, length });
        assert_eq!(check("bytes=0-0", 10).unwrap(), part(0, 1));
        assert_eq!(check("bytes=5-", 10).unwrap(), part(5, 5));
        assert_eq!(check("bytes=-3", 10).unwrap(), part(7, 3));
        assert_eq!(check("bytes=-30", 10).unwrap(), part(0, 10));
        assert_eq!(check("bytes=5-100", 10).unwrap(), part(5, 5));
        for unsatisfiable in ["bytes=10-", "bytes=5-0", "bytes=10-20", "bytes=-0"] {
            let refusal = check(unsatisfiable, 10).unwrap_err();
            assert!(
                matches!(refusal, Refusal::RangeUnsatisfiable { size: 10 }),
                "{unsatisfiable}"
            );
        }
        for ignored in [
            "bytes=a-b",
            "lines=0-1",
            "bytes=0-1,3-4",
            "bytes=-",
            "bytes=+1-2",
        ] {
            assert_eq!(check(ignored, 10).unwrap(), None, "{ignored}");
        }
        let huge = check("bytes=0-18446744073709551615", 10).unwrap();
        assert_eq!(huge, part(0, 10));
        assert!(check("bytes=0-", 0).is_err());
    }

    #[test]
    fn ranges_of_chunks() {
        let check = |range: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, range.parse().unwrap());
            declared(&headers)
        };
        assert_eq!(
            check("0-0").unwrap(),
            Some(Part {
                first: 0,
                length: 1
            })
        );
        assert_eq!(
            check("5-9").unwrap(),
            Some(Part {
                first: 5,
                length: 5
            })
        );
        for bad in [
            "",
            "5",
            "9-5",
            "-5",
            "5-",
            "a-b",
            "0-18446744073709551615",
            "bytes 0-1/2",
        ] {
            assert!(
                matches!(check(bad), Err(Refusal::ContentRangeInvalid)),
                "{bad}"
            );
        }
    }
}
