//! The two stories of traps that this project grew from, as folders of examples.

use super::*;

fn story(name: &str) -> Report {
    let mut inventory = Inventory::default();
    let path = folder("examples/manifests").join(name);
    inventory.read(&path).unwrap();
    lint(&inventory, &settings())
}

/// Returns what is found, a line for each finding.
fn found(name: &str) -> Vec<String> {
    let report = story(name);
    let line = |one: &Finding| {
        let file = one.file.file_name().unwrap().to_str().unwrap();
        format!("{file}:{} {} {}", one.span.start.line, one.level, one.rule.id)
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn every_trap_of_the_upgrade_plan_is_found() {
    assert_eq!(found("upgrade-plan"), Vec::<String>::new());
}

#[test]
fn every_trap_of_the_field_report_is_found() {
    assert_eq!(found("field-report"), Vec::<String>::new());
}
