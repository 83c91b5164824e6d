//! The verdicts of the real cosign 3.1.2 on everything that both versions of it signed, and ours beside
//! them: the same answer and the same JSON, or a reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use countersign_artifact::{Digest, ImageReference};
use countersign_client::image_source::Layout;
use countersign_client::key_source::KeySource;
use countersign_client::material::{Gathered, LayoutMaterial, Wanted};
use countersign_client::trust_root_source::TrustRootSource;
use countersign_client::verify_attestation::{AttestationQuestion, judge_attestations};
use countersign_client::verify_image::{SignatureKinds, judge_signatures};
use countersign_client::verify_rules::{
    CertificateLogRule, ClaimRule, LogRule, Rules, TimestampRule, WantedSigner,
};
use countersign_policy::expression::{Expression, ExpressionError, Language};
use countersign_policy::identity::{IdentityPattern, TextPattern, WorkflowClaims};
use countersign_trust::{Form, PredicateType, PublicKey, Timestamp, TrustRoot};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    verdicts: Vec<Verdict>,
}

#[derive(Deserialize)]
struct Verdict {
    check: String,
    version: String,
    argv: Vec<String>,
    exit: i32,
    stdout: String,
    stderr: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

/// A command line of cosign, as far as these fixtures use it.
#[derive(Default)]
struct Flags {
    values: BTreeMap<String, Vec<String>>,
    image: String,
}

impl Flags {
    fn read(argv: &[String]) -> Self {
        let mut flags = Self::default();
        let mut words = argv[2..].iter();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix('-') else {
                flags.image.clone_from(word);
                continue;
            };
            let flag = flag.trim_start_matches('-');
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None if SWITCHES.contains(&flag) => (flag, "true".to_owned()),
                None => (flag, words.next().unwrap().clone()),
            };
            flags.values.entry(name.to_owned()).or_default().push(value);
        }
        flags
    }

    fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    fn one(&self, name: &str) -> &str {
        self.all(name).last().map_or("", String::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.one(name) == value
    }
}

const SWITCHES: [&str; 5] = [
    "insecure-ignore-tlog",
    "insecure-ignore-sct",
    "offline",
    "use-signed-timestamps",
    "experimental-oci11",
];

/// What we say: the lines for standard output, or why not.
type Answer = Result<String, String>;

struct Judge {
    signing: PathBuf,
    root: Option<TrustRoot>,
    key: Option<PublicKey>,
    identities: Vec<IdentityPattern>,
}

impl Judge {
    fn of(signing: &Path, flags: &Flags) -> Result<Self, String> {
        let signing = signing.to_owned();
        let root = match flags.one("trusted-root") {
            "" => None,
            path => {
                let source = TrustRootSource::File(signing.join(path));
                Some(source.load().map_err(|error| error.to_string())?)
            }
        };
        let key = match flags.one("key") {
            "" => None,
            path => {
                let source = KeySource::File(signing.join(path));
                Some(source.public_key().map_err(|error| error.to_string())?)
            }
        };
        let identities = match &key {
            Some(_) => Vec::new(),
            None => vec![identity(flags)?],
        };
        Ok(Self {
            signing,
            root,
            key,
            identities,
        })
    }

