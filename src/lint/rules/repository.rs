//! Settings of a stanza's repositories.

use std::net::IpAddr;

use crate::{
    byte_size::ByteSize,
    crd::pgbackrest::PluginVersion,
    inventory::{Field, Kind, Resource, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{Image, Product, Repository, Stanza, System, host},
    },
    manifest::{Edit, Node},
};

pub(super) static TLS_NOT_VERIFIED: Rule = Rule {
    id: "T31",
    name: "tls-not-verified",
    level: Level::Error,
    summary: "The store's certificate is not checked.",
    reason: "Release 0.0.3 of Dalibo's plugin has no default for `verifyTLS` of S3 repositories any \
             more, and hands a flag that is not set to pgBackRest as `n`: whoever can get in between \
             reads and changes backups. Earlier releases checked it. Repositories in Azure are not \
             concerned.",
    remedy: "Write `verifyTLS: true`.",
    source: "§6.3; D:internal/utils/envvar.go, commit eef10bf",
    check: tls,
};

pub(super) static FIELD_WITHOUT_EFFECT: Rule = Rule {
    id: "T32",
    name: "field-without-effect",
    level: Level::Warning,
    summary: "A field of a Stanza has no effect.",
    reason: "`CustomEnvVar`, as the plugin's example has it, is no field: it is `customEnvVar`. \
             `retentionPolicy.history` is one, and is never handed to pgBackRest because of a \
             misspelt tag in the code, in all releases.",
    remedy: "Write `customEnvVar`; remove `history`.",
    source: "§2.5; D:examples/stanza_custom.yaml, api/v1/stanza_types.go",
    check: without_effect,
};

pub(super) static BAD_REPOSITORY_VALUE: Rule = Rule {
    id: "T42",
    name: "bad-repository-value",
    level: Level::Error,
    summary: "pgBackRest refuses a value of a repository, or cannot reach the bucket with it.",
    reason: "`repoPath` begins with `/` and has no `//`. With `uriStyle: host`, the default, the \
             bucket's name becomes a part of the host: a name with a dot fits no certificate, and an \
             IP address has no hosts below it. `http://` is taken since pgBackRest 2.58.0 only.",
    remedy: "Begin `repoPath` with `/`; set `uriStyle: path`; use https.",
    source: "§2.5; P:src/config/parse.c, src/config/load.c",
    check: values,
};

pub(super) static SMALL_QUEUE: Rule = Rule {
    id: "T43",
    name: "small-push-queue",
    level: Level::Warning,
    summary: "WAL is dropped when a small queue is full.",
    reason: "When `archive.pushQueueMax` is reached, pgBackRest throws WAL away and tells PostgreSQL \
             that it is archived, so that the volume does not fill. From there to the next backup no \
             point in time can be reached.",
    remedy: "Give the queue what the volume can hold, and alert on its growth.",
    source: "§2.5; pgBackRest's documentation of archive-push-queue-max",
    check: queue,
};

fn s3<'a>(system: &'a System<'a>) -> impl Iterator<Item = (&'a Stanza<'a>, Repository<'a>)> {
    let all = system.stanzas.iter().flat_map(|stanza| {
        let repositories = stanza.repositories().into_iter();
        repositories.map(move |repository| (stanza, repository))
    });
    all.filter(|(_, repository)| !repository.is_azure && !repository.field.is_unknown())
}

fn tls(system: &System<'_>, sink: &mut Sink<'_>) {
    let images = system.images_of(Product::PgBackRest);
    let releases: Vec<Option<PluginVersion>> = images.map(Image::release).collect();
    let is_old = |release: &Option<PluginVersion>| {
        release.is_some_and(|release| release < PluginVersion::V0_0_3)
    };
    if !releases.is_empty() && releases.iter().all(is_old) {
        return;
    }
    let is_known = releases
        .iter()
        .any(|release| release.is_some() && !is_old(release));
    for (stanza, repository) in s3(system) {
        let endpoint = repository.field.get("endpoint").name();
        let is_plain = endpoint.known().is_some_and(|url| url.starts_with("http:"));
        // Earlier than its predecessor there was no release at all.
        let is_legacy = stanza.resource.kind == Kind::Repository;
        if !repository.field.get("verifyTLS").is_absent() || is_plain || is_legacy {
            continue;
        }
        let Some(node) = repository.node() else {
            continue;
        };
        let title = repository.title();
        let (message, level) = if is_known {
            (
                format!("the certificate of {title} is not checked: without `verifyTLS` it is off"),
                Level::Error,
            )
        } else {
            (
                format!("with plugin 0.0.3 the certificate of {title} is not checked"),
                Level::Warning,
            )
        };
        let mut draft = Draft::on(&stanza.resource, node, message).level(level);
        // A store inside the cluster often has a certificate of its own making.
        if endpoint.known().is_some_and(is_public) {
            let entry = repository.field.node();
            let add =
                |entry| Edit::add(text(&stanza.resource), entry, "endpoint", "verifyTLS: true");
            draft = draft.fix("check it", [entry.and_then(add)]);
        }
        sink.add(draft);
    }
}

