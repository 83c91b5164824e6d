//! One keyless bundle, verified in process, beside sigstore-verify in the same run.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads fixtures")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark ends where its data is not there"
)]
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::fs;
use std::hint::black_box;

use countersign_artifact::Digest;
use countersign_trust::{Artifact, Material, TrustRoot, Verifier};
use criterion::{Criterion, criterion_group, criterion_main};
use sigstore_verify::VerificationPolicy;
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{Artifact as TheirArtifact, ArtifactDigest, Bundle, Sha256Hash};

fn keyless_bundle(criterion: &mut Criterion) {
    let folder = countersign_testkit::fixtures::folder("signing");
    let read = |path: &str| fs::read(folder.join(path)).unwrap();
    let root = read("keyless/trust/trusted_root.json");
    let ours = TrustRoot::parse(&root).unwrap();
    let their_root = TrustedRoot::from_json(std::str::from_utf8(&root).unwrap()).unwrap();
    let theirs = sigstore_verify::Verifier::new(&their_root).unwrap();
    for name in [
        "genuine-rekor1-no-timestamp",
        "genuine-rekor1",
        "genuine-rekor2",
    ] {
        let json = read(&format!("attacks/{name}/bundle.sigstore.json"));
        let digest = Digest::sha256_of(&read(&format!("attacks/{name}/artifact")));
        let artifact = Artifact::Digest(digest);
        let mut group = criterion.benchmark_group(name);
        group.bench_function("countersign", |bencher| {
            bencher.iter(|| {
                let material = Material::parse_bundle(black_box(&json)).unwrap();
                Verifier::of_certificates(&ours)
                    .verify(&material, &artifact)
                    .unwrap()
            });
        });
        let hash = Sha256Hash::new(digest.as_bytes().try_into().unwrap());
        let policy = VerificationPolicy::any_identity();
        group.bench_function("sigstore-verify", |bencher| {
            bencher.iter(|| {
                let bundle = Bundle::from_json(std::str::from_utf8(black_box(&json)).unwrap());
                let artifact = TheirArtifact::from_digest(ArtifactDigest::from(hash));
                theirs.verify(artifact, &bundle.unwrap(), &policy).unwrap()
            });
        });
        group.finish();
    }
    criterion.bench_function("trust root", |bencher| {
        bencher.iter(|| TrustRoot::parse(black_box(&root)).unwrap());
    });
}

criterion_group!(benches, keyless_bundle);
criterion_main!(benches);
