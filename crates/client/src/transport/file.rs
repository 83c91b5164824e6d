//! A file as the body of a request, piece by piece.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use tokio::io::AsyncReadExt as _;

use super::TransportFault;

/// Opens the file at `path` and gives its pieces; nothing is read before it is asked for.
pub(super) async fn file_stream(
    path: &Path,
) -> Result<impl Stream<Item = std::io::Result<Bytes>> + Send + 'static, TransportFault> {
    let file = tokio::fs::File::open(path)
        .await
        .map_err(|error| TransportFault::File {
            path: path.to_owned(),
            kind: error.kind(),
        })?;
    Ok(stream::try_unfold(file, |mut file| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        match file.read_buf(&mut piece).await? {
            0 => Ok(None),
            _ => Ok(Some((piece.freeze(), file))),
        }
    }))
}

const PIECE: usize = 64 * 1024;
