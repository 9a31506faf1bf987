//! Settings of `ObjectStore`s.

use crate::{
    inventory::{Field, Kind, Resource, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{External, System, host},
    },
    manifest::Edit,
};

pub(super) static CHECKSUMS_OF_BOTO3: Rule = Rule {
    id: "T26",
    name: "checksums-of-boto3",
    level: Level::Note,
    summary: "A store that is not Amazon's may refuse the checksums that Barman sends.",
    reason: "Barman from 3.14 on (plugin 0.5.0) sends boto3's default checksums, which some stores \
             refuse: older MinIO, Ceph, Hetzner and Linode with `x-amz-content-sha256` or `Checksum \
             Type mismatch`. Many others take them.",
    remedy: "If uploads fail, set `AWS_REQUEST_CHECKSUM_CALCULATION` and \
             `AWS_RESPONSE_CHECKSUM_VALIDATION` to `when_required` in \
             `spec.instanceSidecarConfiguration.env`.",
    source: "B#393, C#7715, cozystack/cozystack#3417",
    check: checksums,
};

pub(super) static BLANK_IN_ARGUMENT: Rule = Rule {
    id: "T27",
    name: "blank-in-argument",
    level: Level::Error,
    summary: "An item of additional arguments has an option and its value.",
    reason: "Each item is one argument of the program. `-e AES256` in one item is an option that no \
             program knows: `exit status 3`, and no backup.",
    remedy: "Write `--option=value`, or two items.",
    source: "§2.1; B#428; L:pkg/backup",
    check: blank,
};

pub(super) static UNEQUAL_PARTS: Rule = Rule {
    id: "T49",
    name: "unequal-parts",
    level: Level::Warning,
    summary: "Cloudflare R2 can refuse compressed base backups.",
    reason: "R2 wants all parts of an upload but the last to be equally long. Barman compresses each \
             part by itself, so that they are not: `All non-trailing parts must have the same \
             length`. It is not refused every time.",
    remedy: "Leave `data.compression` out with R2, or use another store.",
    source: "M#954",
    check: unequal,
};

pub(super) static SERVER_NAME_IN_STORE: Rule = Rule {
    id: "T58",
    name: "server-name-in-store",
    level: Level::Error,
    summary: "An ObjectStore has a `serverName`, and is refused.",
    reason: "Since 0.4.0 the definition of ObjectStore forbids the field: the folder belongs to the \
             Cluster, which gives it as a parameter of the plugin.",
    remedy: "Move it to `parameters.serverName` of the plugin in the Cluster.",
    source: "§2.1; B 0.4.0",
    check: server_name,
};

fn stores<'a>(system: &System<'a>) -> impl Iterator<Item = (Resource<'a>, Field<'a>)> {
    let stores = system.index.of_kind(Kind::ObjectStore).to_vec();
    let stores = stores.into_iter();
    stores.map(|store| (store, store.spec().get("configuration")))
}

fn checksums(system: &System<'_>, sink: &mut Sink<'_>) {
    for (store, configuration) in stores(system) {
        let url = configuration.get("endpointURL");
        let Seen::Is(address) = url.name() else {
            continue;
        };
        if host(address).ends_with("amazonaws.com")
            || configuration.get("s3Credentials").is_absent()
        {
            continue;
        }
        let env = store.spec().at(&["instanceSidecarConfiguration", "env"]);
        let is_set = env.items().iter().any(|item| {
            let name = Field::of(Some(item)).get("name").text();
            name.known().is_none_or(|name| name.starts_with("AWS_RE"))
        });
        if let (Some(node), false) = (url.node(), is_set || env.is_unknown()) {
            let message = format!(
                "{} gets checksums that not every store takes; nothing here turns them off",
                host(address)
            );
            sink.add(Draft::on(&store, node, message));
        }
    }
}

fn blank(system: &System<'_>, sink: &mut Sink<'_>) {
    let mut configurations: Vec<(Resource<'_>, Field<'_>)> = stores(system).collect();
    for cluster in &system.clusters {
        configurations.push((cluster.resource, cluster.in_tree()));
        let external = cluster.external.iter().map(External::in_tree);
        configurations.extend(external.map(|field| (cluster.resource, field)));
    }
    for (resource, configuration) in configurations {
        for part in ["data", "wal"] {
            for entry in configuration.get(part).entries() {
                if !entry.key.name.ends_with("CommandArgs") {
                    continue;
                }
                for item in entry.value.items() {
                    check_argument(&resource, Field::of(Some(item)), sink);
                }
            }
        }
    }
}

fn check_argument(resource: &Resource<'_>, item: Field<'_>, sink: &mut Sink<'_>) {
    let (Seen::Is(argument), Some(node)) = (item.text(), item.node()) else {
        return;
    };
    let Some((option, value)) = argument.split_once(char::is_whitespace) else {
        return;
    };
    if !option.starts_with('-') || option.contains('=') {
        return;
    }
    let message =
        format!("`{argument}` is one argument to the program, which knows no such option");
    let mut draft = Draft::on(resource, node, message);
    let value = value.trim();
    if option.starts_with("--") && !value.contains(char::is_whitespace) {
        let joined = format!("{option}={value}");
        let edit = Edit::scalar(text(resource), node, &joined);
        draft = draft.fix(format!("write `{joined}`"), [edit]);
    }
    sink.add(draft);
}

fn unequal(system: &System<'_>, sink: &mut Sink<'_>) {
    for (store, configuration) in stores(system) {
        let url = configuration.get("endpointURL").name();
        let is_r2 = url
            .known()
            .is_some_and(|url| host(url).ends_with("r2.cloudflarestorage.com"));
        let compression = configuration.at(&["data", "compression"]);
        if let (true, Seen::Is(codec), Some(node)) = (is_r2, compression.name(), compression.node())
        {
            let message =
                format!("parts compressed by {codec} are unequally long, which R2 can refuse");
            sink.add(Draft::on(&store, node, message));
        }
    }
}

fn server_name(system: &System<'_>, sink: &mut Sink<'_>) {
    for (store, configuration) in stores(system) {
        // Walcast takes the field where the store is a folder, which no plugin reads.
        let path = configuration.get("destinationPath").text();
        let is_folder = path.known().is_some_and(|path| path.starts_with("file:"));
        if configuration.get("serverName").is_present() && !is_folder {
            let message = "the ObjectStore is refused: `serverName` belongs to the Cluster";
            let keys = ["spec", "configuration", "serverName"];
            sink.add(Draft::at(&store, &keys, message));
        }
    }
}
