//! The parameters of the cluster's plugin entry [`PLUGIN`], from one table.
//!
//! Each parameter stands once in [`PARAMETERS`], with its name, grammar, default and meaning: what
//! is read, what a complaint says and what the documentation shows come from there.

use std::{fmt::Write as _, str::FromStr, time::Duration};

use super::{
    Problem,
    reference::{InvalidReference, Reference},
    resource::Resource,
};
use crate::{
    byte_size::ByteSize,
    codec::Codec,
    destination::DestinationId,
    fanout::{AtLimit, MinCopies},
    go_duration::GoDuration,
    manifest::{Node, Path, Value, closest},
};

/// The name by which a `Cluster` lists walcast in `spec.plugins`.
pub const PLUGIN: &str = "walcast.dev";

/// What a cluster's plugin entry says; what it leaves out is `None`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Parameters {
    /// The destinations, in this order; `None` takes all that the files have.
    pub destinations: Option<Vec<Reference>>,
    /// The name of the cluster's folder in each destination.
    pub server_name: Option<String>,
    /// How many destinations must hold a file before it counts as archived.
    pub min_copies: Option<MinCopies>,
    /// Destinations that must hold it in any case.
    pub required: Option<Vec<DestinationId>>,
    /// How long a destination is waited for beyond that.
    pub patience: Option<Duration>,
    /// How long is waited for what must hold, before the file is refused.
    pub deadline: Option<Duration>,
    /// What happens when the spool is full.
    pub at_limit: Option<AtLimit>,
    /// Bytes of debts older than this are dropped from the spool.
    pub max_debt_age: Option<Duration>,
    /// Most bytes of WAL in the spool.
    pub spool_limit: Option<ByteSize>,
    /// Most bytes of WAL in memory.
    pub memory: Option<ByteSize>,
    /// The codec of base backups in Barman's layout.
    pub data_compression: Option<ArchiveCodec>,
}

/// How the archives of a base backup are compressed; `None` leaves them as they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ArchiveCodec(pub Option<Codec>);

impl ArchiveCodec {
    /// What has to be said of zstd: resources cannot ask for it, so somebody else did.
    pub const OF_ZSTD: &'static str =
        "Barman's tools before 3.20 neither restore nor delete base backups in zstd";

    /// Returns what to know of the choice.
    pub fn warning(self) -> Option<&'static str> {
        (self.0 == Some(Codec::Zstd)).then_some(Self::OF_ZSTD)
    }
}

impl FromStr for ArchiveCodec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        let codec = Codec::from_barman_name(text).filter(|codec| *codec != Codec::Xz);
        let codec = codec.ok_or_else(|| format!("`{text}` is no codec of base backups"))?;
        Ok(Self(Some(codec)))
    }
}

/// One parameter of the plugin entry.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What can be written there.
    pub grammar: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
    read: fn(&str, &mut Parameters) -> Result<(), String>,
}

/// Every parameter that walcast knows.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "destinations",
        grammar: "`ObjectStore/NAME`, `Stanza/NAME/N`, …",
        default: "all in the files",
        meaning: "Where the cluster's backups go. N is the number of a repository of the Stanza, \
                  from 1; without it all of them.",
        read: |text, to| set(&mut to.destinations, references(text)),
    },
    Parameter {
        name: "serverName",
        grammar: "a name",
        default: "the Cluster's name",
        meaning: "The cluster's folder in each `ObjectStore`.",
        read: |text, to| set(&mut to.server_name, name(text)),
    },
    Parameter {
        name: "minCopies",
        grammar: "a number, or `all`",
        default: "1",
        meaning: "How many destinations must hold a file before PostgreSQL hears that it is \
                  archived.",
        read: |text, to| set(&mut to.min_copies, text.parse().map_err(|e| format!("{e}"))),
    },
    Parameter {
        name: "required",
        grammar: "destinations, as above",
        default: "none",
        meaning: "Destinations that must hold it in any case.",
        read: |text, to| set(&mut to.required, required(text)),
    },
    Parameter {
        name: "patience",
        grammar: "a duration such as `10s`",
        default: "10s",
        meaning: "How long a destination is waited for beyond that; one that is late owes the file.",
        read: |text, to| set(&mut to.patience, duration(text)),
    },
    Parameter {
        name: "deadline",
        grammar: "a duration",
        default: "1m",
        meaning: "How long is waited for what must hold, before the file is refused.",
        read: |text, to| set(&mut to.deadline, duration(text)),
    },
    Parameter {
        name: "atLimit",
        grammar: "`back-fill` or `refuse`",
        default: "back-fill",
        meaning: "What happens when the spool is full and one more file would be owed: it is \
                  recorded without its bytes, or PostgreSQL keeps it.",
        read: |text, to| set(&mut to.at_limit, text.parse().map_err(|e| format!("{e}"))),
    },
    Parameter {
        name: "maxDebtAge",
        grammar: "a duration",
        default: "none",
        meaning: "Bytes of debts older than this are dropped from the spool, and fetched from \
                  another destination when the time comes.",
        read: |text, to| set(&mut to.max_debt_age, duration(text)),
    },
    Parameter {
        name: "spoolLimit",
        grammar: "a size such as `4GiB`",
        default: "4GiB",
        meaning: "Most bytes of WAL in the spool.",
        read: |text, to| set(&mut to.spool_limit, size(text)),
    },
    Parameter {
        name: "memory",
        grammar: "a size",
        default: "64MiB",
        meaning: "Most bytes of WAL in memory.",
        read: |text, to| set(&mut to.memory, size(text)),
    },
    Parameter {
        name: "dataCompression",
        grammar: "`none`, `bzip2`, `gzip`, `lz4`, `snappy` or `zstd`",
        default: "that of each `ObjectStore`",
        meaning: "The codec of base backups in Barman's layout. Barman's tools before 3.20 neither \
                  restore nor delete those in zstd.",
        read: |text, to| set(&mut to.data_compression, text.parse()),
    },
];

