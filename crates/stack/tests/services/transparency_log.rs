use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::signer::{
    Signer, dsse, envelope, hashedrekord, intoto_v1, intoto_v2, sha256, sha256_hex,
};
use super::{Running, refused, start};

const ENTRIES: &str = "/api/v1/log/entries";

/// Logs a fresh signature over `artifact`; gives the identifier and the entry.
async fn log(running: &Running, signer: &Signer, artifact: &[u8]) -> (String, Value) {
    let proposal = hashedrekord(artifact, &signer.sign(artifact), &signer.public_pem());
    let response = running.post(ENTRIES, &proposal).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    single(response.json().await.unwrap())
}

fn single(answer: Value) -> (String, Value) {
    let map = answer.as_object().unwrap();
    assert_eq!(map.len(), 1);
    let (id, entry) = map.iter().next().unwrap();
    (id.clone(), entry.clone())
}

/// Checks all that an entry promises, with nothing but the log's public key.
async fn check(running: &Running, id: &str, entry: &Value) {
    let pem = running
        .get("/api/v1/log/publicKey")
        .await
        .text()
        .await
        .unwrap();
    let key = pem::parse(pem).unwrap().into_contents();
    assert_eq!(entry["logID"], sha256_hex(&key));
    let verify = |message: &[u8], signature: &[u8]| {
        // The last 65 bytes of a P-256 key in DER are its point.
        let point = &key[key.len() - 65..];
        let algorithm = &aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1;
        aws_lc_rs::signature::UnparsedPublicKey::new(algorithm, point)
            .verify(message, signature)
            .unwrap();
    };
    // Signed entry timestamp, over the canonical JSON written out by hand.
    let promise = format!(
        r#"{{"body":{},"integratedTime":{},"logID":{},"logIndex":{}}}"#,
        entry["body"], entry["integratedTime"], entry["logID"], entry["logIndex"]
    );
    let set = entry["verification"]["signedEntryTimestamp"]
        .as_str()
        .unwrap();
    verify(promise.as_bytes(), &STANDARD.decode(set).unwrap());

    // Inclusion, by RFC 9162 §2.1.3.2.
    let body = STANDARD.decode(entry["body"].as_str().unwrap()).unwrap();
    let mut hash = sha256(&[&[0], body.as_slice()].concat());
    assert!(id.ends_with(&hex::encode(&hash)) && id.len() == 80);
    let proof = &entry["verification"]["inclusionProof"];
    let (mut position, mut last) = (
        proof["logIndex"].as_u64().unwrap(),
        proof["treeSize"].as_u64().unwrap() - 1,
    );
    for step in proof["hashes"].as_array().unwrap() {
        let step = hex::decode(step.as_str().unwrap()).unwrap();
        if position % 2 == 1 || position == last {
            hash = sha256(&[&[1], step.as_slice(), &hash].concat());
            while position.is_multiple_of(2) && position != 0 {
                (position, last) = (position >> 1, last >> 1);
            }
        } else {
            hash = sha256(&[&[1], hash.as_slice(), &step].concat());
        }
        (position, last) = (position >> 1, last >> 1);
    }
    assert_eq!(last, 0);
    assert_eq!(proof["rootHash"], hex::encode(&hash));

    // The checkpoint signs that root under a name without a port.
    let note = proof["checkpoint"].as_str().unwrap();
    let (text, signature) = note.split_once("\n\n").unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("127.0.0.1 - "), "{note}");
    assert_eq!(lines[1], proof["treeSize"].to_string());
    assert_eq!(lines[2], STANDARD.encode(&hash));
    let signature = signature.strip_prefix("\u{2014} 127.0.0.1 ").unwrap();
    let signature = STANDARD.decode(signature.trim_end()).unwrap();
    assert_eq!(signature[..4], sha256(&key)[..4]);
    verify(format!("{text}\n").as_bytes(), &signature[4..]);
}

