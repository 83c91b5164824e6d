//! Taking a signature or attestation away, or spoiling one, never lets more images in: every recorded case
//! again, with each piece of its material missing in turn.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_artifact::ImageReference;
use countersign_policy::{
    Decision, EvidenceSource, NoMatch, SignatureSource, TrustRootLookup, Undecided, Wanted,
    Workload, evaluate,
};
use countersign_trust::{Material, MaterialError, Timestamp, TrustRoot};
use serde_json::Value;

use crate::layouts::{HOST, Layouts};
use crate::vectors::{lines, text};
use crate::verdicts::CaseSet;

/// The evidence without one piece, or with something unreadable in its place.
struct Without<'a> {
    inner: &'a Layouts,
    piece: usize,
    is_spoilt: bool,
    seen: Cell<usize>,
    places: RefCell<BTreeMap<(SignatureSource, Wanted), usize>>,
}

impl EvidenceSource for Without<'_> {
    fn material(
        &self,
        image: &ImageReference,
        source: &SignatureSource,
        wanted: Wanted,
    ) -> Result<Arc<[Material]>, Undecided> {
        let mut found = self.inner.material(image, source, wanted)?.to_vec();
        let mut places = self.places.borrow_mut();
        let first = *places.entry((source.clone(), wanted)).or_insert_with(|| {
            let first = self.seen.get();
            self.seen.set(first + found.len());
            first
        });
        if let Some(index) = self
            .piece
            .checked_sub(first)
            .filter(|index| *index < found.len())
        {
            if self.is_spoilt {
                found[index] = Material::unreadable(MaterialError::NoContent);
            } else {
                found.remove(index);
            }
        }
        Ok(found.into())
    }

    fn trust_root(&self, name: Option<&str>) -> Result<Arc<TrustRoot>, TrustRootLookup> {
        self.inner.trust_root(name)
    }

    fn image_configs(&self, image: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided> {
        self.inner.image_configs(image)
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }
}

#[test]
fn less_material_never_satisfies_more() {
    let (mut judged, mut lost) = (0, 0);
    for case in lines("verdicts/cases.jsonl") {
        let image = text(&case, "image").replace("{{registry}}", HOST);
        let Ok(image) = ImageReference::parse(&image) else {
            continue;
        };
        if image.digest().is_none() {
            continue;
        }
        let set = CaseSet::of(&case);
        let ask = |source: &dyn EvidenceSource| {
            let workload = Workload::default();
            evaluate(&set.policies, &image, &workload, source, NoMatch::Deny).decision
        };
        let before = ask(&set.evidence);
        for piece in 0.. {
            let mut met = 0;
            for is_spoilt in [false, true] {
                let (seen, places) = (Cell::new(0), RefCell::default());
                let source = Without {
                    inner: &set.evidence,
                    piece,
                    is_spoilt,
                    seen,
                    places,
                };
                let after = ask(&source);
                assert!(
                    before == Decision::Admit || after != Decision::Admit,
                    "{}: without piece {piece}",
                    text(&case, "name")
                );
                lost += usize::from(before == Decision::Admit && after != Decision::Admit);
                judged += 1;
                met = source.seen.get();
            }
            if piece >= met {
                break;
            }
        }
    }
    println!("{judged} verdicts on less, {lost} admissions lost");
    assert!(lost > 10, "{lost}: the test takes nothing away");
}
