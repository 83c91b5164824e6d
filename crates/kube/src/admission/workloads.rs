//! The webhooks about workloads: which images run, may they, and which digests do their tags mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_artifact::ImageReference;
use countersign_policy::FieldErrors;
use countersign_policy::workload::Workload;
use serde_json::{Value, json};

use super::patch::Change;
use super::pod_spec::{BrokenSpec, NamedImage, WorkloadKind};
use super::respond::{Answer, Denial, Warning};
use super::review::{Operation, Review};
use crate::judge::Judge;
use crate::policies_folder::PolicySet;

/// Answers `/validations`: may these images run?
pub(crate) async fn validate(review: &Review<'_>, judge: &Judge, set: &Arc<PolicySet>) -> Answer {
    let subject = match subject(review) {
        Subject::Nothing => return Answer::allowed(),
        Subject::UnhandledKind => {
            return Answer::Denied(Denial::UnhandledKind(review.kind.clone()));
        }
        Subject::Broken(cause) => return Answer::Denied(Denial::Undecodable(cause)),
        Subject::Images(subject) => subject,
    };
    let workload = Arc::new(workload(review, &subject, set));
    // Each image once, however many containers run it; all of them at once.
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for named in &subject.images {
        places.entry(&named.image).or_default().push(&named.path);
    }
    let judged = places.into_iter().map(|(image, paths)| {
        let workload = Arc::clone(&workload);
        async move {
            let findings = judge_one(image, judge, set, workload).await;
            paths.into_iter().fold(FieldErrors::none(), |all, path| {
                all.also(findings.clone().via_field(path))
            })
        }
    });
    let judged = futures_util::future::join_all(judged).await;
    Answer::judged(
        judged
            .into_iter()
            .fold(FieldErrors::none(), FieldErrors::also),
    )
}

/// Answers `/mutations`: which digest does each tag mean at this moment? What is admitted is then what
/// runs, however the tag moves.
pub(crate) async fn mutate(review: &Review<'_>, judge: &Judge) -> Answer {
    let subject = match subject(review) {
        Subject::Nothing => return Answer::allowed(),
        Subject::UnhandledKind => {
            return Answer::Denied(Denial::UnhandledKindToMutate(review.kind.clone()));
        }
        Subject::Broken(cause) => return Answer::Denied(Denial::UndecodableToMutate(cause)),
        Subject::Images(subject) => subject,
    };
    let mut tagged: BTreeMap<&str, ImageReference> = BTreeMap::new();
    for named in subject
        .images
        .iter()
        .filter(|named| may_change(review, named))
    {
        // What does not parse is left as it is; the webhook that validates refuses it and says why.
        if let Ok(image) = ImageReference::parse(&named.image)
            && image.digest().is_none()
        {
            tagged.insert(&named.image, image);
        }
    }
    let resolved = tagged.into_iter().map(|(text, image)| async move {
        (
            text,
            judge
                .resolve(image.clone())
                .await
                .map(|digest| format!("{}@{digest}", image.name())),
        )
    });
    let resolved: BTreeMap<_, _> = futures_util::future::join_all(resolved)
        .await
        .into_iter()
        .collect();
    let mut changes = Vec::new();
    for named in subject
        .images
        .iter()
        .filter(|named| may_change(review, named))
    {
        if let Some(Ok(pinned)) = resolved.get(named.image.as_str()) {
            let (path, value) = (named.pointer.clone(), json!(pinned));
            changes.push(Change::Replace { path, value });
        }
    }
    let unresolved = resolved.iter().filter_map(|(image, result)| {
        let cause = result.as_ref().err()?.to_string();
        Some(Warning {
            image: (*image).to_owned(),
            cause,
        })
    });
    Answer::Patched {
        changes,
        warnings: unresolved.collect(),
    }
}

enum Subject {
    /// Nothing begins to run.
    Nothing,
    UnhandledKind,
    Broken(String),
    Images(Images),
}

