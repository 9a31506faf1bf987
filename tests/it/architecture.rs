//! Uses point downwards only: which module of `src` may name which.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The modules from the bottom to the top, each with what it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("byte_size", &[]),
    ("clock", &[]),
    ("conformance", &[]),
    ("destination", &[]),
    ("disk", &[]),
    ("error", &[]),
    ("failpoint", &[]),
    ("go_duration", &[]),
    ("pg", &[]),
    ("secret", &[]),
    ("workers", &[]),
    ("budget", &["byte_size"]),
    ("codec", &["secret"]),
    ("schedule", &["go_duration"]),
    (
        "store",
        &[
            "budget",
            "byte_size",
            "clock",
            "codec",
            "conformance",
            "failpoint",
            "secret",
            "workers",
        ],
    ),
    (
        "repository",
        &["codec", "conformance", "pg", "secret", "store", "workers"],
    ),
    (
        "spool",
        &[
            "byte_size",
            "clock",
            "codec",
            "destination",
            "disk",
            "error",
            "failpoint",
            "pg",
            "repository",
            "store",
            "workers",
        ],
    ),
    (
        "fanout",
        &[
            "budget",
            "byte_size",
            "clock",
            "codec",
            "destination",
            "disk",
            "error",
            "failpoint",
            "pg",
            "repository",
            "spool",
            "store",
            "workers",
        ],
    ),
    ("catalog", &["pg", "repository"]),
    (
        "backup",
        &[
            "byte_size",
            "clock",
            "destination",
            "disk",
            "error",
            "fanout",
            "pg",
            "repository",
            "store",
            "workers",
        ],
    ),
    (
        "restore",
        &[
            "byte_size",
            "catalog",
            "destination",
            "disk",
            "error",
            "fanout",
            "pg",
            "repository",
            "store",
            "workers",
        ],
    ),
    (
        "retention",
        &[
            "catalog",
            "destination",
            "error",
            "pg",
            "repository",
            "restore",
        ],
    ),
    (
        "drill",
        &[
            "clock",
            "error",
            "fanout",
            "pg",
            "repository",
            "restore",
            "workers",
        ],
    ),
    (
        "audit",
        &[
            "catalog",
            "codec",
            "destination",
            "drill",
            "error",
            "fanout",
            "pg",
            "repository",
            "restore",
            "retention",
            "store",
            "workers",
        ],
    ),
    (
        "heal",
        &[
            "audit",
            "backup",
            "byte_size",
            "catalog",
            "codec",
            "destination",
            "error",
            "fanout",
            "pg",
            "repository",
            "restore",
            "retention",
            "workers",
        ],
    ),
    (
        "metrics",
        &[
            "audit",
            "destination",
            "fanout",
            "pg",
            "repository",
            "store",
        ],
    ),
    ("manifest", &[]),
    ("crd", &["byte_size", "pg", "schedule", "secret"]),
    ("inventory", &["manifest"]),
    (
        "lint",
        &["byte_size", "crd", "inventory", "manifest", "schedule"],
    ),
    // The one bridge between resources and engines.
    (
        "config",
        &[
            "byte_size",
            "clock",
            "codec",
            "crd",
            "destination",
            "fanout",
            "go_duration",
            "manifest",
            "repository",
            "retention",
            "secret",
            "store",
            "workers",
        ],
    ),
    (
        "migrate",
        &["config", "crd", "inventory", "lint", "manifest", "schedule"],
    ),
    (
        "report",
        &["audit", "byte_size", "drill", "pg", "repository", "restore"],
    ),
];

/// What is known only to its own module, to the bridge and to the front ends.
const CONCRETE: &[&str] = &[
    "repository::barman",
    "repository::BarmanRepository",
    "repository::pgbackrest",
    "store::FsStore",
    "store::MemoryStore",
    "store::filesystem",
    "store::memory",
    "store::s3",
];

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut found = BTreeSet::new();
    for source in sources() {
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == source.module) else {
            panic!("the module `{}` has no place in LAYERS", source.module);
        };
        for used in source.uses() {
            let module = used.split("::").next().unwrap();
            if module != source.module && !allowed.contains(&module) {
                found.insert(format!("{} uses {used}", source.path.display()));
            }
        }
    }

    assert_eq!(found, BTreeSet::new());
}

