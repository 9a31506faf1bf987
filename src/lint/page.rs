//! The rules, explained.

use std::fmt::Write;

use super::{Rule, rules};

/// Returns the page of all rules as Markdown: the documentation of [`rules`].
pub fn page() -> String {
    let mut page = String::from(
        "The rules of `walcast lint`: one file for each subject.\n\n\
         A level is that of a certain finding: what depends on a placeholder, a patch or a version \
         that the files do not tell is at most a warning. Sources: C is cloudnative-pg/cloudnative-pg, \
         B cloudnative-pg/plugin-barman-cloud, L cloudnative-pg/barman-cloud, D dalibo/cnpg-plugin-pgbackrest, \
         P pgbackrest/pgbackrest, M EnterpriseDB/barman, each with a path or the number of an issue; \
         § is a section of the project's fact sheet.\n\n\
         | id | name | level | what is wrong |\n| --- | --- | --- | --- |\n",
    );
    for rule in rules::all() {
        let (id, name, level, summary) = (rule.id, rule.name, rule.level, rule.summary);
        let anchor = format!("{}-{name}", id.to_ascii_lowercase());
        writeln!(
            page,
            "| [{id}](#{anchor}) | `{name}` | {level} | {summary} |"
        )
        .expect("a string takes all");
    }
    for rule in rules::all() {
        let (id, name, level) = (rule.id, rule.name, rule.level);
        write!(
            page,
            "\n## {id} {name}\n\n{} ({level})\n\n{}\n\n**What to do.** {}\n\nSource: {}\n",
            rule.summary, rule.reason, rule.remedy, rule.source
        )
        .expect("a string takes all");
    }
    page
}

/// Returns what there is to know of a rule, as text for a terminal.
pub fn explain(rule: &Rule) -> String {
    format!(
        "{} {} ({})\n\n{}\n\n{}\n\nWhat to do: {}\n\nSource: {}\n\
         Allow it where it is meant: # walcast: allow {} REASON\n",
        rule.id,
        rule.name,
        rule.level,
        rule.summary,
        rule.reason,
        rule.remedy,
        rule.source,
        rule.id
    )
}
