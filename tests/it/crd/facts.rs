//! What a resource definition says, flat: what can be compared and kept as a small fixture.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// By the path of a property, what is said of it by keyword. Paths are `.spec.list[].map{}`; those
/// that begin with `@` are about the definition as a whole.
pub(super) type Facts = BTreeMap<String, BTreeMap<String, Value>>;

/// Returns everything but the prose.
pub(super) fn of(definition: &Value) -> Facts {
    let spec = &definition["spec"];
    let version = &spec["versions"][0];
    let columns = version["additionalPrinterColumns"].as_array();
    let columns = columns.into_iter().flatten().map(without_prose).collect();
    let mut facts = Facts::new();
    for (name, value) in [
        ("@group", spec["group"].clone()),
        ("@names", spec["names"].clone()),
        ("@scope", spec["scope"].clone()),
        ("@version", version["name"].clone()),
        ("@subresources", version["subresources"].clone()),
        ("@columns", Value::Array(columns)),
    ] {
        facts.insert(name.to_owned(), BTreeMap::from([("is".to_owned(), value)]));
    }
    add(&mut facts, "", &version["schema"]["openAPIV3Schema"]);
    facts
}

/// Returns whether the path is that of a property.
pub(super) fn is_property(path: &str) -> bool {
    !path.starts_with('@')
}

fn add(facts: &mut Facts, path: &str, schema: &Value) {
    let mut own = BTreeMap::new();
    for (keyword, value) in schema.as_object().expect("a schema is an object") {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    add(facts, &format!("{path}.{name}"), property);
                }
            }
            ("items", items) => add(facts, &format!("{path}[]"), items),
            ("additionalProperties", Value::Object(_)) => {
                add(facts, &format!("{path}{{}}"), value);
            }
            ("description", _) => {}
            (_, value) => {
                own.insert(keyword.clone(), normal(keyword, value));
            }
        }
    }
    facts.insert(path.to_owned(), own);
}

/// Order that means nothing is taken out, and whole numbers are whole.
fn normal(keyword: &str, value: &Value) -> Value {
    match (keyword, value) {
        ("required", Value::Array(names)) => {
            let mut names = names.clone();
            names.sort_unstable_by_key(Value::to_string);
            names.into()
        }
        ("x-kubernetes-validations", Value::Array(rules)) => {
            rules.iter().map(without_prose).collect()
        }
        ("minimum" | "maximum", Value::Number(number)) => match number.as_f64() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "limits are small and whole"
            )]
            Some(number) if number.fract() == 0.0 => json!(number as i64),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

fn without_prose(value: &Value) -> Value {
    let mut fields: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    fields.remove("message");
    fields.remove("description");
    fields.into()
}

/// Writes one line for each path.
pub(super) fn to_text(facts: &Facts) -> String {
    let line = |(path, facts): (&String, &BTreeMap<String, Value>)| {
        let facts = serde_json::to_string(facts).unwrap();
        format!("{path}\t{facts}\n")
    };
    facts.iter().map(line).collect()
}

/// Reads what [`to_text`] writes.
pub(super) fn from_text(text: &str) -> Facts {
    let entry = |line: &str| {
        let (path, facts) = line.split_once('\t').unwrap();
        (path.to_owned(), serde_json::from_str(facts).unwrap())
    };
    text.lines().map(entry).collect()
}
