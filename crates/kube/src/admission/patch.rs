//! JSON patches (RFC 6902): what a mutation asks the API server to change.

use serde::Serialize;
use serde_json::Value;

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Change {
    Add { path: String, value: Value },
    Replace { path: String, value: Value },
    Remove { path: String },
}

/// The changes that make `from` into `to`. Lists of different length are replaced as a whole: nobody
/// reads these patches but the API server.
pub(crate) fn changes(from: &Value, to: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    collect(from, to, &mut String::new(), &mut changes);
    changes
}

fn collect(from: &Value, to: &Value, path: &mut String, changes: &mut Vec<Change>) {
    match (from, to) {
        _ if from == to => {}
        (Value::Object(old), Value::Object(new)) => {
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                changes.push(Change::Remove {
                    path: below(path, name),
                });
            }
            for (name, value) in new {
                match old.get(name) {
                    None => changes.push(Change::Add {
                        path: below(path, name),
                        value: value.clone(),
                    }),
                    Some(was) => collect(was, value, &mut below(path, name), changes),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (was, value)) in old.iter().zip(new).enumerate() {
                collect(was, value, &mut format!("{path}/{index}"), changes);
            }
        }
        _ => changes.push(Change::Replace {
            path: path.clone(),
            value: to.clone(),
        }),
    }
}

fn below(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs() {
        let from = json!({ "a": 1, "b/c": { "d~": [1, 2] }, "gone": null, "same": [{}] });
        let to = json!({ "a": 2, "b/c": { "d~": [1, 3], "new": {} }, "same": [{}], "list": [1] });
        let changes = serde_json::to_value(changes(&from, &to)).unwrap();
        assert_eq!(
            changes,
            json!([
                { "op": "remove", "path": "/gone" },
                { "op": "replace", "path": "/a", "value": 2 },
                { "op": "replace", "path": "/b~1c/d~0/1", "value": 3 },
                { "op": "add", "path": "/b~1c/new", "value": {} },
                { "op": "add", "path": "/list", "value": [1] },
            ])
        );
        assert_eq!(super::changes(&from, &from), []);
        let longer = super::changes(&json!({ "x": [1] }), &json!({ "x": [1, 2] }));
        assert_eq!(
            longer,
            [Change::Replace {
                path: "/x".to_owned(),
                value: json!([1, 2])
            }]
        );
    }
}
