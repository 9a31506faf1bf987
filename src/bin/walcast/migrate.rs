//! `walcast migrate`: the move of clusters to another kind of backup.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use clap::Args;
use walcast::migrate::{Choices, FileChange, Plan, Target, output::text, plan};

use crate::{
    configuration::VariableOptions,
    diff, manifests,
    output::{self, FAILED, Failure, Format},
};

#[derive(Args, Debug)]
pub(crate) struct Migrate {
    /// Files and folders; a folder is read with all below it that ends in `.yaml` or `.yml`. `-` is
    /// standard input.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Where to: `barman-plugin`, `pgbackrest` or `walcast`.
    #[arg(long, value_name = "TARGET")]
    to: Target,
    /// Moves this Cluster only. May be given several times.
    #[arg(long = "cluster", value_name = "NAME")]
    clusters: Vec<String>,
    /// Leaves traps that `walcast lint --fix` could mend as they are.
    #[arg(long)]
    keep_traps: bool,
    #[command(flatten)]
    form: FormOptions,
    #[command(flatten)]
    answers: AnswerOptions,
    #[command(flatten)]
    variables: VariableOptions,
}

/// In which form the files come.
#[derive(Args, Debug)]
struct FormOptions {
    /// Prints the changes as a patch.
    #[arg(long, conflicts_with_all = ["write", "output_dir"])]
    patch: bool,
    /// Edits the files, and writes new ones beside them.
    #[arg(long, conflicts_with = "output_dir")]
    write: bool,
    /// Writes the files that change and the new ones to a folder, where none of them is yet.
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Takes the first N steps only.
    #[arg(long, value_name = "N")]
    through: Option<usize>,
}

