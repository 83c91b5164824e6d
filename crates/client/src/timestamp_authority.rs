//! Timestamps (RFC 3161).

use countersign_artifact::Digest;
use url::Url;

use crate::service::{Refusal, is_created, post, shown_url};
use crate::transport::{Repeat, Transport, TransportFault};

/// Why there is no timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampAuthorityError {
    /// It refused.
    #[error(transparent)]
    Refused(Refusal),
    /// It did not answer.
    #[error("{url}: {fault}")]
    Transport {
        /// Who was asked.
        url: String,
        /// What happened.
        fault: TransportFault,
    },
    /// The answer is no timestamp of what was sent.
    #[error("the answer of {url} is no timestamp of this signature")]
    NotATimestamp {
        /// Who was asked.
        url: String,
    },
}

/// Has the authority at `url`, its full address, say that `signature` exists now. The answer is an RFC
/// 3161 response in DER; that its authority is one to trust is verified with the whole bundle.
pub async fn timestamp(
    transport: &Transport,
    url: &Url,
    signature: &[u8],
) -> Result<Vec<u8>, TimestampAuthorityError> {
    let imprint = Digest::sha256_of(signature);
    let query = query(imprint.as_bytes());
    let outgoing = post(url.clone(), "application/timestamp-query", query);
    let answer = transport
        .exchange(&outgoing, Repeat::Allowed, MAX_ANSWER)
        .await;
    let answer = answer.map_err(|fault| TimestampAuthorityError::Transport {
        url: shown_url(url),
        fault,
    })?;
    if !is_created(answer.status) {
        return Err(TimestampAuthorityError::Refused(Refusal::of(url, &answer)));
    }
    let token = answer.body.to_vec();
    if !is_granted(&token) || !token.windows(32).any(|window| window == imprint.as_bytes()) {
        return Err(TimestampAuthorityError::NotATimestamp {
            url: shown_url(url),
        });
    }
    Ok(token)
}

/// `TimeStampReq` (RFC 3161, 2.4.1) as sigstore-go makes it: no nonce, because the imprint is of a
/// signature that was never seen before; no certificates, because the trust root has them.
fn query(imprint: &[u8]) -> Vec<u8> {
    let mut query = QUERY_START.to_vec();
    query.extend_from_slice(imprint);
    query
}

/// SEQUENCE { INTEGER 1, SEQUENCE { SEQUENCE { OID 2.16.840.1.101.3.4.2.1 (SHA-256), NULL },
/// OCTET STRING of 32 bytes, which follow } }.
const QUERY_START: [u8; 24] = [
    0x30, 0x36, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
    0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
];

/// `TimeStampResp { PKIStatusInfo { status: granted (0) or grantedWithMods (1), .. }, token }`.
fn is_granted(answer: &[u8]) -> bool {
    let status = content(answer).and_then(content);
    matches!(status, Some([0x02, 0x01, 0 | 1, ..]))
}

/// What is in a SEQUENCE in DER.
fn content(der: &[u8]) -> Option<&[u8]> {
    let (&0x30, rest) = der.split_first()? else {
        return None;
    };
    let (&length, rest) = rest.split_first()?;
    // The long form says in how many bytes the length is.
    let skipped = if length < 0x80 {
        0
    } else {
        usize::from(length & 0x7f)
    };
    rest.get(skipped..)
}

/// A token with its certificates has 5 KB.
const MAX_ANSWER: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_as_long_as_it_says() {
        let query = query(&[7; 32]);
        assert_eq!(query.len(), 2 + usize::from(query[1]));
        assert_eq!(query[5..7], [0x30, 0x31]);
        assert_eq!(query.len() - 7, 0x31);
    }

    #[test]
    fn only_granted_answers() {
        assert!(is_granted(&[0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00]));
        assert!(is_granted(&[
            0x30, 0x82, 0, 5, 0x30, 0x03, 0x02, 0x01, 0x01
        ]));
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0xff],
            &[0x30, 5, 0x30, 3, 2, 1, 2],
            b"<html>",
        ] {
            assert!(!is_granted(bad), "{bad:?}");
        }
    }
}
