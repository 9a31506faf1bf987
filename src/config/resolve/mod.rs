//! From an `ObjectStore`, or a repository of a `Stanza`, to a destination.

mod s3;
mod stanza;

use std::collections::BTreeMap;

use super::{
    BarmanConfig, DestinationConfig, LayoutConfig, Location, Place, Problem, SecretError,
    SecretRef, SecretSource, decoding,
    destination_path::DestinationPath,
    places::is_resource_name,
    resource::{NAME, Resource},
};
use crate::{
    crd::{
        barman_cloud::{BarmanObjectStoreConfiguration, ObjectStore},
        core::SecretKeySelector,
    },
    manifest::{Path, Value},
    secret::Secret,
};

/// Resolves one resource, collecting problems on the way.
#[derive(Debug)]
pub(super) struct Resolver<'a> {
    resource: &'a Resource<'a>,
    /// The way to the fields that are looked at.
    base: Path,
    secrets: &'a dyn SecretSource,
    /// Of the form: fields that do not exist, values of another kind.
    formal: Vec<Problem>,
    /// Of the meaning.
    semantic: Vec<Problem>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(resource: &'a Resource<'a>, secrets: &'a dyn SecretSource) -> Self {
        Self {
            resource,
            base: ["spec", "configuration"].into_iter().collect(),
            secrets,
            formal: Vec::new(),
            semantic: Vec::new(),
        }
    }

    /// Returns the problems; those that only follow from others are left out.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let Self {
            formal, semantic, ..
        } = self;
        let is_consequence = |problem: &Problem| {
            let path = &problem.place.path;
            problem.is_error()
                && formal.iter().any(|cause| {
                    let cause = &cause.place.path;
                    cause.contains(path) || path.contains(cause)
                })
        };
        let semantic: Vec<Problem> = semantic
            .into_iter()
            .filter(|problem| !is_consequence(problem))
            .collect();
        formal.into_iter().chain(semantic).collect()
    }

    /// Returns the destination, `server_name` being that of the cluster; `None` after an error
    /// that leaves none.
    pub(super) fn destination(&mut self, server_name: Option<&str>) -> Option<DestinationConfig> {
        self.check_name();
        let store: ObjectStore = decoding::object_store(self.resource, &mut self.formal)?;
        let retention = store.spec.retention_policy().and_then(Result::ok);
        let configuration = store.spec.configuration;
        self.refuse_other_clouds();
        self.warn_of_arguments(&configuration);
        let max_parallel = self.max_parallel(&configuration);
        self.check_jobs(&configuration);
        let own_server_name = self.own_server_name(&configuration);
        let location = self.location(&configuration)?;
        let wal = configuration.wal.unwrap_or_default();
        let data = configuration.data.unwrap_or_default();
        let immediate_checkpoint = data.immediate_checkpoint();
        let history_tags = pairs(configuration.history_tags);
        Some(DestinationConfig {
            id: self.resource.name.to_owned(),
            location,
            layout: LayoutConfig::Barman(BarmanConfig {
                server_name: own_server_name.or_else(|| server_name.map(ToOwned::to_owned)),
                wal_compression: wal.compression,
                data_compression: data.compression,
                retention,
            }),
            encryption: wal.encryption,
            immediate_checkpoint,
            data_encryption: data.encryption,
            max_parallel,
            jobs: data.jobs.and_then(|jobs| u32::try_from(jobs).ok()),
            tags: pairs(configuration.tags),
            history_tags: (!history_tags.is_empty()).then_some(history_tags),
        })
    }

    fn check_name(&mut self) {
        let (name, kind) = (self.resource.name, self.resource.kind);
        if name.is_empty() {
            self.semantic
                .push(self.resource.error(NAME, format!("the {kind} has no name")));
        } else if !is_resource_name(name) {
            let message = format!("`{name}` cannot be the name of a resource");
            let hint = "Use lower-case letters and digits, with `-` and `.` between them.";
            self.semantic
                .push(self.resource.error(NAME, message).hint(hint));
        }
    }

    fn refuse_other_clouds(&mut self) {
        for field in ["azureCredentials", "googleCredentials"] {
            if self.has(&[field]) {
                let place = self.key_place(&[field]);
                let problem = Problem::error(place, format!("{field} is not supported yet"));
                let hint = "Use a store that speaks the S3 protocol with `s3Credentials`.";
                self.semantic.push(problem.hint(hint));
            }
        }
    }

    fn max_parallel(&mut self, configuration: &BarmanObjectStoreConfiguration) -> Option<u32> {
        let wanted = configuration.wal.as_ref()?.max_parallel?;
        let valid = u32::try_from(wanted).ok().filter(|wanted| *wanted >= 1);
        if valid.is_none() {
            let message = format!("maxParallel is {wanted}, which is not a number of segments");
            let problem = self.error(&["wal", "maxParallel"], message);
            self.semantic
                .push(problem.hint("Use 1 or more; without it it is 1."));
        }
        valid
    }

    fn check_jobs(&mut self, configuration: &BarmanObjectStoreConfiguration) {
        let jobs = configuration.data.as_ref().and_then(|data| data.jobs);
        if let Some(jobs) = jobs.filter(|jobs| *jobs < 1) {
            let message = format!("jobs is {jobs}, which is not a number of uploads");
            let problem = self.error(&["data", "jobs"], message);
            self.semantic.push(problem.hint("Use 1 or more."));
        }
    }

    fn own_server_name(
        &mut self,
        configuration: &BarmanObjectStoreConfiguration,
    ) -> Option<String> {
        let name = configuration.server_name.clone()?;
        let problem = if name.is_empty() {
            let hint = "Leave it out to use the cluster's name.";
            self.error(&["serverName"], "serverName is empty")
                .hint(hint)
        } else {
            let hint = "Kubernetes refuses it here: set it in the parameters of the Cluster's \
                        plugin entry.";
            self.warning(
                &["serverName"],
                "serverName does not belong into an ObjectStore",
            )
            .hint(hint)
        };
        self.semantic.push(problem);
        Some(name)
    }

    /// They are arguments of Barman's programs, which walcast does not run.
    fn warn_of_arguments(&mut self, configuration: &BarmanObjectStoreConfiguration) {
        let wal = configuration.wal.as_ref();
        let data = configuration.data.as_ref();
        let lists = [
            (
                "wal",
                "archiveAdditionalCommandArgs",
                wal.and_then(|wal| wal.archive_additional_command_args.as_ref()),
            ),
            (
                "wal",
                "restoreAdditionalCommandArgs",
                wal.and_then(|wal| wal.restore_additional_command_args.as_ref()),
            ),
            (
                "data",
                "additionalCommandArgs",
                data.and_then(|data| data.additional_command_args.as_ref()),
            ),
            (
                "data",
                "restoreAdditionalCommandArgs",
                data.and_then(|data| data.restore_additional_command_args.as_ref()),
            ),
        ];
        for (section, field, arguments) in lists {
            for (i, argument) in arguments.into_iter().flatten().enumerate() {
                let name = argument.split('=').next().unwrap_or_default();
                let path = self.path(&[section, field]).index(i);
                let message = format!("argument `{name}` is ignored by walcast");
                self.semantic.push(self.resource.warning(path, message));
            }
        }
    }

    fn location(&mut self, configuration: &BarmanObjectStoreConfiguration) -> Option<Location> {
        match DestinationPath::parse(&configuration.destination_path) {
            Ok(DestinationPath::S3 { bucket, prefix }) => {
                self.s3(configuration, bucket, prefix).map(Location::S3)
            }
            Ok(DestinationPath::File { path }) => {
                self.warn_of_settings_for_s3();
                Some(Location::File { path })
            }
            Err(error) => {
                let problem = self.error(&["destinationPath"], error.to_string());
                self.semantic.push(problem.hint(error.hint()));
                None
            }
        }
    }

    fn warn_of_settings_for_s3(&mut self) {
        let fields: [&[&str]; 7] = [
            &["endpointURL"],
            &["endpointCA"],
            &["s3Credentials"],
            &["wal", "encryption"],
            &["data", "encryption"],
            &["tags"],
            &["historyTags"],
        ];
        for field in fields {
            if self.has(field) {
                let name = field.join(".");
                let message = format!("{name} means nothing for a file destination");
                let place = self.key_place(field);
                self.semantic.push(Problem::warning(place, message));
            }
        }
    }

    /// Returns the value that `selector` at `field` names, without a line break at its end.
    fn secret(&mut self, field: &[&str], selector: Option<&SecretKeySelector>) -> Option<Secret> {
        let value = self.raw_secret(field, selector?)?;
        let text = value.reveal();
        let trimmed = text.strip_suffix('\n').unwrap_or(text);
        let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
        let path = self.path(field).key("key");
        let problem = if trimmed.is_empty() {
            self.resource
                .error(path, "the value in the secret is empty")
        } else if trimmed.contains(char::is_control) {
            let hint = "Check for line breaks: it is sent in a header, which has one line.";
            let message = "the value in the secret has control characters";
            self.resource.error(path, message).hint(hint)
        } else if trimmed.len() < text.len() {
            let hint = "Remove it, Barman would send it: `printf` writes none, `echo` does.";
            let message = "the line break at the end of the value in the secret is left out";
            self.resource.warning(path, message).hint(hint)
        } else {
            return Some(value);
        };
        let usable = !problem.is_error();
        self.semantic.push(problem);
        usable.then(|| Secret::new(trimmed))
    }

    /// Returns the value that `selector` at `field` names, as it is.
    fn raw_secret(&mut self, field: &[&str], selector: &SecretKeySelector) -> Option<Secret> {
        let wanted = SecretRef {
            namespace: self.resource.text(&["metadata", "namespace"]),
            name: &selector.name,
            key: &selector.key,
        };
        match self.secrets.value(wanted) {
            Ok(value) => Some(value),
            // It has problems of its own, which are reported where it is.
            Err(SecretError::Unusable(_)) => None,
            Err(error) => {
                let part = match error {
                    SecretError::NoSecret(_) => "name",
                    _ => "key",
                };
                let message = with_source(&error);
                let problem = self.resource.error(self.path(field).key(part), message);
                self.semantic.push(problem.hint(error.hint()));
                None
            }
        }
    }

    fn error(&self, field: &[&str], message: impl Into<String>) -> Problem {
        self.resource.error(self.path(field), message)
    }

    fn warning(&self, field: &[&str], message: impl Into<String>) -> Problem {
        self.resource.warning(self.path(field), message)
    }

    fn key_place(&self, field: &[&str]) -> Place {
        self.resource.key_place(&self.path(field))
    }

    /// Returns the way to a field.
    fn path(&self, field: &[&str]) -> Path {
        field
            .iter()
            .fold(self.base.clone(), |path, key| path.key(*key))
    }

    /// Returns whether something is written at `field`, usable or not.
    fn has(&self, field: &[&str]) -> bool {
        let node = self.resource.node.get(&self.path(field));
        node.is_some_and(|node| node.value != Value::Null)
    }
}

fn pairs(map: Option<BTreeMap<String, String>>) -> Vec<(String, String)> {
    map.into_iter().flatten().collect()
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
