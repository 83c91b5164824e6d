//! A CUE evaluator for policies.