/// What the manifests do not tell.
#[derive(Args, Debug)]
#[command(next_help_heading = "Answers")]
struct AnswerOptions {
    /// The `ObjectStore` (or Stanza) that a Cluster is to use or to go back to.
    #[arg(long = "store", value_name = "CLUSTER=NAME", value_parser = pair)]
    stores: Vec<(String, String)>,
    /// The folder that an external cluster was backed up to.
    #[arg(long = "server-name", value_name = "EXTERNAL=FOLDER", value_parser = pair)]
    server_names: Vec<(String, String)>,
    /// The backup that a Cluster is restored from.
    #[arg(long = "backup", value_name = "CLUSTER=FOLDER/ID", value_parser = pair)]
    backups: Vec<(String, String)>,
    /// The region of an `ObjectStore` (here as below: or of a Cluster that has no `ObjectStore` yet).
    #[arg(long = "region", value_name = "STORE=REGION", value_parser = pair)]
    regions: Vec<(String, String)>,
    /// The host of an `ObjectStore`.
    #[arg(long = "endpoint", value_name = "STORE=HOST[:PORT]", value_parser = pair)]
    endpoints: Vec<(String, String)>,
    /// How pods get the role of an `ObjectStore`: `auto`, `web-id` or `pod-id`.
    #[arg(long = "key-type", value_name = "STORE=TYPE", value_parser = pair)]
    key_types: Vec<(String, String)>,
    /// Leaves the certificates of an `ObjectStore` with an authority of its own unchecked.
    #[arg(long = "unchecked-tls", value_name = "STORE")]
    unchecked: Vec<String>,
    /// The storage class of the spool of the pgBackRest plugin.
    #[arg(long, value_name = "NAME")]
    storage_class: Option<String>,
    /// When a repository without full backups gets them: six fields. Default: on Sundays, each
    /// repository at its own hour.
    #[arg(long, value_name = "SCHEDULE")]
    full_schedule: Option<String>,
    /// Has the Barman Cloud plugin archive beside pgBackRest until the next plan without this.
    #[arg(long)]
    overlap: bool,
    /// Makes a further `ObjectStore` a destination of a Cluster on walcast.
    #[arg(long = "also", value_name = "CLUSTER=ObjectStore/NAME", value_parser = pair)]
    also: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once('=')
        .filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let (name, value) = pair.ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Migrate {
    pub(crate) fn run(&self, format: Format) -> Result<u8, Failure> {
        let inventory = manifests::read(&self.paths, &self.variables)?;
        let plan = plan(&inventory, self.to, &self.choices());
        let steps = self.form.through.unwrap_or(plan.steps.len());
        let files = plan.files(steps);
        let is_written = self.form.write || self.form.output_dir.is_some();
        if self.form.patch {
            for file in &files {
                output::print(&patch(file));
            }
        } else if !is_written || !plan.questions.is_empty() || format == Format::Json {
            print(&plan, format);
        }
        if !plan.questions.is_empty() {
            if is_written || self.form.patch {
                let text = "some questions are open; nothing was written";
                let hint = "Answer them, or choose other Clusters with --cluster.";
                Failure::new(text)
                    .with_hint(Some(hint))
                    .print(format == Format::Json);
            }
            return Ok(FAILED);
        }
        let written = match &self.form.output_dir {
            Some(folder) => write_to(folder, &files)?,
            None if self.form.write => write(&files)?,
            None => String::new(),
        };
        if format == Format::Text {
            output::print(&written);
        }
        Ok(if plan.is_complete() { 0 } else { FAILED })
    }

    fn choices(&self) -> Choices {
        let answers = &self.answers;
        let map = |pairs: &[(String, String)]| -> BTreeMap<String, String> {
            pairs.iter().cloned().collect()
        };
        let mut choices = Choices::default();
        choices.clusters.clone_from(&self.clusters);
        choices.keep_traps = self.keep_traps;
        choices.stores = map(&answers.stores);
        choices.server_names = map(&answers.server_names);
        choices.backups = map(&answers.backups);
        choices.regions = map(&answers.regions);
        choices.endpoints = map(&answers.endpoints);
        choices.key_types = map(&answers.key_types);
        choices.unchecked = answers.unchecked.iter().cloned().collect::<BTreeSet<_>>();
        choices.storage_class.clone_from(&answers.storage_class);
        choices.full_schedule.clone_from(&answers.full_schedule);
        choices.overlap = answers.overlap;
        for (cluster, destination) in &answers.also {
            let also = choices.also.entry(cluster.clone()).or_default();
            also.push(destination.clone());
        }
        choices
    }
}

fn print(plan: &Plan, format: Format) {
    match format {
        Format::Text => output::print(&text(plan)),
        Format::Json => output::print_json(plan),
    }
}

fn patch(file: &FileChange) -> String {
    let name = file.file.display().to_string();
    let page = diff::unified(&name, file.old.as_deref().unwrap_or_default(), &file.new);
    if file.old.is_some() {
        return page;
    }
    page.replacen(&format!("--- {name}\n"), "--- /dev/null\n", 1)
}

/// Edits the files, and writes new ones beside them. Returns what was done.
fn write(files: &[FileChange]) -> Result<String, Failure> {
    let new = files.iter().filter(|file| file.old.is_none());
    refuse_existing(new.map(|file| file.file.as_path()))?;
    let mut page = String::new();
    for file in files {
        if file.old.is_some() {
            manifests::replace(&file.file, &file.new)?;
        } else {
            manifests::create(&file.file, &file.new)?;
        }
        page += &done(&file.file, file);
    }
    Ok(page)
}

fn done(place: &Path, file: &FileChange) -> String {
    format!("{}: {}\n", place.display(), file.resources.join(", "))
}

/// Writes the files below a folder, as they lie below the folder that all of them are in. Returns
/// what was done.
fn write_to(folder: &Path, files: &[FileChange]) -> Result<String, Failure> {
    let common = common(files).unwrap_or_default();
    let place = |file: &FileChange| {
        let rest = file.file.strip_prefix(&common).unwrap_or(&file.file);
        let is_stdin = rest == Path::new(manifests::STDIN);
        let rest = if is_stdin {
            Path::new("stdin.yaml")
        } else {
            rest
        };
        let plain = rest.components();
        let plain = plain.filter(|part| matches!(part, Component::Normal(_)));
        folder.join(plain.collect::<PathBuf>())
    };
    let places: Vec<PathBuf> = files.iter().map(place).collect();
    refuse_existing(places.iter().map(PathBuf::as_path))?;
    let mut page = String::new();
    for (file, place) in files.iter().zip(&places) {
        manifests::create(place, &file.new)?;
        page += &done(place, file);
    }
    Ok(page)
}

fn refuse_existing<'p>(mut paths: impl Iterator<Item = &'p Path>) -> Result<(), Failure> {
    let is_there = |path: &&Path| path.symlink_metadata().is_ok();
    match paths.find(is_there) {
        None => Ok(()),
        Some(path) => {
            let failure = Failure::new(format!("{} is there already", path.display()));
            Err(failure.with_hint(Some(
                "Nothing was written. Move it away, or add it to the paths.",
            )))
        }
    }
}

/// Returns the folder that all files are in.
fn common(files: &[FileChange]) -> Option<PathBuf> {
    let mut folders = files.iter().filter_map(|file| file.file.parent());
    let first = folders.next()?.to_owned();
    Some(folders.fold(first, |common, folder| {
        let same = common.components().zip(folder.components());
        let same = same.take_while(|(one, other)| one == other);
        same.map(|(part, _)| part).collect()
    }))
}
