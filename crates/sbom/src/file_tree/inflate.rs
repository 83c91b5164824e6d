//! A layer's blob, inflated and hashed on the way.

use std::fmt;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use countersign_artifact::{Algorithm, Digest, DigestHasher};
use flate2::bufread::MultiGzDecoder;

use super::layer::LayerError;
use super::limits::LayerLimits;

/// How a layer is compressed. Read from its first bytes: media types are wrong often enough that
/// runtimes do not ask them either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// A plain tar.
    Plain,
    /// gzip, of one or several members.
    Gzip,
    /// Zstandard, of one or several frames.
    Zstd,
}

/// The inflated bytes of a layer.
pub(super) struct Inflated<R: Read> {
    decoder: Decoder<R>,
    compression: Compression,
    hasher: DigestHasher,
    is_own_blob: bool,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    produced: u64,
    limits: LayerLimits,
}

enum Decoder<R: Read> {
    Plain(Box<Blob<R>>),
    Gzip(Box<MultiGzDecoder<BufReader<Blob<R>>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Blob<R>>>>),
}

/// The compressed bytes: counted, hashed if wanted, and its read errors kept apart from those of a decoder.
struct Blob<R> {
    source: Chain<Cursor<Vec<u8>>, R>,
    hasher: Option<DigestHasher>,
    count: u64,
    failure: Option<io::ErrorKind>,
}

/// What is known when all is read.
pub(super) struct Totals {
    pub(super) diff_id: Digest,
    pub(super) blob: Option<Digest>,
    pub(super) blob_size: u64,
    pub(super) inflated: u64,
}

impl<R: Read> Inflated<R> {
    /// Looks at the first bytes. `blob_hash` is the algorithm of the blob's digest, if that is to be known.
    pub(super) fn new(
        mut source: R,
        blob_hash: Option<Algorithm>,
        limits: &LayerLimits,
    ) -> Result<Self, LayerError> {
        let mut magic = vec![0; 4];
        let mut known = 0;
        while known < magic.len() {
            match source.read(&mut magic[known..]) {
                Ok(0) => break,
                Ok(count) => known += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayerError::Source { kind: error.kind() }),
            }
        }
        magic.truncate(known);
        let compression = match magic[..] {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
            // A skippable frame: zstd:chunked begins with one in some writers.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstd,
            _ => Compression::Plain,
        };
        // A plain layer is its own blob: its DiffID says it all.
        let is_own_blob = compression == Compression::Plain && blob_hash == Some(Algorithm::Sha256);
        let blob = Blob {
            source: Cursor::new(magic).chain(source),
            hasher: blob_hash.filter(|_| !is_own_blob).map(DigestHasher::new),
            count: 0,
            failure: None,
        };
        let decoder = match compression {
            Compression::Plain => Decoder::Plain(Box::new(blob)),
            Compression::Gzip => {
                let blob = BufReader::with_capacity(BUFFER, blob);
                Decoder::Gzip(Box::new(MultiGzDecoder::new(blob)))
            }
            Compression::Zstd => {
                let blob = BufReader::with_capacity(BUFFER, blob);
                let decoder = zstd::stream::read::Decoder::with_buffer(blob)
                    .map_err(|_| LayerError::Corrupt { compression })?;
                Decoder::Zstd(Box::new(decoder))
            }
        };
        Ok(Self {
            decoder,
            compression,
            hasher: DigestHasher::new(Algorithm::Sha256),
            is_own_blob,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            produced: 0,
            limits: *limits,
        })
    }

    /// The bytes at hand, at least one unless the layer is at its end.
    pub(super) fn fill(&mut self) -> Result<&[u8], LayerError> {
        if self.start == self.end {
            self.start = 0;
            self.end = self.produce(0)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Like [`fill`](Self::fill), but at least `wanted` bytes unless the layer ends before.
    pub(super) fn fill_to(&mut self, wanted: usize) -> Result<&[u8], LayerError> {
        if self.end - self.start < wanted {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < wanted {
                match self.produce(self.end)? {
                    0 => break,
                    count => self.end += count,
                }
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Goes on behind `count` of the bytes at hand.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Where in the inflated layer the bytes at hand begin.
    pub(super) fn position(&self) -> u64 {
        self.produced - (self.end - self.start) as u64
    }

    /// Reads what is left, of the layer and of its blob, and gives the totals.
    pub(super) fn finish(mut self) -> Result<Totals, LayerError> {
        loop {
            let count = self.fill()?.len();
            if count == 0 {
                break;
            }
            self.consume(count);
        }
        // What follows the last member or frame belongs to the blob and so to its digest.
        match &mut self.decoder {
            Decoder::Plain(_) => {}
            Decoder::Gzip(decoder) => drain(decoder.get_mut())?,
            Decoder::Zstd(decoder) => drain(decoder.get_mut())?,
        }
        let inflated = self.produced;
        let diff_id = self.hasher.finish();
        let blob = self.decoder.blob_mut();
        let hashed = blob.hasher.take().map(DigestHasher::finish);
        Ok(Totals {
            blob: hashed.or(self.is_own_blob.then_some(diff_id)),
            blob_size: blob.count,
            diff_id,
            inflated,
        })
    }

    fn produce(&mut self, from: usize) -> Result<usize, LayerError> {
        let target = &mut self.buffer[from..];
        let result = loop {
            let result = match &mut self.decoder {
                Decoder::Plain(blob) => blob.read(target),
                Decoder::Gzip(decoder) => decoder.read(target),
                Decoder::Zstd(decoder) => decoder.read(target),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let compression = self.compression;
        let count = match result {
            Ok(count) => count,
            Err(error) => {
                let failure = self.decoder.blob_mut().failure;
                return Err(match (failure, error.kind()) {
                    (Some(kind), _) => LayerError::Source { kind },
                    (None, io::ErrorKind::UnexpectedEof) => {
                        LayerError::Truncated { at: self.produced }
                    }
                    (None, _) => LayerError::Corrupt { compression },
                });
            }
        };
        self.hasher.update(&self.buffer[from..from + count]);
        self.produced += count as u64;
        self.check_growth()?;
        Ok(count)
    }

    /// A small blob that becomes a huge layer is stopped while it grows.
    fn check_growth(&mut self) -> Result<(), LayerError> {
        let limits = self.limits;
        if self.produced > limits.inflated_bytes {
            let limit = limits.inflated_bytes;
            return Err(LayerError::TooLarge { limit });
        }
        let read = self.decoder.blob_mut().count;
        if self.produced > limits.ratio_floor && self.produced / limits.ratio.max(1) > read {
            let limit = limits.ratio;
            return Err(LayerError::Expansion { limit });
        }
        Ok(())
    }
}

impl<R: Read> Decoder<R> {
    fn blob_mut(&mut self) -> &mut Blob<R> {
        match self {
            Self::Plain(blob) => blob,
            Self::Gzip(decoder) => decoder.get_mut().get_mut(),
            Self::Zstd(decoder) => decoder.get_mut().get_mut(),
        }
    }
}

impl<R: Read> Read for Blob<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        match self.source.read(target) {
            Ok(count) => {
                self.count += count as u64;
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(&target[..count]);
                }
                Ok(count)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failure = Some(error.kind());
                }
                Err(error)
            }
        }
    }
}

fn drain(source: &mut impl BufRead) -> Result<(), LayerError> {
    loop {
        match source.fill_buf() {
            Ok([]) => return Ok(()),
            Ok(rest) => {
                let count = rest.len();
                source.consume(count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(LayerError::Source { kind: error.kind() }),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Large enough that calls cost nothing, small enough for the cache.
const BUFFER: usize = 128 << 10;
