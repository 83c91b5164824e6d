//! The relationships of an inventory by positions in its list of packages.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Inventory;
use crate::package::{Package, PackageId, PackageKind};
use crate::relationship::RelationshipKind;

/// See the module.
pub(super) struct Graph {
    /// Identifiers of the packages, in their order.
    pub(super) ids: Vec<PackageId>,
    /// From, kind, to; in the order of the inventory.
    pub(super) edges: Vec<(usize, RelationshipKind, usize)>,
}

impl Graph {
    pub(super) fn of(inventory: &Inventory) -> Self {
        let ids: Vec<PackageId> = inventory.packages.iter().map(Package::id).collect();
        let places: BTreeMap<PackageId, usize> = ids
            .iter()
            .enumerate()
            .map(|(index, id)| (*id, index))
            .collect();
        let edges = inventory
            .relationships
            .iter()
            .filter_map(|edge| Some((*places.get(&edge.from)?, edge.kind, *places.get(&edge.to)?)));
        let edges = edges.collect();
        Self { ids, edges }
    }

    /// For each package what it needs, contains or owns.
    pub(super) fn below(&self) -> Vec<BTreeSet<usize>> {
        let mut below = vec![BTreeSet::new(); self.ids.len()];
        for (from, kind, to) in &self.edges {
            match kind {
                RelationshipKind::DependsOn | RelationshipKind::Contains => {
                    below[*from].insert(*to)
                }
                RelationshipKind::OwnedBy => below[*to].insert(*from),
            };
        }
        below
    }

    /// The fewest packages from which all others can be reached; of a circle that nothing outside leads
    /// to, the first.
    pub(super) fn tops(below: &[BTreeSet<usize>]) -> Vec<usize> {
        let mut has_parent = vec![false; below.len()];
        for child in below.iter().flatten() {
            has_parent[*child] = true;
        }
        let (orphans, others): (Vec<usize>, Vec<usize>) =
            (0..below.len()).partition(|index| !has_parent[*index]);
        let mut reached = vec![false; below.len()];
        let mut tops = Vec::new();
        for candidate in orphans.into_iter().chain(others) {
            if reached[candidate] {
                continue;
            }
            tops.push(candidate);
            let mut pending = vec![candidate];
            while let Some(index) = pending.pop() {
                if !std::mem::replace(&mut reached[index], true) {
                    pending.extend(below[index].iter().filter(|child| !reached[**child]));
                }
            }
        }
        tops.sort_unstable();
        tops
    }

    /// Packages of which nobody knows what they need, as opposed to those that are known to need nothing:
    /// Go programs list their modules, and not who among these needs whom.
    pub(super) fn opaque(&self, packages: &[Package]) -> Vec<bool> {
        let mut opaque: Vec<bool> = packages
            .iter()
            .map(|package| matches!(package.kind, PackageKind::Golang | PackageKind::Generic))
            .collect();
        for (from, kind, _) in &self.edges {
            if *kind == RelationshipKind::DependsOn {
                opaque[*from] = false;
            }
        }
        opaque
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_have_a_top_too() {
        // 0 -> 1; 2 <-> 3 -> 4; 5
        let below = [vec![1], vec![], vec![3], vec![2, 4], vec![], vec![]];
        let below: Vec<BTreeSet<usize>> = below
            .into_iter()
            .map(|children| children.into_iter().collect())
            .collect();
        assert_eq!(Graph::tops(&below), [0, 2, 5]);
    }
}
