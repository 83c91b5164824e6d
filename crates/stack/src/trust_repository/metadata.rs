//! TUF metadata: canonical form, signatures, key objects.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::public_key::{HashAlgorithm, PublicKey};
use crate::service_keys::RoleKeys;
use crate::signing_key::{EcdsaKey, KeyError, sha256};

/// The four top-level roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Root,
    Targets,
    Snapshot,
    Timestamp,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Role::Root => "root",
            Role::Targets => "targets",
            Role::Snapshot => "snapshot",
            Role::Timestamp => "timestamp",
        }
    }

    fn key(self, keys: &RoleKeys) -> &EcdsaKey {
        match self {
            Role::Root => &keys.root,
            Role::Targets => &keys.targets,
            Role::Snapshot => &keys.snapshot,
            Role::Timestamp => &keys.timestamp,
        }
    }
}

/// Signs `body` as metadata of `role`.
pub(super) fn sign(
    role: Role,
    keys: &RoleKeys,
    version: u64,
    expires: Timestamp,
    mut body: Value,
) -> Result<Vec<u8>, KeyError> {
    // Whole seconds: clients parse nothing else.
    let expires = Timestamp::from_second(expires.as_second()).unwrap_or(expires);
    body["_type"] = role.name().into();
    body["spec_version"] = SPECIFICATION.into();
    body["version"] = version.into();
    body["expires"] = expires.to_string().into();
    let key = role.key(keys);
    let signature = hex::encode(key.sign(&canonical(&body))?);
    let whole = json!({
        "signatures": [{"keyid": key_id(key), "sig": signature}],
        "signed": body,
    });
    Ok(serde_json::to_vec_pretty(&whole).expect("a JSON value serialises"))
}

/// The signed part of metadata, if the key of `role` signed it.
pub(super) fn verify(bytes: &[u8], role: Role, keys: &RoleKeys) -> Option<Value> {
    let mut whole: Value = serde_json::from_slice(bytes).ok()?;
    let signed = whole["signed"].take();
    let key = role.key(keys);
    let signature = whole["signatures"]
        .as_array()?
        .iter()
        .find(|signature| signature["keyid"] == key_id(key))?;
    let signature = hex::decode(signature["sig"].as_str()?).ok()?;
    PublicKey::from_der(key.public_der())
        .ok()?
        .verify(HashAlgorithm::Sha256, &canonical(&signed), &signature)
        .ok()?;
    (signed["_type"] == role.name()).then_some(signed)
}

/// Keys and roles, as root metadata lists them: one key each, all different.
pub(super) fn root_body(keys: &RoleKeys) -> Value {
    let mut all = serde_json::Map::new();
    let mut roles = serde_json::Map::new();
    for role in [Role::Root, Role::Targets, Role::Snapshot, Role::Timestamp] {
        let key = role.key(keys);
        all.insert(key_id(key), key_object(key));
        let entry = json!({"keyids": [key_id(key)], "threshold": 1});
        roles.insert(role.name().to_owned(), entry);
    }
    json!({"consistent_snapshot": true, "keys": all, "roles": roles})
}

/// Length and hash of a file, and its version where there is one.
pub(super) fn file_facts(bytes: &[u8], version: Option<u64>) -> Value {
    let mut facts = json!({
        "length": bytes.len(),
        "hashes": {"sha256": hex::encode(sha256(bytes))},
    });
    if let Some(version) = version {
        facts["version"] = version.into();
    }
    facts
}

fn key_object(key: &EcdsaKey) -> Value {
    json!({
        "keytype": "ecdsa",
        "scheme": "ecdsa-sha2-nistp256",
        "keyval": {"public": key.public_pem()},
    })
}

fn key_id(key: &EcdsaKey) -> String {
    hex::encode(sha256(&canonical(&key_object(key))))
}

/// TUF's canonical JSON (OLPC): sorted keys, no spaces, and only quote and backslash escaped. It
/// is not RFC 8785: a line feed in a PEM key stands as it is.
fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, value);
    out
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(yes) => out.extend(if *yes { &b"true"[..] } else { b"false" }),
        Value::Number(number) => out.extend(number.to_string().bytes()),
        Value::String(text) => put_text(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                put(out, item);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (position, (name, member)) in members.into_iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                put_text(out, name);
                out.push(b':');
                put(out, member);
            }
            out.push(b'}');
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

const SPECIFICATION: &str = "1.0.31";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form_keeps_line_feeds() {
        let value = json!({"b": "x\ny\"\\", "a": [1, true, null]});
        assert_eq!(
            canonical(&value),
            b"{\"a\":[1,true,null],\"b\":\"x\ny\\\"\\\\\"}"
        );
    }
}
