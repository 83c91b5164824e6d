//! Random layers, squashed by us and by a model so plain that it is right by reading it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::tarball::{Tarball, files};

/// What an entry of a random layer does.
#[derive(Clone, Debug)]
enum Act {
    File(String, u8),
    Folder(String),
    Whiteout(String),
    Opaque(String),
}

/// Paths of up to three parts of two letters: they meet often.
fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ab]", 1..4).prop_map(|parts| parts.join("/"))
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (path(), any::<u8>()).prop_map(|(path, content)| Act::File(path, content % 10)),
        1 => path().prop_map(Act::Folder),
        2 => path().prop_map(Act::Whiteout),
        1 => path().prop_map(Act::Opaque),
    ]
}

fn tarball(layer: &[Act]) -> Tarball {
    layer.iter().fold(Tarball::default(), |tar, act| match act {
        Act::File(path, content) => tar.file(path, content.to_string().as_bytes()),
        Act::Folder(path) => tar.folder(path),
        Act::Whiteout(path) => {
            let (folder, name) = path
                .rsplit_once('/')
                .map_or(("", &**path), |(folder, name)| (folder, name));
            tar.file(&format!("{folder}/.wh.{name}"), b"")
        }
        Act::Opaque(path) => tar.file(&format!("{path}/.wh..wh..opq"), b""),
    })
}

/// Files by path. First everything that the layer hides of those below goes, then its own files come.
fn model(layers: &[Vec<Act>]) -> Vec<String> {
    let mut all: BTreeMap<String, u8> = BTreeMap::new();
    for layer in layers {
        for act in layer {
            match act {
                Act::Whiteout(path) => {
                    all.retain(|known, _| known != path && !is_within(known, path))
                }
                Act::Opaque(path) => all.retain(|known, _| !is_within(known, path)),
                Act::File(..) | Act::Folder(_) => {}
            }
        }
        for act in layer {
            match act {
                Act::File(path, content) => {
                    all.retain(|known, _| !is_within(known, path) && !is_within(path, known));
                    all.insert(path.clone(), *content);
                }
                Act::Folder(path) => {
                    all.retain(|known, _| known != path && !is_within(path, known))
                }
                Act::Whiteout(_) | Act::Opaque(_) => {}
            }
        }
    }
    all.into_iter()
        .map(|(path, content)| format!("/{path}={content}"))
        .collect()
}

fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

#[test]
fn random_layers_add_up_as_in_the_model() {
    let layers = proptest::collection::vec(proptest::collection::vec(act(), 0..8), 1..5);
    let config = ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(layers in layers)| {
        let squashed = files(layers.iter().map(|layer| tarball(layer)).collect());
        prop_assert_eq!(squashed, model(&layers));
    });
}
