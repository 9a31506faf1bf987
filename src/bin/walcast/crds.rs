//! `walcast crds`: the definitions of the typed resources.

use clap::Args;
use serde_json::{Value, json};
use walcast::crd;

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
                let documents = definitions.iter().map(document);
                let text: Result<String, Failure> = documents.collect();
                output::print(&text?);
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

fn document(definition: &Value) -> Result<String, Failure> {
    let yaml = serde_saphyr::to_string(definition);
    let yaml = yaml.map_err(|error| Failure::of(&error))?;
    Ok(format!("---\n{yaml}"))
}

#[cfg(test)]
mod tests {
    use walcast::manifest::documents;

    use super::*;

    #[test]
    fn texts_are_texts_to_the_kubernetes_tools() {
        let texts = [
            "",
            " ",
            "~",
            "null",
            "y",
            "Yes",
            "on",
            "OFF",
            "true",
            "0640",
            "0o17",
            "0x1F",
            "1_000",
            "1e3",
            "1.",
            ".5",
            ".inf",
            "-.nan",
            "12:30",
            "1:20:30",
            "2026-11-23",
            "=",
            "<<",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "a: b",
            "a #b",
            "- a",
            "? a",
            "| a",
            "a\nb",
            "a\n",
            "\na",
            " a",
            "a ",
            "\ta",
            "'a'",
            "\"a\"",
            "\\",
            "{}",
            "[]",
            "---",
            "...",
            "${A}",
            "\u{85}a",
            "\u{feff}a",
            "ü",
            "\u{0}",
            "\r\n",
        ];
        for text in texts {
            let json = json!({ "key": text, text: ["in a list", text] });

            let yaml = document(&json).unwrap();

            let read = documents(&yaml).remove(0).root.map(|root| root.to_json());
            assert_eq!(read, Ok(json), "{yaml}");
        }
    }

    #[test]
    fn a_long_text_comes_back_as_it_is() {
        let long = "a word and  another word ".repeat(20);
        let json = json!({ "plain": long, "lines": format!("{long}\n\n{long}\n") });

        let yaml = document(&json).unwrap();

        let read = documents(&yaml).remove(0).root.map(|root| root.to_json());
        assert_eq!(read, Ok(json), "{yaml}");
    }
}
