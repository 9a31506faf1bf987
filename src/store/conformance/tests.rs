use std::sync::Arc;

use super::*;
use crate::store::{
    MemoryStore, Operation,
    fault::{Fault, FaultPlan, FaultStore},
};

#[tokio::test(start_paused = true)]
async fn a_store_that_breaks_the_contract_fails_the_check_that_says_so() {
    let breaches = [
        (Fault::TruncatedBody { at: 2 }, "bytes_come_back"),
        (Fault::FlippedBit { at: 2 }, "range_returns_those_bytes"),
        (Fault::status(403), "missing_is_missing"),
        (Fault::LostAnswer, "overwrite_replaces"),
        (Fault::Twice, "create_refuses_an_existing_key"),
        (Fault::StaleList { missing: 1 }, "prefix_is_any_text"),
        (
            Fault::IncompleteList { items: 40 },
            "long_listings_are_complete",
        ),
        (Fault::StaleList { missing: 1 }, "level_separates_folders"),
        (Fault::OrphanUpload, "unfinished_uploads_are_found"),
    ];
    for (fault, name) in breaches {
        let (store, plan) = faulty();
        plan.set(fault.clone());

        let failures = run(&store, "some/where/").await.unwrap_err();

        let mut names = failures.iter().map(|failure| failure.claim().name);
        assert!(names.any(|failed| failed == name), "{fault:?}: {failures}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_lags_behind_is_not_a_breach() {
    let (store, plan) = faulty();
    plan.script(
        Operation::List,
        |_| true,
        5,
        Fault::StaleList { missing: 1 },
    );

    run(&store, "some/where/").await.unwrap();

    assert_eq!(plan.injected(), 5);
}

#[tokio::test]
async fn failures_name_the_check_its_claim_and_what_was_found() {
    let (store, plan) = faulty();
    plan.set(Fault::TruncatedBody { at: 4 });
    let check = CHECKS
        .iter()
        .find(|check| check.claim().name == "overwrite_replaces");

    let failure = check.unwrap().run(&store, "some/").await.unwrap_err();

    assert_eq!(
        failure.to_string(),
        "overwrite_replaces: expected that overwrite replaces an object, but `get \
         some/overwrite_replaces/a in memory: 4 of 5 bytes were returned` (transient)"
    );
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let memory = MemoryStore::new();
    run(&memory, "some/where/").await.unwrap();
    assert!(memory.contents().is_empty());
    assert!(memory.unfinished_uploads("").await.unwrap().is_empty());
}

fn faulty() -> (FaultStore, FaultPlan) {
    let plan = FaultPlan::new();
    let store = FaultStore::new(Arc::new(MemoryStore::new()), plan.clone());
    (store, plan)
}
