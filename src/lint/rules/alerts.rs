//! Alerts that fall silent.

use crate::{
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
    inventory::{Kind, Resource},
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::System,
    },
    manifest::{Edit, Node, Path},
};

pub(super) static OLD_METRICS: Rule = Rule {
    id: "T39",
    name: "old-metrics",
    level: Level::Warning,
    summary: "An alert asks for a metric that stands still since a plugin makes the backups.",
    reason: "`cnpg_collector_last_available_backup_timestamp`, `…_last_failed_backup_timestamp` and \
             `…_first_recoverability_point` are about backups without a plugin. Plugins have metrics \
             of their own names, so that old alerts see 0 or an old time: they are silent, or ring \
             for ever.",
    remedy: "Use the plugin's metrics: `barman_cloud_cloudnative_pg_io_…` or \
             `pgbackrest_dalibo_com_…`.",
    source: "§13; B:web/docs/observability.md",
    check: metrics,
};

const PREFIX: &str = "cnpg_collector_";
const METRICS: [&str; 3] = [
    "cnpg_collector_first_recoverability_point",
    "cnpg_collector_last_available_backup_timestamp",
    "cnpg_collector_last_failed_backup_timestamp",
];

fn metrics(system: &System<'_>, sink: &mut Sink<'_>) {
    let stores = |name| {
        let mut clusters = system.clusters.iter();
        clusters.any(|cluster| {
            let plugin = cluster.plugin(name);
            plugin.is_some_and(|one| one.reference().is_present())
        })
    };
    let prefix = match (stores(BARMAN_CLOUD), stores(PGBACKREST)) {
        (true, false) => Some("barman_cloud_cloudnative_pg_io_"),
        (false, true) => Some("pgbackrest_dalibo_com_"),
        (true, true) => None,
        (false, false) => return,
    };
    let mut clusters = system.clusters.iter();
    let has_in_tree = clusters.any(|cluster| !cluster.in_tree().is_absent());
    for rule in system.index.of_kind(Kind::PrometheusRule) {
        let Some(spec) = rule.spec().node() else {
            continue;
        };
        spec.for_each_leaf(&Path::root(), &mut |_, leaf| {
            let old = leaf
                .as_str()
                .and_then(|text| METRICS.iter().find(|one| text.contains(**one)));
            if let Some(old) = old {
                let message = format!("`{old}` does not move any more: a plugin makes the backups");
                let mut draft = Draft::on(rule, leaf, message);
                if let Some(prefix) = prefix {
                    let new = old.replace(PREFIX, prefix);
                    draft = draft.help(format!("Ask for `{new}`."));
                    if !has_in_tree {
                        draft =
                            draft.fix("ask for the plugin's metric", renamed(rule, leaf, prefix));
                    }
                }
                sink.add(draft);
            }
        });
    }
}

/// Returns the changes that rename the metrics where they are written.
fn renamed(rule: &Resource<'_>, leaf: &Node, prefix: &str) -> Vec<Option<Edit>> {
    let Some(written) = leaf.span.slice(text(rule)) else {
        return vec![None];
    };
    let mut edits = Vec::new();
    for metric in METRICS {
        for (at, _) in written.match_indices(metric) {
            let start = leaf.span.start.offset + at;
            let edit = Edit::replace(start..start + PREFIX.len(), prefix);
            edits.push(Some(edit));
        }
    }
    edits
}
