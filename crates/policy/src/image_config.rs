//! An image's configuration as a policy's rule sees it: decoded into go-containerregistry's `ConfigFile`
//! and encoded again. An empty `User`, say, is then no field at all, and rules in use were written
//! against that.

use serde_json::Value;

use crate::go_json;
use crate::go_shape::Shape;

/// Why a configuration is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration for {platform} is wrong: `{path}` is not {expected}")]
pub(crate) struct ImageConfigError {
    platform: String,
    path: String,
    expected: &'static str,
}

/// The configuration `config` for `platform` as Go writes it.
pub(crate) fn as_go_has_it(platform: &str, config: &Value) -> Result<Value, ImageConfigError> {
    let error = |path: &[&str], expected| ImageConfigError {
        platform: platform.to_owned(),
        path: path.join("."),
        expected,
    };
    let json = go_json::parse(&config.to_string()).map_err(|_| error(&[], "JSON"))?;
    let mut path = Vec::new();
    CONFIG_FILE
        .encode(Some(&json), &mut path)
        .map_err(|expected| error(&path, expected))
}

const TEXTS: Shape = Shape::List(&Shape::Text);
const LABELS: Shape = Shape::Map(&Shape::Text);
/// `map[string]struct{}`
const SET: Shape = Shape::Map(&Shape::Struct(&[]));

static CONFIG_FILE: Shape = Shape::Struct(&[
    ("architecture", Shape::Text, false),
    ("author", Shape::Text, true),
    ("container", Shape::Text, true),
    ("created", Shape::Time, false),
    ("docker_version", Shape::Text, true),
    ("history", Shape::List(&HISTORY), true),
    ("os", Shape::Text, false),
    (
        "rootfs",
        Shape::Struct(&[("type", Shape::Text, false), ("diff_ids", TEXTS, false)]),
        false,
    ),
    ("config", CONFIG, false),
    ("os.version", Shape::Text, true),
    ("variant", Shape::Text, true),
    ("os.features", TEXTS, true),
]);

const HISTORY: Shape = Shape::Struct(&[
    ("author", Shape::Text, true),
    ("created", Shape::Time, false),
    ("created_by", Shape::Text, true),
    ("comment", Shape::Text, true),
    ("empty_layer", Shape::Flag, true),
]);

const HEALTHCHECK: Shape = Shape::Struct(&[
    ("Test", TEXTS, true),
    ("Interval", Shape::Integer, true),
    ("Timeout", Shape::Integer, true),
    ("StartPeriod", Shape::Integer, true),
    ("Retries", Shape::Integer, true),
]);

const CONFIG: Shape = Shape::Struct(&[
    ("AttachStderr", Shape::Flag, true),
    ("AttachStdin", Shape::Flag, true),
    ("AttachStdout", Shape::Flag, true),
    ("Cmd", TEXTS, true),
    ("Healthcheck", HEALTHCHECK, true),
    ("Domainname", Shape::Text, true),
    ("Entrypoint", TEXTS, true),
    ("Env", TEXTS, true),
    ("Hostname", Shape::Text, true),
    ("Image", Shape::Text, true),
    ("Labels", LABELS, true),
    ("OnBuild", TEXTS, true),
    ("OpenStdin", Shape::Flag, true),
    ("StdinOnce", Shape::Flag, true),
    ("Tty", Shape::Flag, true),
    ("User", Shape::Text, true),
    ("Volumes", SET, true),
    ("WorkingDir", Shape::Text, true),
    ("ExposedPorts", SET, true),
    ("ArgsEscaped", Shape::Flag, true),
    ("NetworkDisabled", Shape::Flag, true),
    ("MacAddress", Shape::Text, true),
    ("StopSignal", Shape::Text, true),
    ("Shell", TEXTS, true),
]);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_and_unknown_fields_are_not_there() {
        let config = json!({
            "architecture": "amd64", "os": "linux", "extra": 1, "created": null,
            "config": {"User": "", "Cmd": ["a"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}},
                       "Healthcheck": {"Interval": 5_000_000_000_i64}},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:00"]},
        });
        assert_eq!(
            as_go_has_it("linux/amd64", &config).unwrap(),
            json!({
                "architecture": "amd64", "os": "linux", "created": "0001-01-01T00:00:00Z",
                "config": {"Cmd": ["a"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}},
                           "Healthcheck": {"Interval": 5_000_000_000_i64}},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:00"]},
            })
        );
    }

    #[test]
    fn what_go_cannot_decode_is_refused() {
        let error = as_go_has_it("linux/amd64", &json!({"config": {"User": 0}})).unwrap_err();
        assert_eq!(
            (error.path.as_str(), error.expected),
            ("config.User", "a string")
        );
    }
}