#[tokio::test]
async fn a_signature_is_logged_with_all_its_proofs() {
    let running = start().await;
    let signer = Signer::p256();
    for number in 0..7 {
        let (id, entry) = log(&running, &signer, format!("artifact {number}").as_bytes()).await;
        assert_eq!(entry["logIndex"], number);
        check(&running, &id, &entry).await;
    }
    // An old entry in the grown tree, by all the ways to ask.
    let by_index = running.get_json(&format!("{ENTRIES}?logIndex=2")).await;
    let (id, entry) = single(by_index);
    assert_eq!(entry["verification"]["inclusionProof"]["treeSize"], 7);
    check(&running, &id, &entry).await;
    for name in [id.as_str(), &id[16..]] {
        let (found, entry) = single(running.get_json(&format!("{ENTRIES}/{name}")).await);
        assert_eq!(
            (found.as_str(), &entry["logIndex"]),
            (id.as_str(), &json!(2))
        );
    }
    let body = STANDARD.decode(entry["body"].as_str().unwrap()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let expected = hashedrekord(b"artifact 2", b"", &signer.public_pem());
    assert_eq!(body["spec"]["data"], expected["spec"]["data"]);

    let info = running.get_json("/api/v1/log").await;
    assert_eq!(info["treeSize"], 7);
    assert_eq!(
        info["treeID"].as_str().unwrap().parse(),
        u64::from_str_radix(&id[..16], 16)
    );
    let proof = running
        .get_json("/api/v1/log/proof?firstSize=4&lastSize=7")
        .await;
    assert_eq!(proof["rootHash"], info["rootHash"]);
    assert_eq!(proof["hashes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn bodies_are_canonical() {
    let running = start().await;
    let signer = Signer::p256();
    // Odd but equal input: digest in capitals, PEM without line breaks at 64.
    let signature = signer.sign(b"artifact");
    let mut proposal = hashedrekord(b"artifact", &signature, &signer.public_pem());
    let digest = sha256_hex(b"artifact");
    proposal["spec"]["data"]["hash"]["value"] = digest.to_uppercase().into();
    proposal["extra"] = "ignored".into();
    let response = running.post(ENTRIES, &proposal).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let (_, entry) = single(response.json().await.unwrap());
    let expected = format!(
        r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{digest}"}}}},"signature":{{"content":"{}","publicKey":{{"content":"{}"}}}}}}}}"#,
        STANDARD.encode(&signature),
        STANDARD.encode(signer.public_pem()),
    );
    assert_eq!(
        STANDARD.decode(entry["body"].as_str().unwrap()).unwrap(),
        expected.as_bytes()
    );
}

#[tokio::test]
async fn envelopes_are_logged_by_their_hashes() {
    let running = start().await;
    let (first, second) = (Signer::p256(), Signer::p384());
    let payload = br#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"i","digest":{"sha256":"AB12"}}]}"#;
    let mut signed = envelope(&first, payload);
    let more = envelope(&second, payload)["signatures"][0].clone();
    signed["signatures"].as_array_mut().unwrap().push(more);
    let proposal = dsse(&signed, &[&first.public_pem(), &second.public_pem()]);
    let response = running.post(ENTRIES, &proposal).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let (id, entry) = single(response.json().await.unwrap());
    check(&running, &id, &entry).await;
    let body = STANDARD.decode(entry["body"].as_str().unwrap()).unwrap();
    let spec = serde_json::from_slice::<Value>(&body).unwrap()["spec"].clone();
    assert_eq!(spec["payloadHash"]["value"], sha256_hex(payload));
    assert_eq!(
        spec["envelopeHash"]["value"],
        sha256_hex(signed.to_string().as_bytes())
    );
    let logged: Vec<&str> = spec["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signature| signature["signature"].as_str().unwrap())
        .collect();
    assert!(
        logged.len() == 2 && logged[0] < logged[1],
        "sorted by signature"
    );

    for query in [
        json!({"hash": "sha256:ab12"}),
        json!({"hash": sha256_hex(payload)}),
        json!({"publicKey": {"format": "x509", "content": STANDARD.encode(second.public_pem())}}),
        json!({"hash": sha256_hex(payload), "email": "nobody@example.com", "operator": "or"}),
    ] {
        let response = running.post("/api/v1/index/retrieve", &query).await;
        let found: Value = response.json().await.unwrap();
        assert_eq!(found, json!([id]), "{query}");
    }
    let query = json!({"hash": sha256_hex(payload), "email": "nobody@example.com"});
    let found: Value = running
        .post("/api/v1/index/retrieve", &query)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(found, json!([]));
}

#[tokio::test]
async fn envelopes_of_older_clients_are_logged() {
    let running = start().await;
    let signer = Signer::p256();
    let payload = br#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"i","digest":{"sha256":"cd34"}}]}"#;
    let signed = envelope(&signer, payload);
    let pem = signer.public_pem();
    let mut ids = Vec::new();
    for proposal in [intoto_v1(&signed, &pem), intoto_v2(&signed, &pem)] {
        let response = running.post(ENTRIES, &proposal).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let (id, entry) = single(response.json().await.unwrap());
        check(&running, &id, &entry).await;
        let body = STANDARD.decode(entry["body"].as_str().unwrap()).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["apiVersion"], proposal["apiVersion"]);
        let content = &body["spec"]["content"];
        // What was computed, not what was claimed; and the payload is not kept.
        assert_eq!(content["payloadHash"]["value"], sha256_hex(payload));
        assert_eq!(
            content["hash"]["value"],
            sha256_hex(signed.to_string().as_bytes())
        );
        assert_eq!(content.pointer("/envelope/payload"), None);
        ids.push(id);
    }
    for query in [
        json!({"hash": "sha256:cd34"}),
        json!({"publicKey": {"format": "x509", "content": STANDARD.encode(&pem)}}),
    ] {
        let response = running.post("/api/v1/index/retrieve", &query).await;
        let found: Value = response.json().await.unwrap();
        assert_eq!(found, json!(ids), "{query}");
    }
}

#[tokio::test]
async fn an_entry_is_logged_once() {
    let running = start().await;
    let signer = Signer::p256();
    let proposal = hashedrekord(b"artifact", &signer.sign(b"artifact"), &signer.public_pem());
    let response = running.post(ENTRIES, &proposal).await;
    let id = response.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["location"], format!("{ENTRIES}/{id}"));

    let response = running.post(ENTRIES, &proposal).await;
    assert_eq!(response.headers()["location"], format!("{ENTRIES}/{id}"));
    let message = refused(response, StatusCode::CONFLICT).await;
    assert!(message.contains(&id), "{message}");
    assert_eq!(running.get_json("/api/v1/log").await["treeSize"], 1);

    for (expected, query) in [
        (
            3,
            json!({"entryUUIDs": [id], "logIndexes": [0, 9], "entries": [proposal]}),
        ),
        // As cosign looks for the entry of a signature that came without a bundle.
        (
            1,
            json!({"entryUUIDs": null, "logIndexes": null, "entries": [proposal]}),
        ),
    ] {
        let response = running.post("/api/v1/log/entries/retrieve", &query).await;
        let found: Value = response.json().await.unwrap();
        assert_eq!(found.as_array().unwrap().len(), expected);
    }
}

#[tokio::test]
async fn entries_that_are_not_right_are_refused() {
    let running = start().await;
    let (signer, other) = (Signer::p256(), Signer::p256());
    let good = hashedrekord(b"artifact", &signer.sign(b"artifact"), &signer.public_pem());
    let change = |pointer: &str, value: Value| {
        let mut entry = good.clone();
        *entry.pointer_mut(pointer).unwrap() = value;
        entry
    };
    let encoded = |text: &str| json!(STANDARD.encode(text));
    let ed25519 = {
        use aws_lc_rs::signature::KeyPair;
        let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
        let mut der = hex::decode("302a300506032b6570032100").unwrap();
        der.extend(pair.public_key().as_ref());
        let signature = pair.sign(b"artifact");
        hashedrekord(
            b"artifact",
            signature.as_ref(),
            &super::signer::pem("PUBLIC KEY", &der),
        )
    };
    let signed = envelope(&signer, b"payload");
    let mut changed = signed.clone();
    changed["payload"] = encoded("other");
    let mut unsigned = signed.clone();
    unsigned["signatures"] = json!([]);
    let mut many = signed.clone();
    many["signatures"] = json!(vec![signed["signatures"][0].clone(); 11]);
    let change_v2 = |pointer: &str, value: Value| {
        let mut entry = intoto_v2(&signed, &signer.public_pem());
        let place = format!("/spec/content{pointer}");
        *entry.pointer_mut(&place).unwrap() = value;
        entry
    };
    for (expected, proposal) in [
        (
            "does not verify",
            change("/spec/data/hash/value", sha256_hex(b"other").into()),
        ),
        (
            "does not verify",
            change(
                "/spec/signature/publicKey/content",
                encoded(&other.public_pem()),
            ),
        ),
        (
            "does not verify",
            change("/spec/signature/content", encoded("junk")),
        ),
        (
            "data.hash.algorithm",
            change("/spec/data/hash/algorithm", "sha1".into()),
        ),
        (
            "data.hash.value",
            change("/spec/data/hash/value", "ab".into()),
        ),
        (
            "no public key",
            change("/spec/signature/publicKey/content", encoded("junk")),
        ),
        (
            "signature.content",
            change("/spec/signature/content", "!".into()),
        ),
        (
            "\"rekord\" version \"0.0.1\"",
            change("/kind", "rekord".into()),
        ),
        (
            "\"intoto\" version \"0.0.3\"",
            json!({"kind": "intoto", "apiVersion": "0.0.3", "spec": {}}),
        ),
        ("version \"0.0.2\"", change("/apiVersion", "0.0.2".into())),
        ("no JSON", json!("text")),
        ("no JSON", change("/spec", json!({}))),
        ("Ed25519", ed25519),
        (
            "none of the verifiers",
            dsse(&signed, &[&other.public_pem()]),
        ),
        (
            "none of the verifiers",
            dsse(&changed, &[&signer.public_pem()]),
        ),
        (
            "made none",
            dsse(&signed, &[&signer.public_pem(), &other.public_pem()]),
        ),
        ("between 1 and 10", dsse(&unsigned, &[&signer.public_pem()])),
        ("between 1 and 10", dsse(&many, &[&signer.public_pem()])),
        ("between 1 and 10", dsse(&signed, &[])),
        (
            "proposedContent.envelope",
            dsse(&json!("text"), &[&signer.public_pem()]),
        ),
        (
            "none of the verifiers",
            intoto_v1(&signed, &other.public_pem()),
        ),
        (
            "none of the verifiers",
            intoto_v2(&signed, &other.public_pem()),
        ),
        (
            "none of the verifiers",
            intoto_v1(&changed, &signer.public_pem()),
        ),
        (
            "none of the verifiers",
            intoto_v2(&changed, &signer.public_pem()),
        ),
        ("between 1 and 10", intoto_v1(&many, &signer.public_pem())),
        (
            "between 1 and 10",
            intoto_v1(&unsigned, &signer.public_pem()),
        ),
        (
            "content.envelope",
            intoto_v1(&json!("text"), &signer.public_pem()),
        ),
        ("content.hash", change_v2("/hash/value", json!("a story"))),
        (
            "content.hash",
            change_v2("/hash/algorithm", json!("sha512")),
        ),
        (
            "content.envelope.payload",
            // In base64 once, as it would be in an envelope.
            change_v2("/envelope/payload", signed["payload"].clone()),
        ),
        (
            "between 1 and 10",
            change_v2("/envelope/signatures", json!([])),
        ),
    ] {
        let message = refused(
            running.post(ENTRIES, &proposal).await,
            StatusCode::BAD_REQUEST,
        )
        .await;
        assert!(message.contains(expected), "{message} lacks {expected}");
    }
    assert_eq!(running.get_json("/api/v1/log").await["treeSize"], 0);
}

#[tokio::test]
async fn questions_without_an_answer_say_so() {
    let running = start().await;
    log(&running, &Signer::p256(), b"artifact").await;
    let zeros = "0".repeat(64);
    for (status, path) in [
        (StatusCode::NOT_FOUND, format!("{ENTRIES}?logIndex=1")),
        (StatusCode::NOT_FOUND, format!("{ENTRIES}/{zeros}")),
        (
            StatusCode::NOT_FOUND,
            format!("{ENTRIES}/{}{zeros}", "1".repeat(16)),
        ),
        (StatusCode::BAD_REQUEST, format!("{ENTRIES}/nothing")),
        (
            StatusCode::BAD_REQUEST,
            format!("{ENTRIES}/{}", "é".repeat(40)),
        ),
        (
            StatusCode::BAD_REQUEST,
            "/api/v1/log/proof?firstSize=2&lastSize=1".into(),
        ),
        (
            StatusCode::BAD_REQUEST,
            "/api/v1/log/proof?firstSize=1&lastSize=2".into(),
        ),
        (
            StatusCode::BAD_REQUEST,
            "/api/v1/log/proof?firstSize=0&lastSize=1".into(),
        ),
        (
            StatusCode::NOT_FOUND,
            "/api/v1/log/publicKey?treeID=5".into(),
        ),
        (StatusCode::NOT_FOUND, "/nothing".into()),
    ] {
        refused(running.get(&path).await, status).await;
    }
    for (path, query) in [
        ("/api/v1/log/entries/retrieve", json!({})),
        (
            "/api/v1/log/entries/retrieve",
            json!({"entryUUIDs": null, "logIndexes": null, "entries": null}),
        ),
        (
            "/api/v1/log/entries/retrieve",
            json!({"logIndexes": [0,1,2,3,4,5,6,7,8,9,10]}),
        ),
        ("/api/v1/index/retrieve", json!({})),
        (
            "/api/v1/index/retrieve",
            json!({"hash": zeros, "operator": "xor"}),
        ),
        (
            "/api/v1/index/retrieve",
            json!({"publicKey": {"format": "pgp"}}),
        ),
    ] {
        refused(running.post(path, &query).await, StatusCode::BAD_REQUEST).await;
    }
}

#[tokio::test]
async fn many_writers_get_each_a_place_of_its_own() {
    let running = std::sync::Arc::new(start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..64 {
        let running = std::sync::Arc::clone(&running);
        tasks.spawn(async move {
            let artifact = format!("artifact {number}");
            log(&running, &Signer::p256(), artifact.as_bytes()).await
        });
    }
    let mut places = std::collections::BTreeSet::new();
    while let Some(done) = tasks.join_next().await {
        let (id, entry) = done.unwrap();
        check(&running, &id, &entry).await;
        places.insert(entry["logIndex"].as_u64().unwrap());
    }
    assert_eq!(places, (0..64).collect());
}

#[tokio::test]
async fn the_log_can_be_read_as_static_files() {
    let running = start().await;
    let signer = Signer::p256();
    let mut leaves = Vec::new();
    for number in 0..5 {
        let (_, entry) = log(&running, &signer, format!("artifact {number}").as_bytes()).await;
        leaves.push(STANDARD.decode(entry["body"].as_str().unwrap()).unwrap());
    }
    let base = "/api/v1/log/static";
    let note = running
        .get(&format!("{base}/checkpoint"))
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        note,
        running.get_json("/api/v1/log").await["signedTreeHead"]
    );
    let tile = running
        .get(&format!("{base}/tile/0/000.p/5"))
        .await
        .bytes()
        .await
        .unwrap();
    let hashes: Vec<u8> = leaves
        .iter()
        .flat_map(|leaf| sha256(&[&[0], leaf.as_slice()].concat()))
        .collect();
    assert_eq!(tile, hashes);
    let bundle = running
        .get(&format!("{base}/tile/entries/000.p/3"))
        .await
        .bytes()
        .await
        .unwrap();
    let mut expected = Vec::new();
    for leaf in &leaves[..3] {
        expected.extend(u16::try_from(leaf.len()).unwrap().to_be_bytes());
        expected.extend(leaf);
    }
    assert_eq!(bundle, expected);
    // Beyond the checkpoint, and every other spelling of what there is.
    for path in [
        "tile/0/000",
        "tile/0/000.p/6",
        "tile/0/000.p/0",
        "tile/0/000.p/05",
        "tile/1/000.p/1",
        "tile/0/0.p/5",
        "tile/0/x000/000.p/5",
        "tile/00/000.p/5",
        "tile/8/000",
        "tile/entries/001",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/",
        "tile/-1/000",
        "tile/0/000.p/256",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        refused(
            running.get(&format!("{base}/{path}")).await,
            StatusCode::NOT_FOUND,
        )
        .await;
    }
    let certificates = running.get("/ct/checkpoint").await.text().await.unwrap();
    assert!(certificates.starts_with("127.0.0.1/ct\n0\n"));
}
