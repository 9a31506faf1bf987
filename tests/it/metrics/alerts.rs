//! Each alert rings when it should, and only then, by Prometheus' own engine.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use super::files;
use crate::support::program::promtool;

/// A series by minutes, in promtool's notation.
type Series = (&'static str, &'static str);

/// An alert, what makes it ring for the destination `d` three hours after 1970 began (a day later if
/// it waits for that long), and what does not.
struct Case {
    alert: &'static str,
    rings: &'static [Series],
    silent: &'static [Series],
}

/// Between two values of a series.
const STEP: &str = "5m";
/// More steps than any case lasts.
const LENGTH: &str = "x400";

const CASES: &[Case] = &[
    Case {
        alert: "WalcastDestinationRefused",
        rings: &[(
            "walcast_destination_state{destination=\"d\",state=\"refused\"}",
            "1",
        )],
        silent: &[
            (
                "walcast_destination_state{destination=\"d\",state=\"refused\"}",
                "0",
            ),
            (
                "walcast_destination_state{destination=\"d\",state=\"down\"}",
                "1",
            ),
        ],
    },
    Case {
        alert: "WalcastDestinationDown",
        rings: &[(
            "walcast_destination_state{destination=\"d\",state=\"down\"}",
            "1",
        )],
        silent: &[
            (
                "walcast_destination_state{destination=\"d\",state=\"down\"}",
                "0",
            ),
            (
                "walcast_destination_state{destination=\"d\",state=\"refused\"}",
                "1",
            ),
        ],
    },
    Case {
        alert: "WalcastDestinationConflict",
        rings: &[("walcast_conflict_files{destination=\"d\"}", "1")],
        silent: &[("walcast_conflict_files{destination=\"d\"}", "0")],
    },
    Case {
        alert: "WalcastDestinationConflict",
        rings: &[(
            "walcast_destination_state{destination=\"d\",state=\"conflict\"}",
            "1",
        )],
        silent: &[(
            "walcast_destination_state{destination=\"d\",state=\"conflict\"}",
            "0",
        )],
    },
    Case {
        alert: "WalcastDestinationBehind",
        rings: &[(
            "walcast_owed_since_timestamp_seconds{destination=\"d\"}",
            "5000",
        )],
        silent: &[(
            "walcast_owed_since_timestamp_seconds{destination=\"d\"}",
            "8000",
        )],
    },
    Case {
        alert: "WalcastGaps",
        rings: &[("walcast_gap_files{destination=\"d\"}", "2")],
        silent: &[("walcast_gap_files{destination=\"d\"}", "0")],
    },
    Case {
        alert: "WalcastStoreFails",
        rings: &[
            (
                "walcast_requests_total{destination=\"d\",operation=\"put\"}",
                "0+100",
            ),
            (
                "walcast_request_errors_total{destination=\"d\",operation=\"put\",class=\"full\"}",
                "0+11",
            ),
        ],
        silent: &[
            (
                "walcast_requests_total{destination=\"d\",operation=\"put\"}",
                "0+100",
            ),
            (
                "walcast_request_errors_total{destination=\"d\",operation=\"put\",class=\"full\"}",
                "0+9",
            ),
            (
                "walcast_request_errors_total{destination=\"d\",operation=\"put\",class=\"missing\"}",
                "0+90",
            ),
        ],
    },
    Case {
        alert: "WalcastStoreSlow",
        rings: &[
            (
                "walcast_request_duration_seconds_bucket{destination=\"d\",operation=\"put\",le=\"10.0\"}",
                "0+80",
            ),
            (
                "walcast_request_duration_seconds_bucket{destination=\"d\",operation=\"put\",le=\"30.0\"}",
                "0+100",
            ),
            (
                "walcast_request_duration_seconds_bucket{destination=\"d\",operation=\"put\",le=\"+Inf\"}",
                "0+100",
            ),
        ],
        silent: &[
            (
                "walcast_request_duration_seconds_bucket{destination=\"d\",operation=\"put\",le=\"10.0\"}",
                "0+95",
            ),
            (
                "walcast_request_duration_seconds_bucket{destination=\"d\",operation=\"put\",le=\"30.0\"}",
                "0+100",
            ),
            (
                "walcast_request_duration_seconds_bucket{destination=\"d\",operation=\"put\",le=\"+Inf\"}",
                "0+100",
            ),
        ],
    },
    Case {
        alert: "WalcastNothingArchived",
        rings: &[(
            "walcast_last_archived_timestamp_seconds{destination=\"d\"}",
            "5000",
        )],
        silent: &[(
            "walcast_last_archived_timestamp_seconds{destination=\"d\"}",
            "8000",
        )],
    },
    Case {
        alert: "WalcastForgottenDebt",
        rings: &[("walcast_abandoned_files{destination=\"d\"}", "1")],
        silent: &[("walcast_abandoned_files{destination=\"d\"}", "0")],
    },
    Case {
        alert: "WalcastCannotRestore",
        rings: &[("walcast_usable_backups{destination=\"d\"}", "0")],
        silent: &[("walcast_usable_backups{destination=\"d\"}", "1")],
    },
    Case {
        alert: "WalcastHoles",
        rings: &[("walcast_wal_holes{destination=\"d\"}", "1")],
        silent: &[("walcast_wal_holes{destination=\"d\"}", "0")],
    },
    Case {
        alert: "WalcastLags",
        rings: &[("walcast_lag_seconds{destination=\"d\"}", "3601")],
        silent: &[("walcast_lag_seconds{destination=\"d\"}", "3600")],
    },
    Case {
        alert: "WalcastBackupTooOld",
        rings: &[(
            "walcast_last_backup_timestamp_seconds{destination=\"d\"}",
            "-90000",
        )],
        silent: &[(
            "walcast_last_backup_timestamp_seconds{destination=\"d\"}",
            "0",
        )],
    },
    Case {
        alert: "WalcastBackupFailed",
        rings: &[
            (
                "walcast_last_failed_backup_timestamp_seconds{destination=\"d\"}",
                "170001",
            ),
            (
                "walcast_last_backup_timestamp_seconds{destination=\"d\"}",
                "170000",
            ),
        ],
        silent: &[
            (
                "walcast_last_failed_backup_timestamp_seconds{destination=\"d\"}",
                "170000",
            ),
            (
                "walcast_last_backup_timestamp_seconds{destination=\"d\"}",
                "170001",
            ),
        ],
    },
    Case {
        alert: "WalcastBackupFailed",
        rings: &[
            (
                "walcast_last_failed_backup_timestamp_seconds{destination=\"d\"}",
                "170000",
            ),
            (
                "walcast_last_backup_timestamp_seconds{destination=\"e\"}",
                "170001",
            ),
        ],
        silent: &[(
            "walcast_last_backup_timestamp_seconds{destination=\"d\"}",
            "170001",
        )],
    },
    Case {
        alert: "WalcastNotProven",
        rings: &[(
            "walcast_last_backup_timestamp_seconds{destination=\"d\"}",
            "1",
        )],
        silent: &[
            (
                "walcast_last_backup_timestamp_seconds{destination=\"d\"}",
                "1",
            ),
            (
                "walcast_last_proof_timestamp_seconds{destination=\"d\"}",
                "1",
            ),
        ],
    },
    Case {
        alert: "WalcastNotProven",
        rings: &[(
            "walcast_last_proof_timestamp_seconds{destination=\"d\"}",
            "-3100000",
        )],
        silent: &[(
            "walcast_last_proof_timestamp_seconds{destination=\"d\"}",
            "-2000000",
        )],
    },
    Case {
        alert: "WalcastStatusUnknown",
        rings: &[("walcast_status_known{destination=\"d\"}", "0")],
        silent: &[("walcast_status_known{destination=\"d\"}", "1")],
    },
    Case {
        alert: "WalcastStatusStale",
        rings: &[(
            "walcast_status_timestamp_seconds{destination=\"d\"}",
            "9000",
        )],
        silent: &[(
            "walcast_status_timestamp_seconds{destination=\"d\"}",
            "10200",
        )],
    },
    Case {
        alert: "WalcastAuditStale",
        rings: &[(
            "walcast_audit_timestamp_seconds{destination=\"d\"}",
            "-90000",
        )],
        silent: &[(
            "walcast_audit_timestamp_seconds{destination=\"d\"}",
            "-50000",
        )],
    },
];