struct Images {
    kind: WorkloadKind,
    object: Value,
    images: Vec<NamedImage>,
}

fn subject(review: &Review<'_>) -> Subject {
    if review.operation == Operation::Other {
        return Subject::Nothing;
    }
    let Some(kind) = WorkloadKind::of(&review.kind) else {
        return Subject::UnhandledKind;
    };
    if review.sub_resource == "status" {
        return Subject::Nothing;
    }
    let Ok(object) = review.object() else {
        return Subject::Broken("not a JSON object".to_owned());
    };
    let images = match kind.images(&object) {
        Ok(images) => images,
        Err(BrokenSpec { path, expected }) => {
            return Subject::Broken(format!("{path} is not {expected}"));
        }
    };
    if is_exempt(review, kind, &object, &images) {
        return Subject::Nothing;
    }
    Subject::Images(Images {
        kind,
        object,
        images,
    })
}

/// An object on its way out, or one that shrinks, must not be held up. But only if its images stay:
/// upstream lets `replicas: 1` carry any image past every policy.
fn is_exempt(
    review: &Review<'_>,
    kind: WorkloadKind,
    object: &Value,
    images: &[NamedImage],
) -> bool {
    if review.operation != Operation::Update {
        return false;
    }
    let Some(old) = review.old_object() else {
        return false;
    };
    let is_leaving = old
        .pointer("/metadata/deletionTimestamp")
        .is_some_and(|time| !time.is_null());
    (is_leaving || kind.scales_down(&old, object))
        && kind.images(&old).is_ok_and(|old| old == images)
}

/// The workload as far as any policy asks for it, and not further: the rest would only make the cache
/// miss.
fn workload(review: &Review<'_>, subject: &Images, set: &PolicySet) -> Workload {
    let object = &subject.object;
    let labels = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let labels =
        labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let sees = set.sees();
    let api_version = match review.kind.group.as_str() {
        "" => review.kind.version.clone(),
        group => format!("{group}/{}", review.kind.version),
    };
    // A deployment, its replica set and their pods share a verdict, if no policy tells them apart.
    let told = |seen: bool, text: &str| if seen { text.to_owned() } else { String::new() };
    Workload {
        group: told(sees.kind, &review.kind.group),
        version: told(sees.kind, &review.kind.version),
        kind: told(sees.kind, &review.kind.kind),
        namespace: told(sees.namespace, &review.namespace),
        labels: if sees.labels {
            labels.collect()
        } else {
            BTreeMap::new()
        },
        spec: sees.spec.then(|| subject.kind.spec_for_rules(object)),
        metadata: sees
            .metadata
            .then(|| object.get("metadata").cloned().unwrap_or_default()),
        // Upstream gives pods no type, and rules that name one are written with that in mind.
        type_meta: (sees.type_meta && subject.kind != WorkloadKind::Pod)
            .then(|| json!({ "kind": review.kind.kind, "apiVersion": api_version })),
    }
}

/// The findings about one image, without the path of the container.
async fn judge_one(
    image: &str,
    judge: &Judge,
    set: &Arc<PolicySet>,
    workload: Arc<Workload>,
) -> FieldErrors {
    let reference = match ImageReference::parse(image) {
        Ok(reference) => reference,
        Err(error) => return FieldErrors::generic(error.to_string(), ""),
    };
    // Without a digest a verdict would be about whatever the tag means next.
    if reference.digest().is_none() {
        return FieldErrors::generic(
            format!("invalid value: {image} must be an image digest"),
            "",
        );
    }
    judge.findings(image, reference, set, workload).await
}

/// A pod's ephemeral containers change through their subresource alone, and nothing else there: a patch
/// of anything else would make the API server refuse the request.
fn may_change(review: &Review<'_>, named: &NamedImage) -> bool {
    let is_ephemeral = named.path.starts_with("spec.ephemeralContainers[");
    if review.sub_resource == "ephemeralcontainers" {
        return is_ephemeral;
    }
    !is_ephemeral && review.sub_resource.is_empty()
}
