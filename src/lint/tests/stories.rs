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
        format!(
            "{file}:{} {} {}",
            one.span.start.line, one.level, one.rule.id
        )
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn every_trap_of_the_upgrade_plan_is_found() {
    let expected = [
        "alerts.yaml:11 warning T39",
        "backups.yaml:7 error T17",
        "backups.yaml:19 warning T46",
        "backups.yaml:20 note T47",
        "backups.yaml:27 error T01",
        "cluster.yaml:8 warning T24",
        "cluster.yaml:15 error T29",
        "restore-test.yaml:8 warning T62",
        "restore-test.yaml:19 error T21",
        "stores.yaml:6 warning T30",
        "stores.yaml:12 error T28",
        "stores.yaml:15 error T28",
        "stores.yaml:30 note T26",
        "stores.yaml:39 warning T49",
        "stores.yaml:41 error T27",
        "stores.yaml:42 error T29",
    ];
    assert_eq!(found("upgrade-plan"), expected);
}

#[test]
fn every_trap_of_the_field_report_is_found() {
    let expected = [
        "billing.yaml:46 error T04",
        "billing.yaml:50 error T10",
        "orders.yaml:11 warning T13",
        "orders.yaml:13 error T33",
        "orders.yaml:15 warning T09",
        "orders.yaml:28 warning T43",
        "orders.yaml:42 error T06",
        "orders.yaml:42 warning T30",
        "orders.yaml:42 warning T60",
        "orders.yaml:58 error T05",
        "orders.yaml:59 error T02",
        "orders.yaml:59 warning T44",
        "orders.yaml:75 error T05",
        "orders.yaml:76 error T02",
        "orders.yaml:76 warning T44",
        "orders.yaml:76 warning T46",
        "orders.yaml:77 warning T46",
        "orders.yaml:84 error T07",
        "plugins.yaml:23 error T12",
        "plugins.yaml:29 error T11",
    ];
    assert_eq!(found("field-report"), expected);
}
