//! What is rendered, as other programs read it: Prometheus' client for Python has a strict parser of
//! OpenMetrics; `promtool` reads the older text format, and knows the conventions for names.

use serde_json::Value;

use super::sample;
use crate::support::program::{promtool, python};

/// Reads OpenMetrics; tells what it found, and writes it in the older format.
const READER: &str = r#"
import json, sys
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(sys.stdin.read()))

class Found:
    def collect(self):
        return families

registry = CollectorRegistry(auto_describe=False)
registry.register(Found())
json.dump({
    "families": [{
        "name": family.name, "type": family.type, "unit": family.unit, "help": family.documentation,
        "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples],
    } for family in families],
    "text": generate_latest(registry).decode(),
}, sys.stdout)
"#;

const PECULIAR: &str = r#"a "b"\n {c}, d=é"#;

fn read(text: &str) -> Value {
    let found = python(
        "prometheus-client",
        "prometheus_client",
        READER,
        text.as_bytes(),
    );
    serde_json::from_slice(&found).unwrap()
}

#[test]
fn another_program_reads_every_sample_with_its_type_and_unit() {
    let text = sample::full(&["here", PECULIAR]).render();

    let found = read(&text);

    let families = found["families"].as_array().unwrap();
    let samples = |family: &Value| family["samples"].as_array().unwrap().len();
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(families.iter().map(samples).sum::<usize>(), lines);
    assert!(lines > 400, "{lines}");
    for family in families {
        let name = family["name"].as_str().unwrap();
        let known = ["gauge", "counter", "histogram"].contains(&family["type"].as_str().unwrap());
        assert!(known, "{family}");
        assert!(name.starts_with("walcast_"), "{name}");
        assert!(family["help"].as_str().unwrap().ends_with('.'), "{name}");
        let mut units = ["seconds", "bytes"].into_iter();
        let unit = units.find(|unit| name.ends_with(&format!("_{unit}")));
        assert_eq!(family["unit"], unit.unwrap_or(""), "{name}");
    }
}

#[test]
fn names_of_destinations_arrive_as_they_are() {
    let text = sample::full(&[PECULIAR]).render();

    let found = read(&text);

    let families = found["families"].as_array().unwrap().iter();
    let samples = families.flat_map(|family| family["samples"].as_array().unwrap());
    let names: Vec<&Value> = samples
        .filter_map(|sample| sample[1].get("destination"))
        .collect();
    assert!(names.len() > 200, "{}", names.len());
    assert!(names.iter().all(|name| **name == PECULIAR));
}

#[test]
fn names_are_as_promtool_wants_them() {
    let found = read(&sample::full(&["here", PECULIAR]).render());

    let complaints = promtool(
        &["check", "metrics"],
        found["text"].as_str().unwrap().as_bytes(),
    );

    assert_eq!(String::from_utf8(complaints).unwrap(), "");
}

/// The node exporter's textfile collector reads nothing newer. A counter has its description under
/// another name there, which its linter would mention, so that there is none here.
#[test]
fn readers_of_the_older_format_take_it_too() {
    let mut snapshot = sample::full(&["here", PECULIAR]);
    let text = snapshot.render();
    let types = text.lines().filter(|line| line.starts_with("# TYPE "));
    let others = types.filter(|line| {
        !["gauge", "counter", "histogram"].contains(&line.rsplit(' ').next().unwrap())
    });
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);

    snapshot.requests.clear();
    let complaints = promtool(&["check", "metrics"], snapshot.render().as_bytes());

    assert_eq!(String::from_utf8(complaints).unwrap(), "");
}
