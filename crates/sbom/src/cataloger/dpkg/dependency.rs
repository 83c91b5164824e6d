//! Who needs whom: Debian policy manual, chapter 7.

use std::collections::BTreeMap;

use crate::package::PackageId;

/// The installed packages by the names under which others may need them.
#[derive(Debug, Default)]
pub(super) struct Installed {
    by_name: BTreeMap<String, Vec<(String, PackageId)>>,
}

impl Installed {
    pub(super) fn add(&mut self, name: &str, architecture: &str, id: PackageId) {
        let entry = (architecture.to_owned(), id);
        // `python3:any` says that any architecture does; a provided name may carry the same.
        let name = name.split(':').next().unwrap_or(name);
        self.by_name.entry(name.to_owned()).or_default().push(entry);
    }

    /// The packages that `wanted` of a package of `architecture` may mean: those of its own architecture or
    /// of none, else whatever is there. Versions are not compared: dpkg did that.
    pub(super) fn find(&self, wanted: &str, architecture: &str) -> Vec<PackageId> {
        let (name, asked) = wanted.split_once(':').unwrap_or((wanted, ""));
        let asked = if matches!(asked, "" | "any" | "native") {
            architecture
        } else {
            asked
        };
        let Some(found) = self.by_name.get(name) else {
            return Vec::new();
        };
        let fits = |(known, _): &&(String, PackageId)| known == asked || known == "all";
        let fitting: Vec<PackageId> = found.iter().filter(fits).map(|(_, id)| *id).collect();
        match fitting.is_empty() {
            true => found.iter().map(|(_, id)| *id).collect(),
            false => fitting,
        }
    }
}

/// The names in a relationship field, alternatives included, versions and build conditions left out.
pub(super) fn names_of(field: &str) -> impl Iterator<Item = String> {
    field
        .split([',', '|'])
        .map(|part| {
            part.split(['(', '[', '<'])
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{Package, PackageKind};

    fn id(name: &str) -> PackageId {
        Package::new(PackageKind::Deb, name, None, "test").id()
    }

    #[test]
    fn names_without_versions() {
        let names: Vec<_> =
            names_of("libc6 (>= 2.36), gpgv | gpgv2,\n python3:any [amd64] <!nocheck>").collect();
        assert_eq!(names, ["libc6", "gpgv", "gpgv2", "python3:any"]);
    }

    #[test]
    fn the_own_architecture_comes_first() {
        let mut installed = Installed::default();
        installed.add("libc6", "amd64", id("amd64"));
        installed.add("libc6", "i386", id("i386"));
        installed.add("awk", "all", id("mawk"));
        assert_eq!(installed.find("libc6", "i386"), [id("i386")]);
        assert_eq!(installed.find("libc6:amd64", "i386"), [id("amd64")]);
        assert_eq!(installed.find("awk:any", "i386"), [id("mawk")]);
        assert_eq!(installed.find("libc6", "arm64").len(), 2);
        assert_eq!(installed.find("nothing", "i386"), []);
    }
}
