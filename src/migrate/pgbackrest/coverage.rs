//! Which repository gets which backups.

use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::{
    super::{
        Choices,
        commands::name,
        desk::Desk,
        jobs,
        json::{get, items, set, text},
    },
    Move, Way,
};
use crate::{
    crd::cnpg::PGBACKREST,
    inventory::{Kind, Resource, Seen},
    lint::system::Job,
};

/// Makes every repository have full backups: by the schedules there are, else by new ones.
pub(super) fn schedules(desk: &mut Desk<'_>, one: &Move<'_>, choices: &Choices) {
    let cluster = desk.json(&one.cluster.resource);
    let is_primary = text(cluster, &["spec", "backup", "target"]) == Some("primary");
    let is_alone = get(cluster, &["spec", "instances"]).is_none_or(|count| *count == 1);
    for schedule in &one.schedules {
        desk.change(&schedule.resource, |json| {
            arrive(json, is_primary || is_alone);
        });
    }
    if one.cluster.is_replica() {
        let text = "a replica cluster cannot be backed up by pgBackRest (T57): back up its source";
        desk.lose(&one.cluster.resource.title(), text);
        return;
    }
    for number in numbers(desk, one) {
        cover(desk, one, number, choices);
    }
}

/// Has a schedule back up by the plugin. Barman's backups are full ones, so those that come from
/// there stay full; pgBackRest's own keep what they say, unless a standby would be chosen.
fn arrive(schedule: &mut Json, is_primary_anyhow: bool) {
    let plugin = text(schedule, &["spec", "pluginConfiguration", "name"]);
    let method = text(schedule, &["spec", "method"]);
    if plugin != Some(PGBACKREST) || method != Some("plugin") {
        let parameters = [("backupType", "full"), ("selectedRepository", "1")];
        jobs::use_plugin(schedule, PGBACKREST, &parameters);
    } else if is_primary_anyhow && get(schedule, &["spec", "target"]).is_none() {
        return;
    }
    set(schedule, &["spec", "target"], "primary");
}

/// Returns the numbers that `selectedRepository` takes: those of repositories in S3, or 1 if there
/// is only one in Azure.
pub(super) fn numbers(desk: &mut Desk<'_>, one: &Move<'_>) -> Vec<usize> {
    if one.cluster.is_replica() {
        return Vec::new();
    }
    let configuration = match &one.way {
        Way::Arrives { configuration, .. } => configuration.clone(),
        Way::There(Some(stanza)) | Way::Renamed(stanza) => written(desk, stanza),
        Way::Returns(name) => {
            let cluster = &one.cluster.resource;
            let found = desk
                .system
                .index
                .find(Kind::Stanza, Seen::Is(name), cluster);
            found
                .here()
                .map(|stanza| written(desk, &stanza))
                .unwrap_or_default()
        }
        Way::There(None) => return Vec::new(),
    };
    let s3 = items(&configuration, &["s3Repositories"]).len();
    let azure = items(&configuration, &["azureRepositories"]).len();
    if s3 > 0 && azure > 0 {
        let text = "its repositories in Azure never get a base backup: the plugin cannot select \
                    them beside those in S3. Give them a Stanza and a Cluster of their own";
        desk.obstacle(&one.cluster.resource.title(), text);
    }
    match (s3, azure) {
        (0, 0) => Vec::new(),
        (0, _) => vec![1],
        (count, _) => (1..=count).collect(),
    }
}

fn written(desk: &Desk<'_>, stanza: &Resource<'_>) -> Json {
    let found = get(desk.json(stanza), &["spec", "stanzaConfiguration"]);
    found.cloned().unwrap_or_default()
}

fn cover(desk: &mut Desk<'_>, one: &Move<'_>, number: usize, choices: &Choices) {
    let selected = number.to_string();
    let cluster = &one.cluster.resource;
    let parameter = |json: &Json, key: &str| {
        let value = jobs::parameters(json).and_then(|all| all.get(key)?.as_str());
        value.unwrap_or_default().to_owned()
    };
    let mut own: Vec<&Job<'_>> = Vec::new();
    for schedule in &one.schedules {
        let json = desk.json(&schedule.resource);
        let repository = parameter(json, "selectedRepository");
        let kind = parameter(json, "backupType");
        if repository.contains("${") || kind.contains("${") {
            let text = "which repository and which type of backup it is for is filled in later: \
                        look whether each repository gets full backups";
            desk.leave(&schedule.resource.title(), text);
            return;
        }
        let is_off = get(json, &["spec", "suspend"]) == Some(&Json::Bool(true));
        if is_off || (repository != selected && !(repository.is_empty() && number == 1)) {
            continue;
        }
        if kind == "full" {
            return;
        }
        own.push(schedule);
    }
    if let [only] = own.as_slice()
        && runs_at_most_daily(desk, only)
    {
        let keys = ["spec", "pluginConfiguration", "parameters", "backupType"];
        desk.change(&only.resource, |json| set(json, &keys, "full"));
        let text = format!(
            "its backups of repository {number} are full ones now: without a type they are \
             incremental for ever, and nothing expires (T10)"
        );
        desk.lose(&only.resource.title(), text);
        return;
    }
    let schedule = new_schedule(desk, cluster, number, choices);
    desk.create(cluster, &schedule);
}

fn runs_at_most_daily(desk: &Desk<'_>, job: &Job<'_>) -> bool {
    let Some(schedule) = job.valid_schedule() else {
        return false;
    };
    let run = schedule.next(desk.system.now, &TimeZone::UTC);
    let date = run.map(|run| run.to_zoned(TimeZone::UTC).date());
    date.is_some_and(|date| schedule.runs_per_day(date, &TimeZone::UTC) <= 1)
}

fn new_schedule(desk: &Desk<'_>, cluster: &Resource<'_>, number: usize, choices: &Choices) -> Json {
    let own = name(cluster);
    let when = choices.full_schedule.clone();
    let when = when.unwrap_or_else(|| format!("0 0 {} * * 0", number % 24));
    let mut schedule = json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "ScheduledBackup",
        "metadata": {"name": format!("{own}-full-{number}")},
        "spec": {
            "schedule": when,
            "cluster": {"name": own},
            "method": "plugin",
            "target": "primary",
            "pluginConfiguration": {
                "name": PGBACKREST,
                "parameters": {"backupType": "full", "selectedRepository": number.to_string()},
            },
        },
    });
    if let Some(namespace) = text(desk.json(cluster), &["metadata", "namespace"]) {
        set(&mut schedule, &["metadata", "namespace"], namespace);
    }
    schedule
}
