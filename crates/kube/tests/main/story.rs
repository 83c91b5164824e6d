//! Signed and unsigned images, over TLS, with keys and signatures that are real.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use countersign_artifact::Digest;
use countersign_policy::evidence_source::Undecided;
use countersign_trust::{Material, MaterialError, PrivateKey};
use serde_json::{Value, json};

use crate::harness::{
    Memory, Running, deployment, key_authority, patched, pod, policy, review, signature,
};

const REPOSITORY: &str = "registry.example/shop/cart";

/// A signed and an unsigned image behind tags, and a policy that asks for the signature.
struct Story {
    memory: Arc<Memory>,
    key: PrivateKey,
    signed: Digest,
    running: Running,
}

impl Story {
    async fn begin(mode: &str) -> Self {
        let key = PrivateKey::generate().unwrap();
        let memory = Arc::new(Memory::default());
        let (signed, unsigned) = (Digest::sha256_of(b"signed"), Digest::sha256_of(b"unsigned"));
        memory.tag(&format!("{REPOSITORY}:1"), signed);
        memory.tag(&format!("{REPOSITORY}:unsigned"), unsigned);
        memory.attach(signed, signature(REPOSITORY, &signed, &key));
        let rest = format!("  mode: {mode}\n");
        let text = policy(
            "release",
            "registry.example/shop/**",
            &rest,
            &key_authority(&key),
        );
        let running = Running::start(&[("release.yaml", &text)], &memory).await;
        Self {
            memory,
            key,
            signed,
            running,
        }
    }

    fn pinned(&self) -> String {
        format!("{REPOSITORY}:1@{}", self.signed)
    }
}

