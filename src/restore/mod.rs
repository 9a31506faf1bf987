//! Reading back, from whichever destination has it.

mod wal;

pub use self::wal::{Fetched, WalFetchError, WalFetcher};
