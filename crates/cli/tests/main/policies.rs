//! `policy test` and `controller`: the same engine without and with a socket.

use std::process::Child;

use crate::harness::{Run, Services, run, serve, small_image, write};

fn policy(images: &str, mode: &str, authority: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: p\nspec:\n  \
         mode: {mode}\n  images:\n  - glob: \"{images}\"\n  authorities:\n  - {authority}\n"
    )
}

const PASS: &str = "static:\n      action: pass";
const FAIL: &str = "static:\n      action: fail";

fn test_policy(services: &Services, text: &str, image: &str) -> Run {
    let file = write(services.path(), "policy.yaml", text);
    services.run(&["policy", "test", "--policy", &file, "--image", image])
}

#[test]
fn a_fixed_answer_is_the_answer() {
    let services = Services::start();
    let image = services.image("shop/cart:1.0");
    let layout = small_image(services.path(), "layout", "cart")
        .display()
        .to_string();
    services
        .run(&["debug", "push-image", "--layout", &layout, &image])
        .exits(0);
    let passes = test_policy(&services, &policy("**", "enforce", PASS), &image).exits(0);
    assert_eq!(passes.stdout, "");
    let fails = test_policy(&services, &policy("**", "enforce", FAIL), &image).exits(1);
    assert_eq!(fails.json()["warnings"], serde_json::json!([]));
    fails.says(&["error[S0602]", "failed policy: p"]);
    test_policy(&services, &policy("**", "warn", FAIL), &image)
        .exits(0)
        .says(&["failed policy: p"]);
    let other = policy("registry.example/**", "enforce", PASS);
    test_policy(&services, &other, &image)
        .exits(1)
        .says(&["is uncovered by policy"]);
}

#[test]
fn a_policy_that_is_wrong_is_told_where() {
    let services = Services::start();
    let image = services.image("shop/cart:1.0");
    let unknown = policy("**", "enforce", PASS).replace("  mode:", "  moda: x\n  mode:");
    test_policy(&services, &unknown, &image).exits(64).says(&[
        "error[S0601]",
        "policy.yaml",
        "moda",
    ]);
    let broken = "name: a\n    key:\n      data: |\n        no key";
    test_policy(&services, &policy("**", "enforce", broken), &image)
        .exits(64)
        .says(&["error[S0601]", "policy.yaml"]);
    test_policy(&services, "a: [", &image)
        .exits(64)
        .says(&["error[S0601]", "policy.yaml"]);
}

#[test]
fn a_controller_refuses_a_folder_with_a_broken_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("policies")).expect("a folder");
    write(
        folder.path(),
        "policies/a.yaml",
        policy("**", "enforce", PASS).replace("glob", "blob"),
    );
    let words = [
        "controller",
        "--policies",
        "policies",
        "--listen",
        "127.0.0.1:0",
    ];
    run(folder.path(), &words)
        .exits(64)
        .says(&["error[S0601]", "a.yaml", "blob"]);
    let words = [
        "controller",
        "--policies",
        "absent",
        "--listen",
        "127.0.0.1:0",
    ];
    run(folder.path(), &words).exits(2).says(&["absent"]);
}

#[test]
fn a_controller_says_where_it_listens_and_stops_cleanly() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("policies")).expect("a folder");
    write(
        folder.path(),
        "policies/a.yaml",
        policy("**", "enforce", PASS),
    );
    let words = [
        "controller",
        "--policies",
        "policies",
        "--listen",
        "127.0.0.1:0",
        "--ca-file",
        "ca.pem",
        "-o",
        "json",
    ];
    let (child, facts) = serve(folder.path(), &words);
    assert!(
        facts["address"]
            .as_str()
            .expect("an address")
            .starts_with("127.0.0.1:")
    );
    let authority = std::fs::read_to_string(folder.path().join("ca.pem")).expect("the authority");
    assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(terminate(child), 0);
}

fn terminate(mut child: Child) -> i32 {
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it runs");
    child.wait().expect("it ends").code().unwrap_or(-1)
}
