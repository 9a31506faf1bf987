//! Which metrics an expression asks Prometheus for, and whether they are there.

use std::collections::BTreeSet;

use super::sample::Rendered;

/// Words that stand where the name of a metric could.
const WORDS: [&str; 7] = ["and", "or", "unless", "bool", "offset", "atan2", "inf"];
/// Words that labels follow in brackets.
const GROUPINGS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
/// Labels that Prometheus adds.
const ADDED: [&str; 3] = ["namespace", "job", "instance"];

/// What an expression asks for.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Asked {
    /// The metrics, each with its matchers: label, operator, value.
    pub(super) metrics: Vec<(String, Vec<[String; 3]>)>,
    /// The labels by which it groups and joins.
    pub(super) labels: BTreeSet<String>,
}

impl Asked {
    pub(super) fn by(expression: &str) -> Self {
        let tokens = tokens(expression);
        let mut asked = Self::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let next = tokens.get(at + 1).map_or("", String::as_str);
            at += 1;
            match token.as_str() {
                "[" => at = after("]", &tokens, at),
                "{" => {
                    let end = after("}", &tokens, at);
                    let (_, matchers) = asked.metrics.last_mut().expect("a metric");
                    *matchers = tokens[at..end - 1]
                        .split(|token| token == ",")
                        .map(|matcher| matcher.to_vec().try_into().expect("label, operator, value"))
                        .collect();
                    at = end;
                }
                word if GROUPINGS.contains(&word) => {
                    let end = after(")", &tokens, at);
                    let labels = tokens[at + 1..end - 1].iter().filter(|one| *one != ",");
                    asked.labels.extend(labels.cloned());
                    at = end;
                }
                word if WORDS.contains(&word) || next == "(" || GROUPINGS[..2].contains(&next) => {}
                word if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                    asked.metrics.push((word.to_owned(), Vec::new()));
                }
                _ => {}
            }
        }
        asked
    }

    /// Returns what the expression asks for that is not there.
    pub(super) fn missing_in(&self, rendered: &Rendered) -> Vec<String> {
        let mut missing = Vec::new();
        let mut known: BTreeSet<&str> = ADDED.into();
        for (metric, matchers) in &self.metrics {
            let Some(labels) = rendered.0.get(metric) else {
                missing.push(metric.clone());
                continue;
            };
            known.extend(labels.keys().map(String::as_str));
            for [label, operator, value] in matchers {
                let Some(values) = labels.get(label) else {
                    missing.push(format!("{metric}{{{label}}}"));
                    continue;
                };
                let is_set_by_a_person = value.contains('$');
                let wanted = value.split('|').filter(|_| !is_set_by_a_person);
                let absent = wanted.filter(|value| !values.contains(*value));
                missing.extend(
                    absent.map(|value| format!("{metric}{{{label}{operator}\"{value}\"}}")),
                );
            }
        }
        let unknown = self
            .labels
            .iter()
            .filter(|one| !known.contains(one.as_str()));
        missing.extend(unknown.cloned());
        missing
    }
}

/// Returns the index after the next `closing`.
fn after(closing: &str, tokens: &[String], from: usize) -> usize {
    let found = tokens[from..].iter().position(|token| token == closing);
    from + found.expect("what opens is closed") + 1
}

/// Returns words, values of strings, operators and brackets.
fn tokens(expression: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' => {
                let end = rest[1..].find('"').expect("a string ends") + 1;
                tokens.push(rest[1..end].to_owned());
                rest = rest[end + 1..].trim_start();
                continue;
            }
            c if is_of_a_word(c) => rest.find(|c| !is_of_a_word(c)).unwrap_or(rest.len()),
            '=' | '!' | '<' | '>' if rest[1..].starts_with(['=', '~']) => 2,
            c => c.len_utf8(),
        };
        tokens.push(rest[..len].to_owned());
        rest = rest[len..].trim_start();
    }
    tokens
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '$' | '.')
}

#[test]
fn names_matchers_and_groups_are_found() {
    let asked = Asked::by(
        r#"sum by (a, le) (rate(x_total{b="1", c=~"2|3"}[5m])) / on (d) 1.5 * y > bool time() - z"#,
    );

    let matcher = |label: &str, operator: &str, value: &str| {
        [label.to_owned(), operator.to_owned(), value.to_owned()]
    };
    let expected = Asked {
        metrics: vec![
            (
                "x_total".to_owned(),
                vec![matcher("b", "=", "1"), matcher("c", "=~", "2|3")],
            ),
            ("y".to_owned(), Vec::new()),
            ("z".to_owned(), Vec::new()),
        ],
        labels: ["a", "d", "le"].map(str::to_owned).into(),
    };
    assert_eq!(asked, expected);
}

#[test]
fn what_is_not_rendered_is_missed() {
    let rendered = Rendered::of("# HELP x y\nx{destination=\"a\",state=\"down\"} 1\ny 2\n# EOF\n");
    let missing = |expression| Asked::by(expression).missing_in(&rendered);

    assert_eq!(
        missing(r#"sum by (state, job) (x{state="down"}) or y"#),
        [""; 0]
    );
    assert_eq!(missing(r#"x{destination=~"$destination"}"#), [""; 0]);
    assert_eq!(missing("rate(x_total[5m]) > 0"), ["x_total"]);
    assert_eq!(missing(r#"x{state=~"down|dead"}"#), [r#"x{state=~"dead"}"#]);
    assert_eq!(missing(r#"y{state="down"}"#), ["y{state}"]);
    assert_eq!(missing("sum by (operation) (x)"), ["operation"]);
}
