//! What was acknowledged is there after a kill and a restart.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use countersign_artifact::Digest;
use countersign_stack::registry::Registry;
use reqwest::StatusCode;

use super::{Served, client, header};

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let upload = registry.begin("a").await;
    registry.patch(&upload).body("first ").send().await.unwrap();
    registry.stop().await;

    let registry = Served::new(folder.path()).await;
    let status = registry.get(&upload).send().await.unwrap();
    assert_eq!(header(&status, "range").as_deref(), Some("0-5"));
    let digest = Digest::sha256_of(b"first second");
    let put = registry.put(&format!("{upload}?digest={digest}"));
    let put = put
        .header("content-range", "6-11")
        .body("second")
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn everything_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = ServingChild::start(folder.path());
    let mut acknowledged = Vec::new();
    // Several writers at once, so that the kill falls between the steps of some of them.
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        writers.spawn(push_until_killed(child.base.clone(), writer));
    }
    let first = writers.spawn(push_some(child.base.clone(), 30));
    while let Some(done) = writers.join_next_with_id().await {
        let (id, pushed) = done.unwrap();
        if id == first.id() {
            child.kill();
        }
        acknowledged.extend(pushed);
    }
    assert!(acknowledged.len() > 30, "{}", acknowledged.len());

    let registry = Served::new(folder.path()).await;
    for (name, digest) in acknowledged {
        let blob = registry
            .get(&format!("/v2/{name}/blobs/{digest}"))
            .send()
            .await
            .unwrap();
        assert_eq!(blob.status(), StatusCode::OK, "{name} {digest}");
        assert_eq!(Digest::sha256_of(&blob.bytes().await.unwrap()), digest);
    }
}

/// Not a test of its own: the process that [`ServingChild`] starts and kills.
#[tokio::test]
async fn serving_child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let registry = Registry::open(Path::new(&folder)).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\n{READY}{}", listener.local_addr().unwrap());
    axum::serve(listener, registry.router()).await.unwrap();
}

struct ServingChild {
    process: Child,
    base: String,
}

impl ServingChild {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "registry::durability::serving_child",
                "--nocapture",
            ])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix(READY).map(str::to_owned))
            .expect("the child says where it listens");
        Self {
            process,
            base: format!("http://{address}"),
        }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for ServingChild {
    fn drop(&mut self) {
        // The test may have failed before it killed the child.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn push_some(base: String, count: usize) -> Vec<(String, Digest)> {
    let mut pushed = Vec::new();
    for number in 0..count {
        pushed.push(
            push(&base, "first".to_owned(), number)
                .await
                .expect("nobody kills yet"),
        );
    }
    pushed
}

async fn push_until_killed(base: String, writer: usize) -> Vec<(String, Digest)> {
    let mut pushed = Vec::new();
    for number in 0.. {
        match push(&base, format!("writer{writer}"), number).await {
            Some(done) => pushed.push(done),
            None => break,
        }
    }
    pushed
}

async fn push(base: &str, name: String, number: usize) -> Option<(String, Digest)> {
    let bytes = format!("{name} {number} ").repeat(1_000).into_bytes();
    let digest = Digest::sha256_of(&bytes);
    let url = format!("{base}/v2/{name}/blobs/uploads/?digest={digest}");
    let answer = client().post(url).body(bytes).send().await.ok()?;
    assert_eq!(answer.status(), StatusCode::CREATED);
    Some((name, digest))
}

const FOLDER: &str = "COUNTERSIGN_TEST_REGISTRY_FOLDER";
const READY: &str = "registry listens on ";
