//! What a rule is.

use std::fmt;

use super::{Level, sink::Sink, system::System};

/// One trap that manifests can have.
///
/// Rules `T…` are numbered as in the project's fact sheet about Kubernetes; rules `M…` are about
/// the manifests themselves.
#[non_exhaustive]
pub struct Rule {
    /// The short name, which never changes: `T02`.
    pub id: &'static str,
    /// The long name: `five-field-schedule`.
    pub name: &'static str,
    /// How bad it is where it is certain; a finding can be less.
    pub level: Level,
    /// What is wrong, in one sentence.
    pub summary: &'static str,
    /// Why it is wrong: what the software does.
    pub reason: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// Where the facts are from.
    pub source: &'static str,
    pub(super) check: Check,
}

/// Looks at a system and reports what it finds.
pub(super) type Check = fn(&System<'_>, &mut Sink<'_>);

impl Rule {
    /// Returns whether it is called so: by its id or by its name.
    pub fn is_called(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name) || self.name == name
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.name)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}