    fn rules(&self, flags: &Flags) -> Rules<'_> {
        let signer = match &self.key {
            Some(key) => WantedSigner::Key(key),
            None => WantedSigner::Identities(&self.identities),
        };
        let mut rules = Rules::strict(signer, self.root.as_ref());
        if flags.is("insecure-ignore-tlog", "true") {
            rules.log = LogRule::DangerouslyIgnored {
                now: Timestamp::now(),
            };
        }
        if flags.is("insecure-ignore-sct", "true") {
            rules.certificate_log = CertificateLogRule::DangerouslyIgnored;
        }
        if flags.is("use-signed-timestamps", "true") {
            rules.timestamp = TimestampRule::Required;
        }
        if flags.is("check-claims", "false") {
            rules.claims = ClaimRule::DangerouslyUnchecked;
        }
        for pairs in flags.all("a") {
            for pair in pairs.split(',') {
                // A pair that is quoted or none is the command line's business.
                if let Some((name, value)) = pair.split_once('=') {
                    rules.annotations.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        rules
    }

    fn gather(&self, flags: &Flags, layout: &Path, wanted: Wanted) -> Result<Gathered, String> {
        let layout = Layout::open(layout).map_err(|error| error.to_string())?;
        let image = ImageReference::parse(&flags.image).map_err(|error| error.to_string())?;
        let digest: Digest = match image.digest() {
            Some(digest) => *digest,
            None => {
                layout
                    .image(image.tag())
                    .map_err(|error| error.to_string())?
                    .digest
            }
        };
        let found = LayoutMaterial::new(&layout).of(&digest, wanted);
        let mut material = found.map_err(|error| error.to_string())?;
        if flags.is("new-bundle-format", "false") {
            material.retain(|one| one.form() == Form::Legacy);
        }
        Ok(Gathered {
            image: image.with_digest(digest),
            digest,
            material,
        })
    }

    fn verify(&self, flags: &Flags, layout: &Path) -> Answer {
        let gathered = self.gather(flags, layout, Wanted::Signatures)?;
        let asked = ImageReference::parse(&flags.image).unwrap();
        // cosign counts attestations. Where there is nothing else, so do we for once.
        let kinds = match layout.to_string_lossy().contains("/attest") {
            true => SignatureKinds::DangerouslyAttestationsToo,
            false => SignatureKinds::default(),
        };
        match judge_signatures(&asked, &gathered, &self.rules(flags), kinds) {
            Ok(verified) if flags.is("o", "text") => Ok(verified.cosign_text().join("\n")),
            Ok(verified) => Ok(verified.cosign_json()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn verify_attestation(&self, flags: &Flags, layout: &Path) -> Answer {
        let gathered = self.gather(flags, layout, Wanted::Attestations)?;
        let asked = ImageReference::parse(&flags.image).unwrap();
        let kind = match flags.one("type") {
            "" => "custom",
            kind => kind,
        };
        let kind = PredicateType::parse(kind).map_err(|error| error.to_string())?;
        let rules: Result<Vec<_>, _> = flags
            .all("policy")
            .iter()
            .map(|path| self.expression(path))
            .collect();
        let question = AttestationQuestion {
            predicate_type: &kind,
            rules: &rules?,
            now: Timestamp::now(),
        };
        match judge_attestations(&asked, &gathered, &self.rules(flags), question) {
            Ok(verified) => {
                let lines = verified.attestations.iter().map(|one| one.cosign_json());
                Ok(lines.collect::<Vec<_>>().join("\n"))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    fn expression(&self, path: &str) -> Result<Expression, String> {
        let text =
            fs::read_to_string(self.signing.join(path)).map_err(|error| error.to_string())?;
        let extension = path.rsplit('.').next().unwrap();
        let language = Language::parse(extension).ok_or("invalid policy format")?;
        Expression::compile_for_command_line(path, language, &text)
            .map_err(|error: ExpressionError| error.to_string())
    }
}

fn identity(flags: &Flags) -> Result<IdentityPattern, String> {
    let text = |what, exact, pattern| {
        TextPattern::compile(what, flags.one(exact), flags.one(pattern))
            .map_err(|error| error.to_string())
    };
    let claim = |name: &str| {
        let value = flags.one(&format!("certificate-github-workflow-{name}"));
        (!value.is_empty()).then(|| value.to_owned())
    };
    let subject = text(
        "subject",
        "certificate-identity",
        "certificate-identity-regexp",
    )?;
    let issuer = text(
        "issuer",
        "certificate-oidc-issuer",
        "certificate-oidc-issuer-regexp",
    )?;
    Ok(
        IdentityPattern::new(subject, issuer).with_workflow(WorkflowClaims {
            trigger: claim("trigger"),
            sha: claim("sha"),
            name: claim("name"),
            repository: claim("repository"),
            reference: claim("ref"),
        }),
    )
}

fn ours(signing: &Path, name: &str, verdict: &Verdict) -> Answer {
    let layout = &signing.join(name).join("layout");
    let flags = Flags::read(&verdict.argv);
    let judge = Judge::of(signing, &flags)?;
    match verdict.argv[1].as_str() {
        "verify" => judge.verify(&flags, layout),
        _ => judge.verify_attestation(&flags, layout),
    }
}

/// Every folder below `group` with a case, and its verdicts by cosign 3.1.2 on images.
fn cases(signing: &Path, group: &str) -> Vec<(String, Vec<Verdict>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(signing.join(group)).unwrap() {
        let path = entry.unwrap().path();
        let Ok(json) = fs::read(path.join("case.json")) else {
            continue;
        };
        let case: Case = serde_json::from_slice(&json).unwrap();
        let is_asked = |verdict: &Verdict| {
            let command = &verdict.argv[1];
            verdict.version == "v3.1.2"
                && verdict.env.is_empty()
                && (command == "verify" || command == "verify-attestation")
                && !verdict
                    .argv
                    .iter()
                    .any(|word| word.starts_with("--attachment"))
        };
        let name = format!("{group}/{}", path.file_name().unwrap().display());
        found.push((name, case.verdicts.into_iter().filter(is_asked).collect()));
    }
    found
}

#[test]
fn we_say_what_cosign_says() {
    let signing = crate::harness::signing().to_owned();
    let groups = [
        "signatures",
        "attestations",
        "keyless/images",
        "keyless/attestations",
        "attacks",
    ];
    let (mut judged, mut printed, mut on_purpose) = (0, 0, 0);
    let mut differences = BTreeSet::new();
    for (name, verdicts) in groups.into_iter().flat_map(|group| cases(&signing, group)) {
        for verdict in verdicts {
            judged += 1;
            let difference = match (ours(&signing, &name, &verdict), verdict.exit == 0) {
                (Ok(found), true) => {
                    printed += 1;
                    let same = match is_alike_to_the_byte(&name, &verdict) {
                        true => found == verdict.stdout.trim(),
                        false => normal(&found) == normal(&verdict.stdout),
                    };
                    (!same).then(|| format!("prints {found}\n  not {}", verdict.stdout))
                }
                (Ok(_), false) => Some(format!("accepts: {}", verdict.stderr)),
                (Err(error), true) => Some(format!("refuses: {error}")),
                (Err(_), false) => None,
            };
            let Some(difference) = difference else {
                continue;
            };
            match why_we_differ(&name, &verdict, &difference) {
                Some(_) => on_purpose += 1,
                None => {
                    differences.insert(format!("{name} [{}] {difference}", verdict.check));
                }
            }
        }
    }
    println!("judged {judged}, compared {printed} outputs, {on_purpose} differ on purpose");
    let shown: Vec<_> = differences.iter().map(String::as_str).collect();
    assert!(
        differences.is_empty(),
        "{} differences\n{}",
        differences.len(),
        shown.join("\n")
    );
    assert!(judged > 1100 && printed > 350, "{judged} {printed}");
}

/// Where we differ from cosign, and why. What is refused here is refused by careful clients; what is
/// accepted here is signed by whom it should be.
fn why_we_differ(name: &str, verdict: &Verdict, difference: &str) -> Option<&'static str> {
    let check = verdict.check.as_str();
    let (accepts, refuses) = (
        difference.starts_with("accepts"),
        difference.starts_with("refuses"),
    );
    let ends_with = |ends: &[&str]| ends.iter().any(|end| name.contains(end));
    let keyless = name.starts_with("keyless/");
    Some(match () {
        () if refuses && name.ends_with("_lax") => "careless: the name of the fixture says so",
        () if refuses && check.contains("signed-timestamps") && name.contains("legacy") => {
            "a timestamp that is required must be there"
        }
        () if refuses && check.ends_with("_ended") => "a party of the root was not in use then",
        () if accepts && keyless && check == "ignore-log" => {
            "the log need not be there; where it is its time counts, and the certificate is judged at it"
        }
        () if accepts && ends_with(&["-ed25519", "-p384", "-p521"]) => {
            "cosign cannot read what it signs with such keys"
        }
        () if accepts && name.ends_with("mixed-legacy-a-bundle-b") => "one form hides no other",
        () if accepts && name.ends_with("oci11-v2-experimental") => "everything there is, is read",
        () if accepts && name.starts_with("attestations/") && name.ends_with("-spdx") => {
            "a predicate may be text"
        }
        () if difference.starts_with("prints") && name.ends_with("-all-types") => {
            "a predicate may be text, so there is one more"
        }
        () if check == "malformed annotation" => "the command line's business",
        () if difference.starts_with("prints") && name.ends_with("two-sans") => {
            "which of two subjects is named"
        }
        () if verdict.stdout.contains("... [") => "the fixture is cut short",
        _ => return None,
    })
}

/// One signature is printed to the byte as cosign prints it.
fn is_alike_to_the_byte(name: &str, verdict: &Verdict) -> bool {
    let several = ["two-", "mixed", "twice"];
    verdict.argv[1] == "verify"
        && !name.contains("attest")
        && !several.iter().any(|word| name.contains(word))
        && !verdict.stdout.contains("RFC3161Timestamp")
}

/// The objects that were printed, in any order, without the timestamp (not printed by us) and the empty
/// key identifier of cosign 2.
fn normal(text: &str) -> Vec<String> {
    let lines = text.trim().lines();
    let mut objects: Vec<String> = lines
        .flat_map(|line| match serde_json::from_str(line) {
            Ok(Value::Array(objects)) => objects,
            Ok(object) => vec![object],
            Err(_) => vec![Value::from(line)],
        })
        .map(|mut object| {
            if let Some(optional) = object
                .pointer_mut("/optional")
                .and_then(Value::as_object_mut)
            {
                optional.remove("RFC3161Timestamp");
            }
            let signature = object
                .pointer_mut("/signatures/0")
                .and_then(Value::as_object_mut);
            if let Some(signature) = signature {
                signature.retain(|name, value| name != "keyid" || value != "");
            }
            object.to_string()
        })
        .collect();
    objects.sort();
    objects
}
