//! Where our definitions differ from those of the products on purpose, and why.

/// A difference, as [`agreement`](super::agreement) puts it, and its reason. `*` is any text.
pub(super) struct Difference {
    pub(super) kind: &'static str,
    pub(super) what: &'static str,
    pub(super) reason: &'static str,
}

/// All of them; one that is not found any more is an error too.
pub(super) const DIFFERENCES: &[Difference] = &[];

impl Difference {
    pub(super) fn is(&self, kind: &str, what: &str) -> bool {
        let matches = match self.what.split_once('*') {
            Some((start, end)) => {
                let rest = what.strip_prefix(start);
                rest.is_some_and(|rest| rest.ends_with(end))
            }
            None => self.what == what,
        };
        self.kind == kind && matches
    }
}
