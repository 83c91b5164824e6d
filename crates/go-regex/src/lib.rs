//! Regular expressions with the meaning that Go (RE2) gives them.
