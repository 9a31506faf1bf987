//! The dashboard and the alerts ask for what is there.

use std::{fs, path::PathBuf};

use serde_json::Value;
use walcast::manifest::documents;

use super::{
    promql::Asked,
    sample::{self, Rendered},
};
use crate::support::program::promtool;

pub(super) fn file(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("examples/monitoring").join(name)
}

/// Returns the `spec` of the `PrometheusRule`: what Prometheus itself takes as a file of rules.
pub(super) fn rules() -> Value {
    let text = fs::read_to_string(file("alerts.yaml")).unwrap();
    let documents = documents(&text);
    let [document] = &documents[..] else {
        panic!("one resource")
    };
    let mut resource = document.root.as_ref().unwrap().to_json();
    assert_eq!(resource["kind"], "PrometheusRule");
    resource["spec"].take()
}

/// Returns all rules of all groups.
pub(super) fn alerts(rules: &Value) -> Vec<&Value> {
    let groups = rules["groups"].as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect()
}

/// Returns the expressions of the dashboard's panels.
fn panels() -> Vec<String> {
    let text = fs::read_to_string(file("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array());
    let expressions = targets
        .flatten()
        .map(|target| target["expr"].as_str().unwrap());
    expressions.map(str::to_owned).collect()
}

#[track_caller]
fn assert_answered(expressions: &[String]) {
    let rendered = Rendered::of(&sample::full(&["here", "there"]).render());
    for expression in expressions {
        let asked = Asked::by(expression);
        assert!(!asked.metrics.is_empty(), "{expression}");
        assert_eq!(asked.missing_in(&rendered), [""; 0], "{expression}");
    }
}

#[test]
fn alerts_ask_for_what_is_rendered() {
    let rules = rules();
    let expressions: Vec<String> = alerts(&rules)
        .iter()
        .map(|rule| rule["expr"].as_str().unwrap().to_owned())
        .collect();

    assert!(expressions.len() > 15);
    assert_answered(&expressions);
}

#[test]
fn each_alert_says_how_bad_it_is_and_what_to_do() {
    let rules = rules();
    for rule in alerts(&rules) {
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{rule}"
        );
        for annotation in ["summary", "description", "action"] {
            let text = rule["annotations"][annotation].as_str().unwrap();
            assert!(text.len() > 20, "{rule}");
        }
    }
}

#[test]
fn panels_ask_for_what_is_rendered() {
    let expressions = panels();

    assert!(expressions.len() > 30);
    assert_answered(&expressions);
}

#[test]
fn every_metric_is_on_the_dashboard_or_in_an_alert() {
    let rules = rules();
    let in_alerts = alerts(&rules)
        .into_iter()
        .map(|rule| rule["expr"].as_str().unwrap());
    let expressions = panels().join(" or ") + " or " + &in_alerts.collect::<Vec<_>>().join(" or ");
    let asked = Asked::by(&expressions);
    let rendered = Rendered::of(&sample::full(&["here"]).render());
    // Joined by hand when it is needed; or said by other panels in another way.
    let elsewhere = [
        "walcast_abandoned_bytes",
        "walcast_build_info",
        "walcast_destination_info",
        "walcast_next_attempt_timestamp_seconds",
        "walcast_spool_files",
    ];

    let names = rendered.0.keys().map(String::as_str);
    let nowhere = names.filter(|name| !asked.metrics.iter().any(|(metric, _)| metric == name));
    assert_eq!(nowhere.collect::<Vec<_>>(), elsewhere);
}

#[test]
fn prometheus_understands_the_rules_and_the_expressions_of_the_panels() {
    let folder = tempfile::tempdir().unwrap();
    let check = |rules: &Value| {
        let path = folder.path().join("rules.json");
        fs::write(&path, rules.to_string()).unwrap();
        let arguments = ["check", "rules", "--lint-fatal", path.to_str().unwrap()];
        String::from_utf8(promtool(&arguments, b"")).unwrap()
    };
    let recorded = panels().into_iter().enumerate().map(|(index, expression)| {
        let expression = expression.replace("$__rate_interval", "5m");
        serde_json::json!({"record": format!("panel:{index}"), "expr": expression})
    });
    let recorded = recorded.collect::<Vec<_>>();
    let count = recorded.len();
    let panels = serde_json::json!({"groups": [{"name": "panels", "rules": recorded}]});

    let alerts_found = check(&rules());
    let panels_found = check(&panels);

    assert!(alerts_found.contains("SUCCESS"), "{alerts_found}");
    let expected = format!("SUCCESS: {count} rules found");
    assert!(panels_found.contains(&expected), "{panels_found}");
}

#[test]
fn the_dashboard_has_no_two_panels_of_one_number_or_one_place() {
    let text = fs::read_to_string(file("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<u64> = panels
        .iter()
        .map(|one| one["id"].as_u64().unwrap())
        .collect();
    let mut taken = std::collections::BTreeSet::new();
    for panel in panels {
        let of = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(of("x") + of("w") <= 24, "{panel}");
        for x in of("x")..of("x") + of("w") {
            for y in of("y")..of("y") + of("h") {
                assert!(taken.insert((x, y)), "{}", panel["title"]);
            }
        }
    }
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
