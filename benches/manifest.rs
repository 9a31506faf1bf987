//! How fast are 1,000 documents read, as text and as typed resources?
//!
//! The documents are published `ObjectStore`s: those of the folder that `WALCAST_CORPUS` named at
//! build time, else those of the tests, over and over.

#![allow(missing_docs, reason = "criterion's macros write a function")]

use std::{fs, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use walcast::{
    crd::barman_cloud::ObjectStore,
    manifest::{Documents, Typed, Variables, decode, documents},
};

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = read
}
criterion_main!(benches);

const DOCUMENTS: usize = 1000;
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/config/corpus");
const CORPUS: Option<&str> = option_env!("WALCAST_CORPUS");

fn read(criterion: &mut Criterion) {
    let text = corpus(CORPUS.unwrap_or(FIXTURES));
    let mut group = criterion.benchmark_group("1000 documents");
    group.throughput(Throughput::Bytes(text.len() as u64));

    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            let read = Documents::new(&text).filter(|document| document.root.is_ok());
            assert_eq!(read.count(), DOCUMENTS);
        });
    });
    let roots: Vec<_> = documents(&text)
        .into_iter()
        .filter_map(|document| document.root.ok())
        .collect();
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            for root in &roots {
                black_box(decode::<ObjectStore>(root));
            }
        });
    });
    group.bench_function("parse and decode, losing nothing", |bencher| {
        bencher.iter(|| {
            for document in Documents::new(&text) {
                let root = document.root.expect("the corpus is YAML");
                black_box(Typed::<ObjectStore>::decode(&root));
            }
        });
    });
    group.bench_function("parse, substitute and decode", |bencher| {
        let variables = Variables::new();
        bencher.iter(|| {
            for mut document in Documents::new(&text) {
                document.substitute(&variables);
                let root = document.root.expect("the corpus has no bad defaults");
                black_box(decode::<ObjectStore>(&root));
            }
        });
    });
    group.finish();
}

/// Returns a text of 1,000 documents.
fn corpus(folder: &str) -> String {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort_unstable();
    let texts: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).expect("the file can be read"))
        .collect();
    let documents = texts.iter().cycle().take(DOCUMENTS);
    documents
        .flat_map(|text| ["---\n", body(text), "\n"])
        .collect()
}

/// Returns a document without the comments before its `---`.
fn body(text: &str) -> &str {
    text.split_once("\n---\n").map_or(text, |(_, body)| body)
}
