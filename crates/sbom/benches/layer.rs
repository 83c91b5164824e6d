//! How fast a sizeable layer is read: inflated once, hashed twice, walked, and searched by every cataloger.
#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::io::Write as _;

use countersign_artifact::Digest;
use countersign_sbom::{ExpectedLayer, LayerLimits, Scan, cataloger};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// About 13 kB a file, as in the images of real applications.
const FILES: usize = 12_000;

/// A layer of text that compresses about as well as real ones (3 to 1), the same on every machine.
fn tarball() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words: Vec<String> = (0..4096)
        .map(|_| format!("{:x} ", random() >> (random() % 48)))
        .collect();
    let mut archive = tar::Builder::new(Vec::new());
    for number in 0..FILES {
        let mut content = String::new();
        let size = 1000 + random() as usize % 24_000;
        while content.len() < size {
            content.push_str(&words[random() as usize % words.len()]);
        }
        let (folder, name) = (number / 8, number % 8);
        let name = match name {
            0 => format!("srv/node_modules/p{folder}/package.json"),
            1 => format!("usr/lib/python3/dist-packages/d{folder}-1.0.dist-info/METADATA"),
            _ => format!("usr/share/f{folder}/file-{name}"),
        };
        match name.rsplit('/').next() {
            Some("package.json") => {
                content = format!("{{\"name\":\"p{folder}\",\"version\":\"1.0.0\"}}")
            }
            Some("METADATA") => content = format!("Name: d{folder}\nVersion: 1.0\n\n{content}"),
            _ => {}
        }
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, content.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

fn read(criterion: &mut Criterion) {
    let tar = tarball();
    let diff_id = Digest::sha256_of(&tar);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar).unwrap();
    let blobs = [
        ("plain", tar.clone()),
        ("gzip", gzip.finish().unwrap()),
        ("zstd", zstd::encode_all(&tar[..], 3).unwrap()),
    ];
    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let mut group = criterion.benchmark_group("layer");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(tar.len() as u64));
    for (name, blob) in &blobs {
        let expected = ExpectedLayer {
            index: 0,
            digest: Some(Digest::sha256_of(blob)),
            size: Some(blob.len() as u64),
            diff_id,
        };
        group.bench_function(*name, |bencher| {
            bencher.iter(|| scan.read_layer(&expected, &blob[..]).unwrap());
        });
        group.bench_function(format!("{name} and catalog"), |bencher| {
            bencher.iter(|| {
                let layer = scan.read_layer(&expected, &blob[..]).unwrap();
                scan.finish(vec![layer]).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
