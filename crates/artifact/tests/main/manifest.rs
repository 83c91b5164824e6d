//! Manifests: real ones, and hostile ones.

use countersign_artifact::{Manifest, ManifestError, media_type};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn image(extra: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"m","digest":"{DIGEST}","size":2}},"layers":[]{extra}}}"#
    )
}

#[test]
fn every_manifest_of_the_recorded_layouts() {
    let images = countersign_testkit::fixtures::folder("policy").join("verdicts/images");
    let mut read = 0;
    for layout in std::fs::read_dir(images).unwrap() {
        let layout = layout.unwrap().path();
        let Ok(index) = std::fs::read(layout.join("index.json")) else {
            continue;
        };
        let Manifest::Index(index) = Manifest::parse(None, &index).unwrap() else {
            panic!("index.json is an index");
        };
        for descriptor in index.manifests {
            let blob = layout.join("blobs/sha256").join(descriptor.digest.hex());
            let bytes = std::fs::read(blob).unwrap();
            assert_eq!(bytes.len() as u64, descriptor.size);
            assert!(descriptor.digest.matches(&bytes));
            Manifest::parse(Some(&descriptor.media_type), &bytes).unwrap();
            read += 1;
        }
    }
    assert!(read > 50, "{read}");
}

#[test]
fn nulls_and_strangers_are_let_be() {
    let text = image(r#","annotations":null,"new":{"a":[1]}"#).replace("[]", "null");
    let Manifest::Image(image) = Manifest::parse(None, text.as_bytes()).unwrap() else {
        panic!("an image")
    };
    assert!(image.layers.is_empty() && image.annotations.is_empty());
}

#[test]
fn hostile_manifests_are_refused() {
    let parse =
        |sent: Option<&str>, text: &str| Manifest::parse(sent, text.as_bytes()).unwrap_err();
    let ambiguous = image(r#","manifests":[]"#);
    assert!(matches!(
        parse(None, &ambiguous),
        ManifestError::Ambiguous { .. }
    ));
    assert!(matches!(
        parse(Some(media_type::OCI_INDEX), &image("")),
        ManifestError::Ambiguous { .. }
    ));
    let says_index = image(&format!(r#","mediaType":"{}""#, media_type::OCI_INDEX));
    assert!(matches!(
        parse(Some(media_type::OCI_MANIFEST), &says_index),
        ManifestError::Ambiguous { .. }
    ));
    assert!(matches!(
        parse(
            Some("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            &image("")
        ),
        ManifestError::UnsupportedMediaType(_)
    ));
    assert_eq!(
        parse(None, &image("").replace(":2,\"c", ":1,\"c")),
        ManifestError::UnsupportedSchema(1)
    );
    for bad in [
        image("").replace("\"size\":2", "\"size\":-1"),
        image("").replace("\"size\":2", "\"size\":1.5"),
        image("").replace("e3b0", "E3B0"),
        image(r#","layers":[]"#),
        "[]".to_owned(),
        "{".to_owned(),
        "{}".to_owned(),
        "\u{0}".to_owned(),
    ] {
        assert!(
            matches!(parse(None, &bad), ManifestError::Malformed { .. }),
            "{bad}"
        );
    }
    let layer = format!(r#"{{"mediaType":"m","digest":"{DIGEST}","size":2}}"#);
    let many = image("").replace("[]", &format!("[{}]", vec![layer; 1001].join(",")));
    assert_eq!(parse(None, &many), ManifestError::TooManyEntries(1001));
    assert_eq!(
        parse(None, &" ".repeat((4 << 20) + 1)),
        ManifestError::TooLarge((4 << 20) + 1)
    );
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(
        parse(None, &deep),
        ManifestError::Malformed { .. }
    ));
}
