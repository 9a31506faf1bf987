//! `walcast crds`: the definitions of the typed resources.

use clap::Args;
use serde_json::{Value, json};
use walcast::{crd, manifest::emit};

use crate::output::{self, Failure, Format};

#[derive(Args, Debug)]
pub(crate) struct Crds {
    /// Prints only the definition of this kind, such as `ObjectStore`. Default: all.
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
}

impl Crds {
    pub(crate) fn run(&self, format: Format) -> Result<u8, Failure> {
        let definitions = self.definitions()?;
        match format {
            Format::Json => {
                let list = json!({ "apiVersion": "v1", "kind": "List", "items": definitions });
                output::print_json(&list);
            }
            Format::Text => {
                let documents = definitions.iter().map(emit);
                let documents = documents.map(|yaml| format!("---\n{yaml}"));
                output::print(&documents.collect::<String>());
            }
        }
        Ok(0)
    }

    fn definitions(&self) -> Result<Vec<Value>, Failure> {
        let all = crd::definitions();
        let known: Vec<&str> = all.iter().map(|d| d.spec.names.kind.as_str()).collect();
        for kind in &self.kinds {
            if !known.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
                let hint = format!("There are {}.", known.join(", "));
                let failure = Failure::new(format!("there is no kind `{kind}`"));
                return Err(failure.with_hint(Some(hint)));
            }
        }
        let is_wanted = |kind: &str| {
            let mut wanted = self.kinds.iter();
            self.kinds.is_empty() || wanted.any(|wanted| wanted.eq_ignore_ascii_case(kind))
        };
        let wanted = all.iter().filter(|d| is_wanted(&d.spec.names.kind));
        let definitions = wanted.map(|definition| {
            let mut json = serde_json::to_value(definition).expect("definitions are JSON");
            write_whole_numbers(&mut json);
            json
        });
        Ok(definitions.collect())
    }
}

/// Limits are floating-point numbers to Kubernetes, and whole ones to everybody who reads them.
fn write_whole_numbers(json: &mut Value) {
    match json {
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers),
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers),
        Value::Number(number) => {
            let whole = number
                .as_f64()
                .filter(|n| n.fract() == 0.0 && n.abs() < 1e15);
            if let Some(whole) = whole {
                #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
                let whole = whole as i64;
                *json = whole.into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
