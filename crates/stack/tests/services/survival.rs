//! What was acknowledged is there after a kill and a restart.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use countersign_stack::{Endpoints, Stack};
use serde_json::Value;

use super::signer::{Signer, hashedrekord};
use super::{Running, options};

/// Set for the child alone; its value is the data folder.
const CHILD: &str = "COUNTERSIGN_TEST_STACK_FOLDER";

/// Serves until it is killed, when this test program is started as a child. Alone it does nothing.
#[tokio::test]
async fn child_that_serves_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let _stack = Stack::start(options(folder.as_ref())).await.unwrap();
    println!("\nREADY");
    std::future::pending::<()>().await;
}

/// A child serving `folder`, killed when dropped.
struct Serving(Child);

impl Serving {
    fn start(folder: &std::path::Path) -> Serving {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["services::survival::child_that_serves_until_it_is_killed"])
            .args(["--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.any(|line| line.unwrap() == "READY");
        assert!(ready, "the child did not start");
        Serving(child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut acknowledged: Vec<(String, Value)> = Vec::new();
    let mut certificates = 0;
    for round in 0..3 {
        let serving = Serving::start(dir.path());
        let endpoints = Endpoints::read(dir.path()).unwrap();
        let entries = format!("{}/api/v1/log/entries", endpoints.rekor);
        // Several writers, so that the kill falls into some transaction.
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..4 {
            let (client, entries) = (client.clone(), entries.clone());
            writers.spawn(async move {
                let signer = Signer::p256();
                let mut done = Vec::new();
                for number in 0.. {
                    let artifact = format!("{round} {writer} {number}");
                    let artifact = artifact.as_bytes();
                    let proposal =
                        hashedrekord(artifact, &signer.sign(artifact), &signer.public_pem());
                    let Ok(response) = client.post(&entries).json(&proposal).send().await else {
                        break;
                    };
                    let Ok(Value::Object(answer)) = response.json().await else {
                        break;
                    };
                    done.extend(answer);
                }
                done
            });
        }
        let email = "ada@example.com";
        let token = countersign_stack::token::email(dir.path(), email).unwrap();
        for _ in 0..4 {
            let body = Signer::p256().certificate_request(&token, email);
            let url = format!("{}/api/v2/signingCert", endpoints.fulcio);
            let response = client.post(url).json(&body).send().await.unwrap();
            assert!(response.status().is_success());
            certificates += 1;
        }
        drop(serving);
        while let Some(done) = writers.join_next().await {
            acknowledged.extend(done.unwrap());
        }
    }
    assert!(acknowledged.len() >= 6, "{} entries", acknowledged.len());

    let stack = Stack::start(options(dir.path())).await.unwrap();
    let running = Running { stack, dir, client };
    for (id, before) in &acknowledged {
        let after = running.get_json(&format!("/api/v1/log/entries/{id}")).await;
        let after = &after[id.as_str()];
        for field in ["body", "integratedTime", "logID", "logIndex"] {
            assert_eq!(after[field], before[field], "{id}");
        }
    }
    // No checkpoint that was given out is contradicted: each is a beginning of the tree of now.
    let size = running.get_json("/api/v1/log").await["treeSize"]
        .as_u64()
        .unwrap();
    assert!(size >= acknowledged.len() as u64);
    for (_, before) in &acknowledged {
        let proof = &before["verification"]["inclusionProof"];
        let old = proof["treeSize"].as_u64().unwrap();
        let path = format!("/api/v1/log/proof?firstSize=1&lastSize={old}");
        assert_eq!(running.get_json(&path).await["rootHash"], proof["rootHash"]);
    }
    let head = running.get_json("/ct/ct/v1/get-sth").await;
    assert!(head["tree_size"].as_u64().unwrap() >= certificates);
}
