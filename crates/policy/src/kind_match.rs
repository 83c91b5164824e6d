//! `match`: which objects a policy is about.

use crate::wire::{LabelSelector, MatchResource};
use crate::workload::Workload;

/// One entry of `match`, ready to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct KindMatch {
    group: String,
    version: String,
    resource: String,
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

/// A label selector that Kubernetes refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KindMatchError {
    /// No such operator.
    #[error("{0:?} is not a valid label selector operator")]
    Operator(String),
    /// `In` and `NotIn` need values.
    #[error("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")]
    NoValues,
    /// `Exists` and `DoesNotExist` have none.
    #[error("values set must be empty for exists and does not exist")]
    Values,
}

impl KindMatch {
    /// Reads an entry.
    pub fn compile(entry: &MatchResource) -> Result<Self, KindMatchError> {
        let requirements = match &entry.selector {
            None => Vec::new(),
            Some(selector) => requirements(selector)?,
        };
        Ok(Self {
            group: entry.group.clone(),
            version: entry.version.clone(),
            resource: entry.resource.clone(),
            requirements,
        })
    }

    /// Whether `workload` is meant. An empty version is no wildcard: upstream compares it.
    #[must_use]
    pub fn matches(&self, workload: &Workload) -> bool {
        self.group == workload.group
            && (self.version == "*" || self.version == workload.version)
            && self.resource == workload.resource()
            && self
                .requirements
                .iter()
                .all(|requirement| requirement.holds(workload))
    }
}

impl Requirement {
    fn holds(&self, workload: &Workload) -> bool {
        let value = workload.labels.get(&self.key);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

fn requirements(selector: &LabelSelector) -> Result<Vec<Requirement>, KindMatchError> {
    let mut all: Vec<Requirement> = selector
        .match_labels
        .iter()
        .map(|(key, value)| Requirement {
            key: key.clone(),
            operator: Operator::In(vec![value.clone()]),
        })
        .collect();
    for expression in &selector.match_expressions {
        let values = expression.values.clone();
        let operator = match (expression.operator.as_str(), values.is_empty()) {
            ("In", false) => Operator::In(values),
            ("NotIn", false) => Operator::NotIn(values),
            ("In" | "NotIn", true) => return Err(KindMatchError::NoValues),
            ("Exists", true) => Operator::Exists,
            ("DoesNotExist", true) => Operator::DoesNotExist,
            ("Exists" | "DoesNotExist", false) => return Err(KindMatchError::Values),
            (other, _) => return Err(KindMatchError::Operator(other.to_owned())),
        };
        all.push(Requirement {
            key: expression.key.clone(),
            operator,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::LabelSelectorRequirement;

    fn entry(version: &str, selector: Option<LabelSelector>) -> MatchResource {
        let (group, resource) = ("apps".to_owned(), "deployments".to_owned());
        MatchResource {
            group,
            version: version.to_owned(),
            resource,
            selector,
        }
    }

    #[test]
    fn group_version_resource_and_labels() {
        let mut workload = Workload::of_kind("apps/v1", "Deployment");
        let matches = |entry: &MatchResource, workload: &Workload| {
            KindMatch::compile(entry).unwrap().matches(workload)
        };
        assert!(matches(&entry("v1", None), &workload) && matches(&entry("*", None), &workload));
        assert!(!matches(&entry("", None), &workload) && !matches(&entry("v2", None), &workload));
        assert!(!matches(&entry("*", None), &Workload::of_kind("v1", "Pod")));

        let selector = |operator: &str, values: &[&str]| LabelSelector {
            match_expressions: vec![LabelSelectorRequirement {
                key: "env".to_owned(),
                operator: operator.to_owned(),
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }],
            ..LabelSelector::default()
        };
        let one = |operator, values: &[&str]| entry("v1", Some(selector(operator, values)));
        assert!(!matches(&one("In", &["prod"]), &workload));
        assert!(matches(&one("NotIn", &["prod"]), &workload));
        workload.labels.insert("env".to_owned(), "prod".to_owned());
        assert!(
            matches(&one("In", &["prod"]), &workload) && matches(&one("Exists", &[]), &workload)
        );
        assert!(!matches(&one("DoesNotExist", &[]), &workload));
        assert!(KindMatch::compile(&one("in", &["x"])).is_err());
        assert!(KindMatch::compile(&one("In", &[])).is_err());
        assert!(KindMatch::compile(&one("Exists", &["x"])).is_err());
    }
}
