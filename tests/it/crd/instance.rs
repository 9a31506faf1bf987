//! Documents that a schema allows, by chance.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// How many of the fields that need not be there are there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Density {
    All,
    Half,
    Required,
}

/// Returns a document that `schema` allows.
pub(super) fn of(schema: &Value, density: Density, rng: &mut Rng) -> Value {
    if let Some(values) = schema["enum"].as_array() {
        return values[rng.usize(..values.len())].clone();
    }
    match schema["type"].as_str() {
        Some("object") => object(schema, density, rng),
        Some("array") => {
            let items = 0..rng.usize(..3);
            items.map(|_| of(&schema["items"], density, rng)).collect()
        }
        Some("boolean") => rng.bool().into(),
        Some("integer") => integer(schema, rng).into(),
        Some("number") => json!(0.5),
        _ if schema["format"] == "date-time" => "2026-11-23T01:02:03Z".into(),
        _ if schema["format"] == "byte" => "d2FsY2FzdA==".into(),
        // Quantities and ports may be numbers; they come back as texts.
        _ => ["", "a", "12Gi", "true"][rng.usize(..4)].into(),
    }
}

fn object(schema: &Value, density: Density, rng: &mut Rng) -> Value {
    let mut fields = Map::new();
    if schema["additionalProperties"].is_object() {
        for key in ["a", "b.c/d"].iter().take(rng.usize(..3)) {
            let value = of(&schema["additionalProperties"], density, rng);
            fields.insert((*key).to_owned(), value);
        }
    }
    let required = schema["required"].as_array();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = required.is_some_and(|names| names.iter().any(|n| n == name));
        // k8s-openapi writes the empty name of a reference.
        let is_there = is_required
            || property["default"] == ""
            || match density {
                Density::All => true,
                Density::Half => rng.bool(),
                Density::Required => false,
            };
        if is_there {
            fields.insert(name.clone(), of(property, density, rng));
        }
    }
    fields.into()
}

/// No minimum is above 1.
fn integer(schema: &Value, rng: &mut Rng) -> i64 {
    let least = if schema["minimum"].is_null() { -5 } else { 1 };
    rng.i64(least..10)
}
