//! Layers made by hand, byte by byte, so that they can be as wrong as an attacker likes.

use std::io::Write as _;

use countersign_artifact::Digest;
use countersign_sbom::{
    Cataloger, ExpectedLayer, Findings, Inventory, LayerError, LayerLimits, Package, PackageKind,
    Scan, ScanError, Scene, Want,
};

/// A tar in the making.
#[derive(Clone, Default)]
pub(crate) struct Tarball(pub(crate) Vec<u8>);

impl Tarball {
    pub(crate) fn file(self, path: &str, content: &[u8]) -> Self {
        self.entry(b'0', path, "", content)
    }

    pub(crate) fn folder(self, path: &str) -> Self {
        self.entry(b'5', path, "", b"")
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path, target, b"")
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path, target, b"")
    }

    pub(crate) fn entry(self, flag: u8, path: &str, link: &str, content: &[u8]) -> Self {
        self.sized(flag, path, link, content, content.len() as u64)
    }

    /// An entry whose header claims another size.
    pub(crate) fn sized(
        mut self,
        flag: u8,
        path: &str,
        link: &str,
        content: &[u8],
        size: u64,
    ) -> Self {
        self.0.extend_from_slice(&header(flag, path, link, size));
        self.0.extend_from_slice(content);
        let padding = content.len().wrapping_neg() % 512;
        self.0.resize(self.0.len() + padding, 0);
        self
    }

    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (key, value) in records {
            let bare = key.len() + value.len() + 3;
            let mut length = bare + 1;
            while length != bare + length.to_string().len() {
                length = bare + length.to_string().len();
            }
            text.push_str(&format!("{length} {key}={value}\n"));
        }
        self.entry(b'x', "pax", "", text.as_bytes())
    }

    /// The archive with its end.
    pub(crate) fn bytes(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn header(flag: u8, path: &str, link: &str, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    block[..path.len()].copy_from_slice(path.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    // Base 256, which GNU uses for what eleven octal digits cannot say.
    block[124] = 0x80;
    block[128..136].copy_from_slice(&size.to_be_bytes());
    block[156] = flag;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut block);
    block
}

/// Writes the checksum of a header.
pub(crate) fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Reads a blob as the layer that `tar` is.
pub(crate) fn read(
    scan: &Scan,
    index: usize,
    tar: &[u8],
    blob: &[u8],
) -> Result<countersign_sbom::Layer, LayerError> {
    let expected = ExpectedLayer {
        index,
        digest: Some(Digest::sha256_of(blob)),
        size: Some(blob.len() as u64),
        diff_id: Digest::sha256_of(tar),
    };
    scan.read_layer(&expected, blob)
}

/// Why a tar is refused.
pub(crate) fn refusal(tar: &[u8]) -> LayerError {
    read(&lister(LayerLimits::default()), 0, tar, tar).unwrap_err()
}

/// A scan whose only cataloger lists every file as a package: name is the path, version the content.
pub(crate) fn lister(limits: LayerLimits) -> Scan {
    Scan::new(vec![Box::new(Lister)], limits)
}

/// The files of an image of these layers, the lowest first, each as `path=content`.
pub(crate) fn files(layers: Vec<Tarball>) -> Vec<String> {
    listed(&inventory(layers).unwrap())
}

pub(crate) fn inventory(layers: Vec<Tarball>) -> Result<Inventory, ScanError> {
    let scan = lister(LayerLimits::default());
    let layers = layers
        .into_iter()
        .enumerate()
        .rev()
        .map(|(index, tarball)| {
            let tar = tarball.bytes();
            read(&scan, index, &tar, &gzip(&tar)).unwrap()
        });
    scan.finish(layers.collect())
}

pub(crate) fn listed(inventory: &Inventory) -> Vec<String> {
    let packages = inventory.packages.iter();
    packages
        .map(|package| {
            format!(
                "{}={}",
                package.name,
                package.version.as_deref().unwrap_or("?")
            )
        })
        .collect()
}

struct Lister;

impl Cataloger for Lister {
    fn name(&self) -> &'static str {
        "lister"
    }

    fn wants(&self, path: &str, _head: &[u8]) -> Want {
        match path.ends_with(".skip") {
            true => Want::Nothing,
            false => Want::Content { limit: 1000 },
        }
    }

    fn catalog(&self, scene: &Scene<'_>, findings: &mut Findings) {
        for file in scene.tree.files() {
            let content = file
                .content()
                .map(|content| String::from_utf8_lossy(content).into_owned());
            let mut package = Package::new(PackageKind::Generic, file.path(), content, self.name());
            package.locations = vec![file.location()];
            findings.package(package);
        }
    }
}
