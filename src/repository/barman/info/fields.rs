//! The fields by name, and the form of each one's value.

use std::{fmt::Display, str::FromStr};

use super::{BackupInfo, InfoTablespace};
use crate::{
    pg::{Oid, SegmentSize, TimelineId},
    repository::barman::Literal,
};

/// Reads and writes a value in one of the forms that the file has.
trait Form<T> {
    fn read(text: &str) -> Result<T, String>;
    fn write(value: &T) -> String;
}

/// Bare text, as the type itself has it.
struct Bare;
/// Text as a literal.
struct Quoted;
/// Any other literal.
struct Python;
/// A number that stands for something.
struct Number;

macro_rules! fields {
    ($($name:ident: $form:ident),* $(,)?) => {
        impl BackupInfo {
            /// Sets a field from its text; `None` if there is no such field.
            pub(super) fn set(&mut self, name: &str, text: &str) -> Option<Result<(), String>> {
                let result = match name {
                    $(stringify!($name) => read::<$form, _>(text).map(|value| self.$name = value),)*
                    _ => return None,
                };
                Some(result)
            }

            /// Returns every field that is written, with its text.
            pub(super) fn values(&self) -> Vec<(&str, String)> {
                let all = [$((stringify!($name), self.$name.as_ref().map(<$form as Form<_>>::write))),*];
                all.into_iter()
                    .filter(|(name, text)| text.is_some() || !LEFT_OUT_IF_NOTHING.contains(name))
                    .map(|(name, text)| (name, text.unwrap_or_else(|| NOTHING.to_owned())))
                    .collect()
            }
        }
    };
}

fields! {
    backup_label: Quoted,
    backup_name: Bare,
    begin_offset: Bare,
    begin_time: Bare,
    begin_wal: Bare,
    begin_xlog: Bare,
    children_backup_ids: Bare,
    cluster_size: Bare,
    compression: Bare,
    config_file: Bare,
    copy_stats: Python,
    data_checksums: Bare,
    deduplicated_size: Bare,
    encryption: Bare,
    end_offset: Bare,
    end_time: Bare,
    end_wal: Bare,
    end_xlog: Bare,
    error: Bare,
    hba_file: Bare,
    ident_file: Bare,
    included_files: Python,
    mode: Bare,
    parent_backup_id: Bare,
    pgdata: Bare,
    server_name: Bare,
    size: Bare,
    snapshots_info: Python,
    status: Bare,
    summarize_wal: Bare,
    systemid: Bare,
    tablespaces: Python,
    timeline: Number,
    version: Bare,
    xlog_segment_size: Number,
}

const NOTHING: &str = "None";
const LEFT_OUT_IF_NOTHING: &[&str] = &["backup_name", "snapshots_info"];

fn read<F: Form<T>, T>(text: &str) -> Result<Option<T>, String> {
    match text {
        NOTHING => Ok(None),
        text => F::read(text).map(Some),
    }
}

impl<T: Display + FromStr<Err: Display>> Form<T> for Bare {
    fn read(text: &str) -> Result<T, String> {
        text.parse().map_err(|error: T::Err| error.to_string())
    }

    fn write(value: &T) -> String {
        value.to_string()
    }
}

impl Form<String> for Quoted {
    fn read(text: &str) -> Result<String, String> {
        let literal = <Python as Form<Literal>>::read(text)?;
        literal
            .as_text()
            .map(str::to_owned)
            .ok_or_else(|| "it is no text".to_owned())
    }

    fn write(value: &String) -> String {
        Literal::from(value.as_str()).to_string()
    }
}

impl Form<Literal> for Python {
    fn read(text: &str) -> Result<Literal, String> {
        Literal::parse(text).map_err(|error| error.to_string())
    }

    fn write(value: &Literal) -> String {
        value.to_string()
    }
}

impl Form<Vec<String>> for Python {
    fn read(text: &str) -> Result<Vec<String>, String> {
        list(text, |path| path.as_text().map(str::to_owned), "text")
    }

    fn write(value: &Vec<String>) -> String {
        let paths = value.iter().map(|path| Literal::from(path.as_str()));
        Literal::List(paths.collect()).to_string()
    }
}

impl Form<Vec<InfoTablespace>> for Python {
    fn read(text: &str) -> Result<Vec<InfoTablespace>, String> {
        list(text, tablespace, "name, number and path of a tablespace")
    }

    fn write(value: &Vec<InfoTablespace>) -> String {
        let tablespaces = value.iter().map(|tablespace| {
            Literal::Tuple(vec![
                Literal::from(tablespace.name.as_str()),
                Literal::Int(tablespace.oid.get().into()),
                Literal::from(tablespace.location.as_str()),
            ])
        });
        Literal::List(tablespaces.collect()).to_string()
    }
}

impl Form<TimelineId> for Number {
    fn read(text: &str) -> Result<TimelineId, String> {
        let number: u32 = Bare::read(text)?;
        TimelineId::new(number).map_err(|error| error.to_string())
    }

    fn write(value: &TimelineId) -> String {
        value.get().to_string()
    }
}

impl Form<SegmentSize> for Number {
    fn read(text: &str) -> Result<SegmentSize, String> {
        let bytes: u64 = Bare::read(text)?;
        SegmentSize::new(bytes).map_err(|error| error.to_string())
    }

    fn write(value: &SegmentSize) -> String {
        value.bytes().to_string()
    }
}

fn list<T>(
    text: &str,
    item: impl Fn(&Literal) -> Option<T>,
    expected: &str,
) -> Result<Vec<T>, String> {
    let literal = <Python as Form<Literal>>::read(text)?;
    let items = literal
        .as_items()
        .and_then(|items| items.iter().map(item).collect());
    items.ok_or_else(|| format!("it is no list whose items are {expected}"))
}

/// Reads `('name', oid, 'path')`; the number may be text, as some old tools wrote it.
fn tablespace(literal: &Literal) -> Option<InfoTablespace> {
    let [name, oid, location] = literal.as_items()? else {
        return None;
    };
    let oid = match oid.as_text() {
        Some(text) => text.parse().ok()?,
        None => Oid::new(oid.as_int()?.try_into().ok()?)?,
    };
    Some(InfoTablespace {
        name: name.as_text()?.to_owned(),
        oid,
        location: location.as_text()?.to_owned(),
    })
}