fn message(answer: &Value) -> &str {
    answer["status"]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_signed_image_is_admitted_by_its_digest() {
    let story = Story::begin("enforce").await;
    let (stored, answer) = story
        .running
        .admit(&pod(&[&format!("{REPOSITORY}:1")]))
        .await;
    assert_eq!(answer["allowed"], true, "{answer}");
    assert_eq!(answer["warnings"], Value::Null);
    assert_eq!(stored["spec"]["containers"][0]["image"], story.pinned());
    let (stored, answer) = story
        .running
        .admit(&deployment(1, &format!("{REPOSITORY}:1")))
        .await;
    assert_eq!(answer["allowed"], true, "{answer}");
    assert_eq!(
        stored["spec"]["template"]["spec"]["containers"][0]["image"],
        story.pinned()
    );
    // One verdict for all three: the deployment, its pods, and the next of them.
    assert_eq!(story.memory.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_refusal_reads_as_kubectl_shows_it() {
    let story = Story::begin("enforce").await;
    let (stored, answer) = story
        .running
        .admit(&pod(&[&format!("{REPOSITORY}:unsigned")]))
        .await;
    let image = stored["spec"]["containers"][0]["image"].as_str().unwrap();
    let unsigned = Digest::sha256_of(b"unsigned");
    assert_eq!(image, format!("{REPOSITORY}:unsigned@{unsigned}"));
    assert_eq!(answer["allowed"], false);
    assert_eq!(
        message(&answer),
        format!(
            "validation failed: failed policy: release: spec.containers[0].image\n{image} signature key \
             validation failed for authority release for {REPOSITORY}@{unsigned}: no signatures found"
        )
    );
    let status = &answer["status"];
    assert_eq!(
        (&status["reason"], &status["code"]),
        (&json!("BadRequest"), &json!(400))
    );
}

#[tokio::test]
async fn a_warning_policy_admits_and_says_the_same() {
    let story = Story::begin("warn").await;
    let (stored, answer) = story
        .running
        .admit(&pod(&[&format!("{REPOSITORY}:unsigned")]))
        .await;
    assert_eq!(answer["allowed"], true);
    let warnings: Vec<&str> = answer["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        warnings[0],
        "failed policy: release: spec.containers[0].image"
    );
    assert!(warnings[1].starts_with(stored["spec"]["containers"][0]["image"].as_str().unwrap()));
    assert!(
        warnings[1].ends_with("no signatures found") && warnings.len() == 2,
        "{warnings:?}"
    );
}

#[tokio::test]
async fn forged_signatures_admit_nothing() {
    let story = Story::begin("enforce").await;
    let stranger = PrivateKey::generate().unwrap();
    let digest = Digest::sha256_of(b"forged");
    let image = format!("{REPOSITORY}@{digest}");
    for forged in [
        // By another key, over another image, unreadable.
        signature(REPOSITORY, &digest, &stranger),
        signature(REPOSITORY, &story.signed, &story.key),
        Material::unreadable(MaterialError::NoSignature),
    ] {
        story.memory.take_away(&digest);
        story.memory.attach(digest, forged);
        let review = review("CREATE", &pod(&[&image]), None);
        let answer = story.running.ask("/validations", &review).await;
        assert_eq!(answer["allowed"], false, "{answer}");
        assert!(
            message(&answer).contains("failed policy: release"),
            "{answer}"
        );
        // A verdict is remembered; the next forgery is judged on its own.
        let text = policy(
            "release",
            "registry.example/**",
            "",
            &key_authority(&story.key),
        );
        let text = format!("# {}\n{text}", story.memory.asked.load(Ordering::Relaxed));
        std::fs::write(story.running.folder.path().join("release.yaml"), text).unwrap();
        story.running.controller.reload().await.unwrap();
    }
    let other = story.memory.asked.load(Ordering::Relaxed);
    assert!(other >= 1);
}

#[tokio::test]
async fn a_registry_that_is_away_is_not_an_unsigned_image() {
    let story = Story::begin("enforce").await;
    let review = review("CREATE", &pod(&[&story.pinned()]), None);
    let cause = Undecided::Registry {
        image: REPOSITORY.to_owned(),
        detail: "503".to_owned(),
    };
    story.memory.set_away(Some(cause));
    let answer = story.running.ask("/validations", &review).await;
    assert_eq!(answer["allowed"], false);
    assert!(message(&answer).contains("503"), "{answer}");
    assert!(
        !message(&answer).contains("no signatures found"),
        "{answer}"
    );
    // Tags are left as they are, and the user is told why.
    let tagged = crate::harness::review("CREATE", &pod(&[&format!("{REPOSITORY}:1")]), None);
    let answer = story.running.ask("/mutations", &tagged).await;
    assert_eq!(answer["allowed"], true);
    assert_eq!(answer["patch"], Value::Null);
    assert!(
        answer["warnings"][0].as_str().unwrap().contains("503"),
        "{answer}"
    );
    // Nothing of this is remembered.
    story.memory.set_away(None);
    let answer = story.running.ask("/validations", &review).await;
    assert_eq!(answer["allowed"], true, "{answer}");
    // What was judged is, whatever becomes of the registry.
    story.memory.set_away(Some(Undecided::Deadline));
    assert_eq!(
        story.running.ask("/validations", &review).await["allowed"],
        true
    );
}

#[tokio::test]
async fn every_place_of_a_pod_is_looked_at() {
    let story = Story::begin("enforce").await;
    let bad = format!("{REPOSITORY}@{}", Digest::sha256_of(b"unsigned"));
    let good = story.pinned();
    for (field, entry, path) in [
        (
            "initContainers",
            json!({ "name": "i", "image": bad }),
            "spec.initContainers[0].image",
        ),
        (
            "ephemeralContainers",
            json!({ "name": "e", "image": bad }),
            "spec.ephemeralContainers[0].image",
        ),
        (
            "volumes",
            json!({ "name": "v", "image": { "reference": bad } }),
            "spec.volumes[0].image.reference",
        ),
    ] {
        let mut object = pod(&[&good]);
        assert_eq!(
            story
                .running
                .ask("/validations", &review("CREATE", &object, None))
                .await["allowed"],
            true
        );
        object["spec"][field] = json!([entry]);
        let answer = story
            .running
            .ask(
                "/validations",
                &review("UPDATE", &object, Some(&pod(&[&good]))),
            )
            .await;
        assert_eq!(answer["allowed"], false, "{field}");
        assert!(
            message(&answer).contains(&format!("release: {path}\n")),
            "{answer}"
        );
    }
    // One entry for an image in two places.
    let answer = story
        .running
        .ask(
            "/validations",
            &review("CREATE", &pod(&[&bad, &good, &bad]), None),
        )
        .await;
    let place = "failed policy: release: spec.containers[0].image, spec.containers[2].image\n";
    assert!(message(&answer).contains(place), "{answer}");
    // A pod without images has nothing to refuse; one with an image that is none has.
    let answer = story
        .running
        .ask(
            "/validations",
            &review("CREATE", &pod(&["", "UPPER/case"]), None),
        )
        .await;
    assert_eq!(answer["allowed"], false);
    for place in ["spec.containers[0].image", "spec.containers[1].image"] {
        assert!(message(&answer).contains(place), "{answer}");
    }
}

#[tokio::test]
async fn only_tags_are_replaced_and_only_where_they_may_be() {
    let story = Story::begin("enforce").await;
    let tag = format!("{REPOSITORY}:1");
    let mut object = pod(&[
        &tag,
        &story.pinned(),
        &format!("{REPOSITORY}@{}", story.signed),
        "UPPER",
        &tag,
    ]);
    object["spec"]["initContainers"] = json!([{ "name": "i", "image": tag }]);
    object["spec"]["ephemeralContainers"] = json!([{ "name": "e", "image": tag }]);
    object["spec"]["volumes"] = json!([{ "name": "v", "image": { "reference": tag } }]);
    let mut asked = review("CREATE", &object, None);
    let answer = story.running.ask("/mutations", &asked).await;
    let mut expected = object.clone();
    for pointer in [
        "/spec/containers/0/image",
        "/spec/containers/4/image",
        "/spec/initContainers/0/image",
        "/spec/volumes/0/image/reference",
    ] {
        *expected.pointer_mut(pointer).unwrap() = story.pinned().into();
    }
    let stored = patched(&object, &answer);
    assert_eq!(stored, expected);
    // Asked again, there is nothing left to do.
    let again = story
        .running
        .ask("/mutations", &review("UPDATE", &stored, Some(&stored)))
        .await;
    assert_eq!(patched(&stored, &again), stored);
    // kubectl debug may change ephemeral containers and nothing else.
    asked["request"]["subResource"] = "ephemeralcontainers".into();
    let answer = story.running.ask("/mutations", &asked).await;
    let mut expected = object.clone();
    expected["spec"]["ephemeralContainers"][0]["image"] = story.pinned().into();
    assert_eq!(patched(&object, &answer), expected);
    // Short names get their long form.
    story.memory.tag("nginx", Digest::sha256_of(b"nginx"));
    let object = pod(&["nginx"]);
    let answer = story
        .running
        .ask("/mutations", &review("CREATE", &object, None))
        .await;
    let nginx = format!(
        "index.docker.io/library/nginx:latest@{}",
        Digest::sha256_of(b"nginx")
    );
    assert_eq!(
        patched(&object, &answer)["spec"]["containers"][0]["image"],
        nginx
    );
}

#[tokio::test]
async fn what_shrinks_or_leaves_is_let_go_but_not_with_another_image() {
    let story = Story::begin("enforce").await;
    let bad = format!("{REPOSITORY}@{}", Digest::sha256_of(b"unsigned"));
    let worse = format!("{REPOSITORY}@{}", Digest::sha256_of(b"worse"));
    let ask = |new: Value, old: Value| {
        let review = review("UPDATE", &new, Some(&old));
        let running = &story.running;
        async move { running.ask("/validations", &review).await["allowed"] == true }
    };
    assert!(ask(deployment(1, &bad), deployment(2, &bad)).await);
    assert!(!ask(deployment(1, &worse), deployment(2, &bad)).await);
    assert!(!ask(deployment(2, &bad), deployment(1, &bad)).await);
    assert!(!ask(deployment(2, &bad), deployment(2, &bad)).await);
    assert!(!ask(deployment(1, &bad), json!(null)).await);
    let leaving = |image: &str| {
        let mut pod = pod(&[image]);
        pod["metadata"]["deletionTimestamp"] = "2026-11-23T19:02:22Z".into();
        pod
    };
    assert!(ask(leaving(&bad), leaving(&bad)).await);
    assert!(!ask(leaving(&worse), leaving(&bad)).await);
    // Saying so of oneself does not help: it must have been so before.
    assert!(!ask(leaving(&bad), pod(&[&bad])).await);
    let mut created = review("CREATE", &leaving(&bad), None);
    assert_eq!(
        story.running.ask("/validations", &created).await["allowed"],
        false
    );
    for (operation, sub_resource) in [("DELETE", ""), ("CONNECT", ""), ("UPDATE", "status")] {
        created["request"]["operation"] = operation.into();
        created["request"]["subResource"] = sub_resource.into();
        for path in ["/validations", "/mutations"] {
            let answer = story.running.ask(path, &created).await;
            assert_eq!(
                (&answer["allowed"], &answer["patch"]),
                (&json!(true), &json!(null))
            );
        }
    }
}

#[tokio::test]
async fn a_dry_run_is_judged_as_if_it_were_none() {
    let story = Story::begin("enforce").await;
    for (image, allowed) in [
        (story.pinned(), true),
        (format!("{REPOSITORY}@{}", Digest::sha256_of(b"x")), false),
    ] {
        let mut asked = review("CREATE", &pod(&[&image]), None);
        asked["request"]["dryRun"] = true.into();
        assert_eq!(
            story.running.ask("/validations", &asked).await["allowed"],
            allowed
        );
    }
}

#[tokio::test]
async fn an_object_of_a_strange_shape_hides_no_image() {
    let story = Story::begin("enforce").await;
    let bad = format!("{REPOSITORY}@{}", Digest::sha256_of(b"unsigned"));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut object = pod(&[&bad]);
        change(&mut object);
        review("CREATE", &object, None)
    };
    for asked in [
        with(&|object| object["spec"]["containers"] = json!({ "0": { "image": bad } })),
        with(&|object| object["spec"]["containers"] = json!([bad])),
        with(&|object| object["spec"]["containers"][0]["image"] = json!([bad])),
        with(&|object| object["spec"] = json!(null)),
        with(&|object| *object = json!({ "apiVersion": "v1", "kind": "Pod" })),
    ] {
        for path in ["/validations", "/mutations"] {
            let answer = story.running.ask(path, &asked).await;
            assert_eq!(answer["allowed"], false, "{path} {asked}");
        }
    }
    let mut asked = with(&|_| {});
    asked["request"]["object"] = json!(null);
    assert_eq!(
        story.running.ask("/validations", &asked).await["allowed"],
        false
    );
}

#[tokio::test]
async fn images_without_a_policy_are_refused_by_name() {
    let story = Story::begin("enforce").await;
    let image = format!("elsewhere.example/app@{}", Digest::sha256_of(b"a"));
    let answer = story
        .running
        .ask("/validations", &review("CREATE", &pod(&[&image]), None))
        .await;
    let expected =
        format!("validation failed: no matching policies: spec.containers[0].image\n{image}");
    assert_eq!(message(&answer), expected);
}