#[test]
fn alerts_ring_when_they_should_and_only_then() {
    let tests: Vec<Value> = CASES
        .iter()
        .flat_map(|case| [test(case, case.rings, true), test(case, case.silent, false)])
        .chain([silence(&[], true), silence(&[STATUS], false)])
        .collect();

    run(&tests);
}

#[test]
fn each_alert_has_a_case() {
    let rules = files::rules();
    let named = files::alerts(&rules)
        .into_iter()
        .map(|rule| rule["alert"].as_str().unwrap());
    let tested = CASES.iter().map(|case| case.alert).chain([SILENT]);

    assert_eq!(named.collect::<BTreeSet<_>>(), tested.collect());
}

/// What rings when there is nothing at all.
const SILENT: &str = "WalcastSilent";
const STATUS: Series = ("walcast_status_timestamp_seconds", "0+300");

fn test(case: &Case, series: &[Series], rings: bool) -> Value {
    let labels = json!({"destination": "d"});
    expectation(case.alert, series, rings.then_some(labels))
}

fn silence(series: &[Series], rings: bool) -> Value {
    expectation(SILENT, series, rings.then(|| json!({})))
}

fn expectation(alert: &str, series: &[Series], labels: Option<Value>) -> Value {
    let rules = files::rules();
    let mut rules = files::alerts(&rules).into_iter();
    let rule = rules.find(|rule| rule["alert"] == alert).unwrap();
    let series: Vec<Value> = series
        .iter()
        .map(|(name, values)| {
            let steps = if values.contains('+') { "" } else { "+0" };
            json!({"series": name, "values": format!("{values}{steps}{LENGTH}")})
        })
        .collect();
    let alerts: Vec<Value> = labels
        .into_iter()
        .map(|mut labels| {
            labels["severity"] = rule["labels"]["severity"].clone();
            json!({"exp_labels": labels})
        })
        .collect();
    let at = if rule["for"] == "1d" { "27h" } else { "3h" };
    json!({
        "interval": STEP,
        "name": alert,
        "input_series": series,
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": alerts}],
    })
}

/// Has Prometheus play the series. Annotations are left out: it compares them word for word.
fn run(tests: &[Value]) {
    let mut rules = files::rules();
    for group in rules["groups"].as_array_mut().unwrap() {
        for rule in group["rules"].as_array_mut().unwrap() {
            rule.as_object_mut().unwrap().remove("annotations");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.json"), rules.to_string()).unwrap();
    let file = json!({
        "rule_files": ["rules.json"],
        "evaluation_interval": STEP,
        "tests": tests,
    });
    let path = folder.path().join("tests.json");
    fs::write(&path, file.to_string()).unwrap();

    let said = promtool(&["test", "rules", path.to_str().unwrap()], b"");

    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("SUCCESS"), "{said}");
}
