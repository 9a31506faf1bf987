//! Where our definitions differ from those of the products on purpose, and why.

/// A difference, as [`agreement`](super::agreement) puts it, and its reason. `*` is any text.
pub(super) struct Difference {
    pub(super) kind: &'static str,
    pub(super) what: &'static str,
    pub(super) reason: &'static str,
}

/// All of them; one that is not found any more is an error too.
pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        kind: "cluster",
        what: "added .spec.backup.barmanObjectStore.data.restoreAdditionalCommandArgs",
        reason: RESTORE_ARGS,
    },
    Difference {
        kind: "cluster",
        what: "added .spec.externalClusters[].barmanObjectStore.data.restoreAdditionalCommandArgs",
        reason: RESTORE_ARGS,
    },
    Difference {
        kind: "cluster",
        what: "added .spec.projectedVolumeTemplate.*",
        reason: KUBERNETES,
    },
    Difference {
        kind: "pooler",
        what: "added .spec.template.spec.*",
        reason: KUBERNETES,
    },
];

const RESTORE_ARGS: &str = "one type for both products; only the plugin has the field";
const KUBERNETES: &str = "of Kubernetes 1.37, which tests are built with; theirs is of 1.36";

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
