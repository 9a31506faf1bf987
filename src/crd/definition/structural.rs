//! From JSON Schema to the part of it that the API server takes.

use serde_json::{Map, Value};

use super::kubernetes;

/// Puts what is referred to in place of the references, and takes out what Rust's types say and a
/// structural schema has no place for: an absent field is not null.
pub(super) fn structural(mut root: Value) -> Value {
    let mut definitions = match root.as_object_mut().and_then(|root| root.remove("$defs")) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    for (name, definition) in &mut definitions {
        kubernetes::complete(name, definition);
    }
    resolve(&mut root, &definitions);
    root
}

fn resolve(schema: &mut Value, definitions: &Map<String, Value>) {
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    fields.remove("title");
    if let Some(choice) = fields.get("anyOf").and_then(only_choice).cloned() {
        fields.remove("anyOf");
        add_missing(fields, choice);
    }
    if let Some(Value::String(reference)) = fields.remove("$ref") {
        let name = reference.trim_start_matches("#/$defs/");
        let definition = definitions.get(name).cloned();
        add_missing(
            fields,
            definition.expect("schemars defines what it refers to"),
        );
        return resolve(schema, definitions);
    }
    without_null(fields);
    for (keyword, value) in fields {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for property in properties.values_mut() {
                    resolve(property, definitions);
                }
            }
            ("items" | "additionalProperties", part) => resolve(part, definitions),
            _ => {}
        }
    }
}

/// Returns what is left of "either this or null".
fn only_choice(choices: &Value) -> Option<&Value> {
    match choices.as_array()?.as_slice() {
        [choice, null] if null["type"] == "null" => Some(choice),
        _ => None,
    }
}

/// What a field says of itself wins over what its type says.
fn add_missing(fields: &mut Map<String, Value>, schema: Value) {
    if let Value::Object(schema) = schema {
        for (keyword, value) in schema {
            fields.entry(keyword).or_insert(value);
        }
    }
}

fn without_null(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = fields.get("type") {
        let only = types.iter().find(|name| *name != "null").cloned();
        fields.insert("type".to_owned(), only.into());
    }
    if let Some(Value::Array(values)) = fields.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}