#[test]
fn layers_are_listed_from_the_bottom_to_the_top() {
    for (index, (name, allowed)) in LAYERS.iter().enumerate() {
        for lower in *allowed {
            let below = LAYERS[..index].iter().any(|(name, _)| name == lower);
            assert!(below, "{lower} is not below {name}");
        }
    }
}

#[test]
fn engines_name_no_layout_and_no_concrete_store() {
    let mut found = BTreeSet::new();
    for source in sources() {
        if ![
            "spool",
            "fanout",
            "catalog",
            "backup",
            "restore",
            "retention",
            "metrics",
        ]
        .contains(&source.module.as_str())
        {
            continue;
        }
        let uses = source.uses();
        let concrete = uses.iter().filter(|used| CONCRETE.contains(&used.as_str()));
        found.extend(concrete.map(|used| format!("{} uses {used}", source.path.display())));
    }

    assert_eq!(found, BTreeSet::new());
}

#[test]
fn facts_and_codecs_know_no_runtime_and_facts_no_files() {
    let mut found = BTreeSet::new();
    for source in sources() {
        let forbidden: &[&str] = match source.module.as_str() {
            // It asks a server, through a client that has the sockets.
            "pg" if source.path.parent().unwrap().ends_with("pg/server") => {
                &["std::fs", "std::net"]
            }
            "pg" => &["tokio", "async ", "std::fs", "std::io", "std::net"],
            "codec" => &["tokio", "async ", "std::fs", "std::net"],
            _ => continue,
        };
        let named = forbidden.iter().filter(|word| source.code.contains(*word));
        found.extend(named.map(|word| format!("{} has `{word}`", source.path.display())));
    }

    assert_eq!(found, BTreeSet::new());
}

#[test]
fn uses_are_found_in_paths_and_in_nested_imports() {
    let source = Source {
        path: PathBuf::new(),
        module: "here".to_owned(),
        code: "use crate::{\n    pg::{self, Lsn},\n    store,\n};\nlet a = crate::codec::digest::sha1(b);"
            .to_owned(),
    };

    let expected = ["codec::digest", "pg::Lsn", "pg::self", "store"];
    assert_eq!(source.uses(), expected.map(str::to_owned).into());
}

/// A file of the library.
struct Source {
    path: PathBuf,
    /// The folder or file below `src` that it belongs to.
    module: String,
    /// The text without comments and tests.
    code: String,
}

impl Source {
    fn read(root: &Path, path: PathBuf) -> Self {
        let below = path.strip_prefix(root).unwrap();
        let first = Path::new(below.iter().next().unwrap());
        let text = fs::read_to_string(&path).unwrap();
        let tested = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = tested
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        Self {
            module: first.file_stem().unwrap().to_str().unwrap().to_owned(),
            code: lines.collect::<Vec<_>>().join("\n"),
            path,
        }
    }

    /// Returns what follows `crate::`, two names deep.
    fn uses(&self) -> BTreeSet<String> {
        let mut uses = BTreeSet::new();
        for (start, crate_root) in self.code.match_indices("crate::") {
            let mut rest = &self.code[start + crate_root.len()..];
            flatten(&mut rest, &[], &mut uses);
        }
        uses
    }
}

/// Takes one path or group of paths from `rest` and adds it below `parents`.
fn flatten(rest: &mut &str, parents: &[&str], uses: &mut BTreeSet<String>) {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after;
    if rest.starts_with('{') {
        while !rest.starts_with('}') && !rest.is_empty() {
            *rest = rest[1..].trim_start();
            flatten(rest, parents, uses);
            let next = rest.find([',', '}']).unwrap_or(rest.len());
            *rest = &rest[next..];
        }
        *rest = rest.strip_prefix('}').unwrap_or(rest);
        return;
    }
    let path = [parents, &[name]].concat();
    match rest.strip_prefix("::") {
        Some(deeper) => {
            *rest = deeper;
            flatten(rest, &path, uses);
        }
        None if !path.concat().is_empty() => {
            uses.insert(path[..path.len().min(2)].join("::"));
        }
        None => {}
    }
}

/// Returns the files of the library; the front ends in `src/bin` may use everything.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if is_of_a_layer(path.strip_prefix(&root).unwrap()) {
                sources.push(Source::read(&root, path));
            }
        }
    }
    assert!(sources.len() > LAYERS.len(), "the sources were not found");
    sources
}

fn is_of_a_layer(path: &Path) -> bool {
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    is_rust && path != "lib.rs" && !path.starts_with("bin") && !path.ends_with("tests.rs")
}
