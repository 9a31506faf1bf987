use std::fmt;

use super::Oid;

/// The name of a file that holds a part of a relation (a table, an index, …).
///
/// Such files are in the directory of a database and in `global`. A relation's fork is cut into
/// files of 1 GiB; the text form is that of PostgreSQL (`src/common/relpath.c`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RelationFile {
    /// The session whose temporary relation it is.
    pub backend: Option<u32>,
    /// The relation's file number, which is not always its identifier in the catalogue.
    pub number: Oid,
    /// Which of the relation's forks.
    pub fork: Fork,
    /// Which file of the fork, counted from 0.
    pub segment: u32,
}

/// A part of a relation with a purpose of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fork {
    /// The data.
    Main,
    /// The map of free space.
    FreeSpaceMap,
    /// The map of what every transaction sees.
    VisibilityMap,
    /// What an unlogged relation is reset to after a crash. Only unlogged ones have it.
    Init,
}

impl RelationFile {
    /// Reads the name of a file; `None` if it is not that of a relation.
    pub fn parse(name: &str) -> Option<Self> {
        let (stem, segment) = match name.split_once('.') {
            None => (name, 0),
            Some((stem, segment)) => (stem, positive(segment)?),
        };
        let (stem, backend) = match stem.strip_prefix('t') {
            None => (stem, None),
            Some(rest) => {
                let (backend, stem) = rest.split_once('_')?;
                (stem, Some(decimal(backend)?))
            }
        };
        let (number, fork) = match stem.split_once('_') {
            None => (stem, Fork::Main),
            Some((number, fork)) => (number, Fork::from_name(fork)?),
        };
        Some(Self {
            backend,
            number: number.parse().ok()?,
            fork,
            segment,
        })
    }

    /// Returns whether it is of a temporary relation, which a restored server removes.
    pub const fn is_temporary(&self) -> bool {
        self.backend.is_some()
    }

    /// Returns the number of its first page within the fork.
    pub const fn first_block(&self) -> u32 {
        self.segment.wrapping_mul(Self::BLOCKS)
    }

    /// How many pages of 8 KiB a file has at most (`RELSEG_SIZE`).
    pub const BLOCKS: u32 = 131_072;
}

impl Fork {
    const ALL: [Self; 4] = [
        Self::Main,
        Self::FreeSpaceMap,
        Self::VisibilityMap,
        Self::Init,
    ];

    /// The part of a name that tells the fork; that of the data is empty.
    const fn name(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::FreeSpaceMap => "fsm",
            Self::VisibilityMap => "vm",
            Self::Init => "init",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|fork| *fork != Self::Main && fork.name() == name)
    }
}

impl fmt::Display for RelationFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(backend) = self.backend {
            write!(f, "t{backend}_")?;
        }
        self.number.fmt(f)?;
        if self.fork != Fork::Main {
            write!(f, "_{}", self.fork.name())?;
        }
        if self.segment > 0 {
            write!(f, ".{}", self.segment)?;
        }
        Ok(())
    }
}

fn decimal(text: &str) -> Option<u32> {
    let is_plain = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    text.parse().ok().filter(|_| is_plain)
}

fn positive(text: &str) -> Option<u32> {
    decimal(text).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, sample::select};

    use super::*;

    #[test]
    fn names_of_relations_are_told_from_others() {
        for (name, backend, number, fork, segment) in [
            ("16384", None, 16384, Fork::Main, 0),
            ("16384.1", None, 16384, Fork::Main, 1),
            ("16384_fsm", None, 16384, Fork::FreeSpaceMap, 0),
            ("16384_vm.2", None, 16384, Fork::VisibilityMap, 2),
            ("16384_init", None, 16384, Fork::Init, 0),
            ("t3_16384", Some(3), 16384, Fork::Main, 0),
            ("t0_16384_fsm.1", Some(0), 16384, Fork::FreeSpaceMap, 1),
        ] {
            let number = Oid::new(number).unwrap();
            let file = RelationFile::parse(name).unwrap();
            assert_eq!(
                file,
                RelationFile {
                    backend,
                    number,
                    fork,
                    segment
                }
            );
            assert_eq!(file.is_temporary(), backend.is_some());
        }
        for name in [
            "",
            "PG_VERSION",
            "pg_filenode.map",
            "pg_internal.init",
            "0",
            "016384",
            "16384.0",
            "16384.01",
            "16384.",
            "16384_",
            "16384_main",
            "16384_fsm_",
            "16384.1_fsm",
            "16384_fsm.",
            "t_16384",
            "t3",
            "t3_",
            "tt3_16384",
            "-1",
            "+1",
            "4294967296",
            "16384 ",
            "16384.1.1",
        ] {
            assert_eq!(RelationFile::parse(name), None, "{name}");
        }
    }

    #[test]
    fn pages_are_counted_through_the_files_of_a_fork() {
        let first_block = |name| RelationFile::parse(name).unwrap().first_block();

        assert_eq!(first_block("16384"), 0);
        assert_eq!(first_block("16384.3"), 393_216);
    }

    proptest! {
        #[test]
        fn text_form_round_trips(
            backend in option::of(any::<u32>()),
            number in 1..=u32::MAX,
            fork in select(&Fork::ALL[..]),
            segment: u32,
        ) {
            let number = Oid::new(number).unwrap();
            let file = RelationFile { backend, number, fork, segment };

            prop_assert_eq!(RelationFile::parse(&file.to_string()), Some(file));
        }

        #[test]
        fn any_name_is_foreign_or_its_own_display(name in "t?[0-9]{0,3}(_[0-9a-z]{0,4}){0,2}([.][0-9]{0,2})?") {
            if let Some(file) = RelationFile::parse(&name) {
                prop_assert_eq!(file.to_string(), name);
            }
        }
    }
}
