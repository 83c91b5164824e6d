//! Attestations that an authority must have made: a type, and a rule over the statement.

use crate::expression::Expression;
use crate::policy::{Fault, FaultKind};
use crate::predicate::PredicateType;
use crate::reference::References;
use crate::wire;

/// An attestation that must be there.
#[derive(Clone, Debug)]
pub struct AttestationRule {
    /// The name, in messages and in `authorityMatches`.
    pub name: String,
    /// The type that its statement must have.
    pub predicate_type: PredicateType,
    /// What its statement must satisfy, if more than to exist; a fault satisfies nothing.
    pub rule: Option<Result<Expression, Fault>>,
}

impl AttestationRule {
    pub(crate) fn compile(
        attestation: &wire::Attestation,
        references: &dyn References,
        fault: impl Fn(FaultKind) -> Fault,
    ) -> Self {
        let compile =
            |text| Expression::from_wire(&attestation.name, text, references).map_err(&fault);
        Self {
            name: attestation.name.clone(),
            predicate_type: PredicateType::new(&attestation.predicate_type),
            rule: attestation.policy.as_ref().map(compile),
        }
    }
}
