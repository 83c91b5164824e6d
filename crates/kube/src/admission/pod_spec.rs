//! Where the images of a workload are.

use serde_json::Value;

use super::review::GroupVersionKind;

/// The kinds that run images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkloadKind {
    /// The pod itself.
    Pod,
    /// Deployment, ReplicaSet, StatefulSet: a template and a number of replicas.
    Scaled,
    /// DaemonSet, Job: a template.
    Templated,
    /// A template of a template.
    CronJob,
}

/// An image that an object names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedImage {
    /// Where, in Kubernetes' words: `spec.template.spec.containers[0].image`.
    pub(crate) path: String,
    /// Where, as a JSON pointer.
    pub(crate) pointer: String,
    /// The image as it is written there.
    pub(crate) image: String,
}

/// A pod spec of a shape that no API server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokenSpec {
    /// The path of what is wrong.
    pub(crate) path: String,
    /// What is expected there.
    pub(crate) expected: &'static str,
}

impl WorkloadKind {
    /// Tells the kind, if it is one that runs images and that upstream knows.
    pub(crate) fn of(kind: &GroupVersionKind) -> Option<Self> {
        match (
            kind.group.as_str(),
            kind.version.as_str(),
            kind.kind.as_str(),
        ) {
            ("", "v1", "Pod") => Some(Self::Pod),
            ("apps", "v1", "Deployment" | "ReplicaSet" | "StatefulSet") => Some(Self::Scaled),
            ("apps", "v1", "DaemonSet") | ("batch", "v1", "Job") => Some(Self::Templated),
            ("batch", "v1" | "v1beta1", "CronJob") => Some(Self::CronJob),
            _ => None,
        }
    }

    /// The images of `object`, init containers first.
    pub(crate) fn images(self, object: &Value) -> Result<Vec<NamedImage>, BrokenSpec> {
        let mut walk = Walk {
            path: String::new(),
            pointer: String::new(),
            at: object,
        };
        for field in self.pod_spec() {
            walk = walk.field(field)?;
        }
        let mut images = Vec::new();
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in walk.list(list)? {
                images.push(container.image("image")?);
            }
        }
        for volume in walk.list("volumes")? {
            if !volume.at.get("image").is_none_or(Value::is_null) {
                images.push(volume.field("image")?.image("reference")?);
            }
        }
        Ok(images)
    }

    /// Whether `new` asks for fewer replicas than `old`.
    pub(crate) fn scales_down(self, old: &Value, new: &Value) -> bool {
        let replicas = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_i64);
        self == Self::Scaled
            && replicas(new)
                .zip(replicas(old))
                .is_some_and(|(new, old)| new < old)
    }

    /// `spec` as rules see it. Upstream decodes templates through partial types, and rules are written
    /// against what those let through.
    pub(crate) fn spec_for_rules(self, object: &Value) -> Value {
        let fields: &[&str] = match self {
            Self::Pod | Self::CronJob => return object.get("spec").cloned().unwrap_or_default(),
            Self::Scaled => &["replicas", "selector", "template"],
            Self::Templated => &["template"],
        };
        let spec = object.get("spec");
        let known = fields
            .iter()
            .filter_map(|&field| Some((field, spec?.get(field)?.clone())));
        Value::Object(
            known
                .map(|(field, value)| (field.to_owned(), value))
                .collect(),
        )
    }

    fn pod_spec(self) -> &'static [&'static str] {
        match self {
            Self::Pod => &["spec"],
            Self::Scaled | Self::Templated => &["spec", "template", "spec"],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template", "spec"],
        }
    }
}

struct Walk<'a> {
    path: String,
    pointer: String,
    at: &'a Value,
}

impl<'a> Walk<'a> {
    fn field(&self, name: &str) -> Result<Walk<'a>, BrokenSpec> {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        match self.at.get(name) {
            Some(at) if at.is_object() => Ok(Walk {
                path,
                pointer: format!("{}/{name}", self.pointer),
                at,
            }),
            _ => Err(BrokenSpec {
                path,
                expected: "an object",
            }),
        }
    }

    /// The objects of the list `name`, which may be absent.
    fn list(&self, name: &str) -> Result<Vec<Walk<'a>>, BrokenSpec> {
        let path = format!("{}.{name}", self.path);
        let items = match self.at.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => {
                return Err(BrokenSpec {
                    path,
                    expected: "a list",
                });
            }
        };
        let item = |(index, at): (usize, &'a Value)| {
            let path = format!("{path}[{index}]");
            if !at.is_object() {
                return Err(BrokenSpec {
                    path,
                    expected: "an object",
                });
            }
            Ok(Walk {
                path,
                pointer: format!("{}/{name}/{index}", self.pointer),
                at,
            })
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The image in the field `name`. One that is absent is judged as the empty text, and refused.
    fn image(&self, name: &str) -> Result<NamedImage, BrokenSpec> {
        let path = format!("{}.{name}", self.path);
        let image = match self.at.get(name) {
            None | Some(Value::Null) => "",
            Some(Value::String(image)) => image,
            Some(_) => {
                return Err(BrokenSpec {
                    path,
                    expected: "a string",
                });
            }
        };
        let pointer = format!("{}/{name}", self.pointer);
        Ok(NamedImage {
            path,
            pointer,
            image: image.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_place_of_an_image() {
        let pod = json!({ "spec": {
            "containers": [{ "image": "a" }, {}],
            "initContainers": [{ "image": "b" }],
            "ephemeralContainers": [{ "image": "c" }],
            "volumes": [{ "emptyDir": {} }, { "image": { "reference": "d" } }],
        } });
        let check = |kind: WorkloadKind, object: &Value, prefix: &str| {
            let images = kind.images(object).unwrap();
            let found: Vec<_> = images
                .iter()
                .map(|i| (i.path.clone(), i.image.as_str()))
                .collect();
            let path = |rest: &str| format!("{prefix}{rest}");
            assert_eq!(
                found,
                [
                    (path("spec.initContainers[0].image"), "b"),
                    (path("spec.containers[0].image"), "a"),
                    (path("spec.containers[1].image"), ""),
                    (path("spec.ephemeralContainers[0].image"), "c"),
                    (path("spec.volumes[1].image.reference"), "d"),
                ]
            );
            for image in images.iter().filter(|image| !image.image.is_empty()) {
                assert_eq!(object.pointer(&image.pointer), Some(&json!(image.image)));
            }
        };
        check(WorkloadKind::Pod, &pod, "");
        let template = json!({ "spec": { "template": pod } });
        check(WorkloadKind::Scaled, &template, "spec.template.");
        let cron = json!({ "spec": { "jobTemplate": template } });
        check(
            WorkloadKind::CronJob,
            &cron,
            "spec.jobTemplate.spec.template.",
        );
    }

    #[test]
    fn a_broken_spec_hides_no_image() {
        for (spec, path) in [
            (json!(null), "spec"),
            (json!([]), "spec"),
            (json!({ "containers": {} }), "spec.containers"),
            (json!({ "containers": ["image"] }), "spec.containers[0]"),
            (
                json!({ "containers": [{ "image": ["a"] }] }),
                "spec.containers[0].image",
            ),
            (
                json!({ "volumes": [{ "image": "a" }] }),
                "spec.volumes[0].image",
            ),
        ] {
            let broken = WorkloadKind::Pod
                .images(&json!({ "spec": spec }))
                .unwrap_err();
            assert_eq!(broken.path, path);
        }
    }
}
