//! `walcast lint`: traps in manifests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use serde_json::json;
use walcast::{
    clock::{Clock, SystemClock},
    inventory::Inventory,
    lint::{self, Fixed, Level, Report, Settings, fix, lint, output as report_as, rules},
};

use crate::{
    configuration::VariableOptions,
    diff, manifests,
    output::{self, FAILED, Failure, ReportFormat},
};

#[derive(Args, Debug)]
pub(crate) struct Lint {
    /// Files and folders; a folder is read with all below it that ends in `.yaml` or `.yml`. `-` is
    /// standard input.
    #[arg(value_name = "PATH", required_unless_present_any = ["explain", "list"])]
    paths: Vec<PathBuf>,
    /// A file with levels of rules. Default: `.walcast-lint.yaml` if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ends with 1 also when there are only warnings.
    #[arg(long, value_name = "LEVEL", value_enum)]
    deny: Option<Deny>,
    /// Shows, as a patch, what can be mended safely. Comments and layout stay.
    #[arg(long)]
    fix: bool,
    /// Writes what --fix shows.
    #[arg(long, requires = "fix")]
    write: bool,
    /// Explains a rule, by its id or name.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["list", "fix"])]
    explain: Option<String>,
    /// Lists the rules.
    #[arg(long, conflicts_with = "fix")]
    list: bool,
    #[command(flatten)]
    variables: VariableOptions,
}

/// What is not accepted beside errors.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Deny {
    Warnings,
}

/// The exit code when it cannot be told whether there are traps.
pub(crate) const UNKNOWN: u8 = 2;

/// Where levels of rules are looked for.
const CONFIG: &str = ".walcast-lint.yaml";

impl Lint {
    pub(crate) fn run(&self, format: ReportFormat) -> Result<u8, Failure> {
        if let Some(name) = &self.explain {
            return explain(name);
        }
        if self.list {
            list(format);
            return Ok(0);
        }
        let settings = self.settings()?;
        let inventory = manifests::read(&self.paths, &self.variables)?;
        let report = lint(&inventory, &settings);
        if self.fix {
            return self.mend(&inventory, &report, &settings);
        }
        print(&inventory, &report, format);
        Ok(self.code(&report))
    }

    fn code(&self, report: &Report) -> u8 {
        let accepted = match self.deny {
            Some(Deny::Warnings) => Level::Note,
            None => Level::Warning,
        };
        match report.worst() {
            Some(worst) if worst > accepted => FAILED,
            Some(_) | None => 0,
        }
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let settings = Settings::new(SystemClock.now());
        let path = match &self.config {
            Some(path) => path,
            None if Path::new(CONFIG).exists() => Path::new(CONFIG),
            None => return Ok(settings),
        };
        let failure = |cause: String| Failure::new(format!("{}: {cause}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| failure(error.to_string()))?;
        let read = settings.read(&text);
        read.map_err(|error| Failure::new(format!("{}:{error}", path.display())))
    }

    fn mend(
        &self,
        inventory: &Inventory,
        report: &Report,
        settings: &Settings,
    ) -> Result<u8, Failure> {
        let fixed = fix(inventory, report);
        if !self.write {
            for one in &fixed {
                output::print(&patch(inventory, one));
            }
            return Ok(self.code(report));
        }
        for one in &fixed {
            manifests::replace(&one.file, &one.text)?;
            output::print(&format!("{}: {} mended\n", one.file.display(), one.mended));
        }
        let inventory = manifests::read(&self.paths, &self.variables)?;
        let report = lint(&inventory, settings);
        print(&inventory, &report, ReportFormat::Text);
        Ok(self.code(&report))
    }
}

fn explain(name: &str) -> Result<u8, Failure> {
    let Some(rule) = lint::rule(name) else {
        let hint = "`walcast lint --list` has all rules.";
        let failure = Failure::new(format!("there is no rule `{name}`"));
        return Err(failure.with_hint(Some(hint)));
    };
    output::print(&lint::explain(rule));
    Ok(0)
}

fn list(format: ReportFormat) {
    if format == ReportFormat::Json {
        let rules = rules::all().map(|rule| {
            json!({
                "id": rule.id,
                "name": rule.name,
                "level": rule.level,
                "summary": rule.summary,
            })
        });
        output::print_json(&rules.collect::<Vec<_>>());
        return;
    }
    let line = |rule: &lint::Rule| {
        format!(
            "{} {:8} {:32} {}\n",
            rule.id, rule.level, rule.name, rule.summary
        )
    };
    output::print(&rules::all().map(line).collect::<String>());
}

fn print(inventory: &Inventory, report: &Report, format: ReportFormat) {
    match format {
        ReportFormat::Json => output::print_json(report),
        ReportFormat::Sarif => output::print_json(&report_as::sarif(report)),
        ReportFormat::Github => output::print(&report_as::github(report)),
        // Metrics are not asked of it.
        ReportFormat::Text | ReportFormat::OpenMetrics => {
            output::print(&report_as::text(inventory, report));
        }
    }
}

fn patch(inventory: &Inventory, fixed: &Fixed) -> String {
    let files = inventory.files().iter();
    let old = files.clone().find(|file| file.name == fixed.file);
    let old = old.map_or("", |file| file.text.as_str());
    diff::unified(&fixed.file.display().to_string(), old, &fixed.text)
}
