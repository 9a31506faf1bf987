//! Plans for people.

use std::fmt::Write;

use super::{Plan, Remark, Step};

/// The width of a page, in characters.
const WIDTH: usize = 100;

/// Writes a plan as a person reads it: questions first, then the steps, then what is lost.
pub fn text(plan: &Plan) -> String {
    let mut page = Page::default();
    page.head(plan);
    page.questions(plan);
    for (index, step) in plan.steps.iter().enumerate() {
        page.step(index + 1, step);
    }
    page.remarks("Cannot be moved", &plan.obstacles);
    page.remarks("Not the same afterwards", &plan.losses);
    page.remarks("Left as it is", &plan.untouched);
    page.remarks(
        "Still an error to `walcast lint` in the end",
        &plan.remaining,
    );
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        writeln!(self.0, "{text}").expect("a string takes all");
    }

    fn head(&mut self, plan: &Plan) {
        let target = plan.target.title();
        if plan.is_empty() {
            let why = if plan.is_complete() {
                "nothing has to move"
            } else {
                "nothing can be planned yet"
            };
            self.line(&format!("To {target}: {why}."));
            return;
        }
        let count = plan.steps.len();
        let steps = if count == 1 { "step" } else { "steps" };
        let what = match plan.moved.as_slice() {
            [] => String::new(),
            moved => format!(" for {}", moved.join(", ")),
        };
        self.wrapped("", "", &format!("To {target} in {count} {steps}{what}."));
    }

    fn questions(&mut self, plan: &Plan) {
        if plan.questions.is_empty() {
            return;
        }
        self.line("\nTo be answered first");
        for question in &plan.questions {
            let text = format!("{}: {}", question.about, question.text);
            self.wrapped("- ", "  ", &text);
            self.line(&format!("  {}", question.option));
        }
    }

    fn step(&mut self, number: usize, step: &Step) {
        self.line("");
        let indent = " ".repeat(number.to_string().len() + 2);
        self.line(&format!("{number}. {}", step.title));
        self.wrapped(&indent, &indent, &step.why);
        for change in &step.changes {
            let verb = if change.old.is_some() {
                "changes"
            } else {
                "adds"
            };
            let file = change.file.display();
            let resources = change.resources.join(", ");
            self.line(&format!("{indent}{verb} {file}: {resources}"));
            if !change.is_minimal {
                let text = "its layout could not be kept: its comments stand before the document";
                self.line(&format!("{indent}  {text}"));
            }
        }
        for command in &step.commands {
            self.line(&format!("{indent}$ {command}"));
        }
        for check in &step.checks {
            self.line(&format!("{indent}? {}", check.command));
            self.line(&format!("{indent}  must show: {}", check.expect));
        }
    }

    fn remarks(&mut self, title: &str, remarks: &[Remark]) {
        if remarks.is_empty() {
            return;
        }
        self.line(&format!("\n{title}"));
        for remark in remarks {
            self.wrapped("- ", "  ", &format!("{}: {}", remark.about, remark.text));
        }
    }

    /// Writes a text on lines of a page; those that are in it stay.
    fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        let mut margin = first;
        let mut lines = text.split('\n');
        let mut line = margin.to_owned();
        let mut is_empty = true;
        for word in lines.next().unwrap_or_default().split(' ') {
            let width = line.chars().count() + word.chars().count() + usize::from(!is_empty);
            if !is_empty && width > WIDTH {
                self.line(&line);
                margin = rest;
                margin.clone_into(&mut line);
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.line(&line);
        for more in lines {
            self.line(&format!("{rest}  {more}"));
        }
    }
}