/// Returns the table of parameters in Markdown, as the README has it.
pub fn parameters_table() -> String {
    let mut table =
        "| parameter | value | default | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for one in PARAMETERS {
        let Parameter {
            name,
            grammar,
            default,
            meaning,
            ..
        } = one;
        writeln!(table, "| `{name}` | {grammar} | {default} | {meaning} |")
            .expect("a string takes all");
    }
    table
}

/// Reads the parameters of `cluster`'s plugin entry; `None` if it has none or it is switched off.
///
/// Of several entries the last counts, as for the other plugins.
pub(super) fn of_cluster(
    cluster: &Resource<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Parameters> {
    let (path, entry) = entry(cluster, PLUGIN)?;
    if entry.field("enabled").map(|node| &node.value) == Some(&Value::Bool(false)) {
        return None;
    }
    let mut parameters = Parameters::default();
    let path = path.key("parameters");
    let Some(Value::Mapping(written)) = entry.field("parameters").map(|node| &node.value) else {
        return Some(parameters);
    };
    for written in written.entries() {
        let name = &written.key.name;
        let path = path.clone().key(name);
        let problem = match PARAMETERS.iter().find(|one| one.name == name) {
            Some(parameter) => parameter.read(cluster, path, &written.value, &mut parameters),
            None => Some(unknown(cluster, &path, name)),
        };
        problems.extend(problem);
    }
    if let Some(warning) = parameters.data_compression.and_then(ArchiveCodec::warning) {
        let path = path.key("dataCompression");
        problems.push(cluster.warning(path, warning));
    }
    Some(parameters)
}

fn unknown(cluster: &Resource<'_>, path: &Path, name: &str) -> Problem {
    let place = cluster.key_place(path);
    let names = PARAMETERS.iter().map(|one| one.name);
    let hint = match closest(name, names.clone()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("There are {}.", names.collect::<Vec<_>>().join(", ")),
    };
    Problem::error(place, format!("{PLUGIN} has no parameter `{name}`")).hint(hint)
}

impl Parameter {
    /// Reads a value into `parameters`, unless there is a problem with it.
    fn read(
        &self,
        cluster: &Resource<'_>,
        path: Path,
        value: &Node,
        parameters: &mut Parameters,
    ) -> Option<Problem> {
        let Some(text) = value.as_str() else {
            let message = format!("expected text, found {}", value.value.kind());
            let hint = "Put it in quotes: parameters of plugins are text.";
            return Some(cluster.error(path, message).hint(hint));
        };
        let message = (self.read)(text.trim(), parameters).err()?;
        let hint = format!("{} takes {}.", self.name, self.grammar);
        Some(cluster.error(path, message).hint(hint))
    }
}

/// Returns the last entry of the plugin `name` in `spec.plugins`, and the way to it.
pub(super) fn entry<'a>(cluster: &Resource<'a>, name: &str) -> Option<(Path, &'a Node)> {
    let plugins = Path::root().key("spec").key("plugins");
    let entries = cluster.node.get(&plugins)?.items();
    let named = |entry: &Node| entry.field("name").and_then(Node::as_str) == Some(name);
    let index = entries.iter().rposition(named)?;
    Some((plugins.index(index), &entries[index]))
}

fn set<T>(field: &mut Option<T>, read: Result<T, String>) -> Result<(), String> {
    *field = Some(read?);
    Ok(())
}

fn references(text: &str) -> Result<Vec<Reference>, String> {
    let mut references = Vec::new();
    for item in items(text) {
        let reference: Reference = item.parse().map_err(|e: InvalidReference| e.to_string())?;
        if references.contains(&reference) {
            return Err(format!("`{item}` is listed twice"));
        }
        references.push(reference);
    }
    if references.is_empty() {
        return Err("the list is empty: there is nowhere to archive to".to_owned());
    }
    Ok(references)
}

fn required(text: &str) -> Result<Vec<DestinationId>, String> {
    let id = |item: &str| match item.parse::<Reference>() {
        Ok(reference) => {
            DestinationId::parse(&reference.destination_name()).map_err(|error| error.to_string())
        }
        Err(_) => DestinationId::parse(item).map_err(|error| error.to_string()),
    };
    items(text).map(id).collect()
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the name is empty".to_owned());
    }
    Ok(text.to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: GoDuration = text.parse().map_err(|error| format!("{error}"))?;
    let nanoseconds = u64::try_from(duration.as_nanoseconds());
    nanoseconds
        .map(Duration::from_nanos)
        .map_err(|_| format!("`{text}` is negative"))
}

fn size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|error| format!("{error}"))
}
