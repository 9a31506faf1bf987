use super::{Pace, Result};
use crate::store::{Key, Store};

/// Deletes objects in batches, and returns how many. Each is tried; the first one that could not be
/// deleted is the error, and nothing comes after its batch.
pub(super) async fn remove_batch(store: &dyn Store, keys: &[Key], pace: &Pace) -> Result<u64> {
    let mut removed = 0;
    for batch in keys.chunks(pace.batch()) {
        pace.admit(batch.len()).await;
        for result in store.delete(batch).await {
            result?;
            removed += 1;
        }
    }
    Ok(removed)
}
