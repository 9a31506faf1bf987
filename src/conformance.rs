//! What the conformance suites of [stores](crate::store::conformance) and
//! [repositories](crate::repository::conformance) have in common: claims, and what was found
//! instead.

use std::fmt;

/// One sentence of a contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Claim {
    /// The name of the check that proves it.
    pub name: &'static str,
    /// The sentence, to go on after "expected that".
    pub text: &'static str,
}

/// A claim did not hold.
#[derive(Clone, thiserror::Error)]
#[error("{}: expected that {}, but {found}", claim.name, claim.text)]
pub struct Failure {
    claim: Claim,
    found: String,
}

impl Failure {
    /// Returns the claim.
    pub fn claim(&self) -> Claim {
        self.claim
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All claims of a suite that did not hold; prints one per line, also by `unwrap`.
#[derive(Clone, thiserror::Error)]
pub struct Failures {
    failures: Vec<Failure>,
    checks: usize,
}

impl Failures {
    /// Returns the failures, in the order of the checks.
    pub fn iter(&self) -> impl Iterator<Item = &Failure> {
        self.failures.iter()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} checks failed",
            self.failures.len(),
            self.checks
        )?;
        let mut failures = self.iter();
        failures.try_for_each(|failure| write!(f, "\n{failure}"))
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Sums up the results of all checks of a suite.
pub(crate) fn conclude(results: Vec<Result<(), Failure>>) -> Result<(), Failures> {
    let checks = results.len();
    let failures: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failures { failures, checks })
    }
}

/// What a check found instead of what it expected.
pub(crate) struct Complaint(pub(crate) String);

pub(crate) type Checked<T = ()> = Result<T, Complaint>;

impl Complaint {
    pub(crate) fn about(self, claim: Claim) -> Failure {
        let found = self.0;
        Failure { claim, found }
    }
}

/// Complains unless `holds`.
pub(crate) fn check(holds: bool, found: impl FnOnce() -> String) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Complaint(found()))
    }
}

/// Complains unless `result` is an error that `class_of` finds to be of `class`.
pub(crate) fn check_class<T, E, C>(
    result: Result<T, E>,
    class_of: impl Fn(&E) -> C,
    class: &C,
    what: &str,
) -> Checked
where
    E: fmt::Display,
    C: fmt::Display + PartialEq,
{
    let Err(error) = result else {
        return Err(Complaint(format!("{what} succeeded")));
    };
    let found = class_of(&error);
    check(found == *class, || {
        format!("{what} failed with `{error}` ({found})")
    })
}