fn is_public(endpoint: &str) -> bool {
    let host = host(endpoint);
    let name = host.split(':').next().unwrap_or(&host);
    let inside = [".svc", ".local", ".internal", ".lan", ".home"];
    name.contains('.')
        && name.parse::<IpAddr>().is_err()
        && !name.contains(".svc.")
        && !inside.iter().any(|end| name.ends_with(end))
}

fn without_effect(system: &System<'_>, sink: &mut Sink<'_>) {
    for stanza in &system.stanzas {
        let resource = &stanza.resource;
        for entry in stanza.configuration().entries() {
            let name = &entry.key.name;
            if name != "customEnvVar" && name.eq_ignore_ascii_case("customEnvVar") {
                let message = format!("`{name}` is no field: none of its variables is set");
                let edit = Edit::key(text(resource), &entry.key, "customEnvVar");
                let draft = Draft::of(resource, entry.key.span, message);
                sink.add(draft.fix("write `customEnvVar`", [edit]));
            }
        }
        for repository in stanza.repositories() {
            let policy = repository.field.get("retentionPolicy");
            let mut entries = policy.entries().iter();
            if let Some(entry) = entries.find(|entry| entry.key.name == "history") {
                let edit = |policy: &Node| Edit::remove(text(resource), policy, "history");
                let message = "it is never handed to pgBackRest: backup history is kept for ever";
                let draft = Draft::of(resource, entry.key.span, message);
                sink.add(draft.fix("remove it", [policy.node().and_then(edit)]));
            }
        }
    }
}

fn values(system: &System<'_>, sink: &mut Sink<'_>) {
    for (stanza, repository) in s3(system) {
        let resource = &stanza.resource;
        let field = |key| repository.field.get(key);
        check_path(resource, field("repoPath"), sink);
        let endpoint = field("endpoint");
        let style = field("uriStyle").name().or("host");
        let is_checked = field("verifyTLS").flag().or(true).is(true);
        let bucket = field("bucket");
        if let (Seen::Is(name), Some(node)) = (bucket.name(), bucket.node())
            && name.contains('.')
            && style.is("host")
            && is_checked
        {
            let message =
                format!("`{name}` becomes a part of the host, and its dot fits no certificate");
            sink.add(Draft::on(resource, node, message).help("Set `uriStyle: path`."));
        }
        let (Seen::Is(address), Some(node)) = (endpoint.name(), endpoint.node()) else {
            continue;
        };
        let host = host(address);
        let name = host.split(':').next().unwrap_or(&host);
        if address.starts_with("http:") {
            let message = "pgBackRest before 2.58.0 refuses `http://`";
            let draft = Draft::on(resource, node, message).level(Level::Warning);
            sink.add(draft.help("Use https, or pgBackRest 2.58.0 or later."));
        }
        let is_address = name.parse::<IpAddr>().is_ok();
        let is_minio = name.contains("minio");
        if style.is("host") && (is_address || is_minio) {
            let bucket = field("bucket").name().known().unwrap_or("BUCKET");
            let message = format!("with `uriStyle: host` it is asked for at `{bucket}.{name}`");
            let level = if is_address {
                Level::Error
            } else {
                Level::Warning
            };
            let draft = Draft::on(resource, node, message).level(level);
            sink.add(draft.help("Set `uriStyle: path`."));
        }
    }
    let azure = system.stanzas.iter().flat_map(|stanza| {
        let all = stanza.repositories().into_iter().filter(|one| one.is_azure);
        all.map(move |repository| (stanza, repository))
    });
    for (stanza, repository) in azure {
        check_path(&stanza.resource, repository.field.get("repoPath"), sink);
    }
}

fn check_path(resource: &Resource<'_>, path: Field<'_>, sink: &mut Sink<'_>) {
    let (Seen::Is(text), Some(node)) = (path.name(), path.node()) else {
        return;
    };
    let message = if !text.starts_with('/') {
        format!("`{text}` does not begin with `/`: each command of pgBackRest fails")
    } else if text.contains("//") {
        format!("`{text}` has `//`: each command of pgBackRest fails")
    } else {
        return;
    };
    let slash = format!("/{text}");
    let mut draft = Draft::on(resource, node, message);
    if !text.contains("//") {
        let edit = Edit::scalar(self::text(resource), node, &slash);
        draft = draft.fix(format!("write `{slash}`"), [edit]);
    }
    sink.add(draft);
}

/// A queue that holds less than this is full within minutes of writing.
const SMALL: ByteSize = ByteSize::gib(1);
/// Bytes of a segment, unless the cluster was made otherwise.
const SEGMENT: u64 = 16 << 20;

fn queue(system: &System<'_>, sink: &mut Sink<'_>) {
    for stanza in &system.stanzas {
        let field = stanza.configuration().at(&["archive", "pushQueueMax"]);
        let (Seen::Is(size), Some(node)) = (field.name(), field.node()) else {
            continue;
        };
        let Ok(size) = size.parse::<ByteSize>() else {
            continue;
        };
        if size < SMALL {
            let segments = size.bytes() / SEGMENT;
            let message = format!(
                "from {segments} segments of 16 MiB on ({}) that wait, WAL is dropped and said to \
                 be archived",
                size.rounded()
            );
            sink.add(Draft::on(&stanza.resource, node, message));
        }
    }
}
