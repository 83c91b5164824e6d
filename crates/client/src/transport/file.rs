//! A file as the body of a request, piece by piece.

use std::io::SeekFrom;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::TransportFault;

/// Opens the file at `path` and gives `size` bytes from `start` in pieces; nothing is read before it
/// is asked for.
pub(super) async fn file_stream(
    path: &Path,
    start: u64,
    size: u64,
) -> Result<impl Stream<Item = std::io::Result<Bytes>> + Send + 'static, TransportFault> {
    let failed = |error: std::io::Error| TransportFault::File {
        path: path.to_owned(),
        kind: error.kind(),
    };
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    file.seek(SeekFrom::Start(start)).await.map_err(failed)?;
    let file = file.take(size);
    Ok(stream::try_unfold(file, |mut file| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        match file.read_buf(&mut piece).await? {
            0 => Ok(None),
            _ => Ok(Some((piece.freeze(), file))),
        }
    }))
}

const PIECE: usize = 64 * 1024;
