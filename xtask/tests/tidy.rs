//! The architecture check is a test like any other.

#[test]
fn the_walls_stand() {
    let findings = xtask::tidy::run().expect("the checkout is readable and cargo answers");
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "tidy:\n{}", lines.join("\n"));
}
