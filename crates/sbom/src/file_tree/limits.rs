//! How much of a hostile layer is read before it is refused.

/// Caps on one layer. The defaults let every image through that we know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerLimits {
    /// Entries. The largest reported image has 3 million files (anchore/grype 1509).
    pub entries: u64,
    /// Bytes of all names and link targets together: they are kept in memory.
    pub name_bytes: u64,
    /// Bytes of one path. Linux's `PATH_MAX`.
    pub path_bytes: usize,
    /// Parts of one path. npm 2 nested some 60 deep.
    pub depth: usize,
    /// Bytes of the inflated layer.
    pub inflated_bytes: u64,
    /// Inflated bytes for each compressed one, once `ratio_floor` is passed. DEFLATE allows 1032; text
    /// stays below 50, empty database files below 200 taken together with their neighbours.
    pub ratio: u64,
    /// Inflated bytes up to which any ratio is fine.
    pub ratio_floor: u64,
    /// Bytes of an extended header (long name, PAX records). Go's archive/tar allows as many.
    pub extended_header_bytes: u64,
    /// Bytes of content that are kept.
    pub kept_bytes: u64,
    /// Bytes of a file that is looked at whole and not kept, such as an executable.
    pub extracted_bytes: u64,
}

impl Default for LayerLimits {
    fn default() -> Self {
        Self {
            entries: 4_000_000,
            name_bytes: 512 << 20,
            path_bytes: 4096,
            depth: 512,
            inflated_bytes: 128 << 30,
            ratio: 200,
            ratio_floor: 1 << 30,
            extended_header_bytes: 1 << 20,
            kept_bytes: 256 << 20,
            extracted_bytes: 512 << 20,
        }
    }
}
