//! A lane's second half: it sends what its destination owes, oldest first.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    breaker::{Permission, Verdict},
    encode::{Encoder, Verified},
    lane::{Lane, PARKED_FOR, Sent},
    source,
};
use crate::{
    codec::{Decoder, Encoding},
    error::chain,
    pg::{SystemId, WalFileName},
    repository::{Expect, WalFile},
    spool::Entry,
};

/// How long a file rests that no other destination could give.
const UNAVAILABLE_FOR: Duration = Duration::from_secs(10);
/// How often parked debts and old bytes are looked at.
const TICK: Duration = Duration::from_mins(1);
/// How long another destination may take for one block.
const READ_PATIENCE: Duration = Duration::from_mins(1);
/// The most bytes that a file of unknown size can have: the largest segment.
const LONGEST: u64 = 1 << 30;

/// Sends what one lane owes.
#[derive(Debug)]
pub(super) struct Backlog {
    pub lane: Arc<Lane>,
    /// All lanes, the own one among them: where a missing file may be read.
    pub lanes: Vec<Arc<Lane>>,
    pub encoder: Encoder,
    /// Whether fetched segments are looked into.
    pub verify: bool,
    /// The cluster that fetched segments must belong to, once known.
    pub cluster: Arc<Mutex<Option<SystemId>>>,
}

impl Backlog {
    /// Works until it is cancelled.
    pub(super) async fn run(self, cancel: CancellationToken) {
        let mut running = FuturesUnordered::new();
        let mut resting: BTreeMap<WalFileName, Instant> = BTreeMap::new();
        loop {
            let changed = self.lane.spool.changed();
            let woken = self.lane.wake.notified();
            tokio::pin!(changed, woken);
            // Registered before looking, so that no change is missed.
            changed.as_mut().enable();
            woken.as_mut().enable();
            resting.retain(|_, until| *until > Instant::now());
            let mut wait_until = Instant::now() + TICK;
            wait_until = resting.values().copied().fold(wait_until, Instant::min);
            match self.next(&resting, running.len()) {
                Next::Send { name, probe } => {
                    running.push(self.pay(name, probe));
                    continue;
                }
                Next::NotBefore(until) => wait_until = wait_until.min(until),
                Next::Nothing => {}
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some((name, paid)) = running.next(), if !running.is_empty() => {
                    if let Err(reason) = paid {
                        tracing::debug!(destination = %self.lane.destination.id, segment = %name,
                            reason, "not available now");
                        resting.insert(name, Instant::now() + UNAVAILABLE_FOR);
                    }
                }
                () = changed => {}
                () = woken => {}
                () = sleep_until(wait_until) => {}
            }
        }
    }

    fn next(&self, resting: &BTreeMap<WalFileName, Instant>, running: usize) -> Next {
        let lane = &self.lane;
        if running >= lane.destination.parallel || lane.is_backlog_closed() {
            return Next::Nothing;
        }
        let probe = match lane.permission() {
            Permission::Go => false,
            Permission::Probe if running == 0 => true,
            Permission::NotBefore(until) => return Next::NotBefore(until),
            Permission::Probe | Permission::Probing => return Next::Nothing,
        };
        let skip = |name| resting.contains_key(&name) || lane.is_in_flight(name);
        let now = lane.clock.now();
        match lane.spool.next_owed(&lane.destination.id, now, skip) {
            Some(name) if lane.enter(name) => {
                if probe {
                    lane.begin_probe();
                }
                Next::Send { name, probe }
            }
            _ => Next::Nothing,
        }
    }

    /// Sends one file. An error says why its bytes are not to be had now.
    async fn pay(&self, name: WalFileName, probe: bool) -> (WalFileName, Result<(), String>) {
        let started = Instant::now();
        let result = tokio::select! {
            result = self.try_pay(name) => result,
            // A probe that hangs must not keep memory from a destination that answers.
            () = self.encoder.budget.contended(), if probe => {
                self.lane.late(started.elapsed());
                Ok(())
            }
        };
        self.lane.leave(name, probe);
        (name, result)
    }

    async fn try_pay(&self, name: WalFileName) -> Result<(), String> {
        let lane = &self.lane;
        let Some(entry) = lane.spool.entry(name) else {
            return Ok(());
        };
        let wal = self.load(&entry).await?;
        match lane.send(&wal, Expect::Unknown).await {
            Sent::Stored { .. } => {
                lane.spool.pay(name, &lane.destination.id).await;
            }
            Sent::Conflict(reason) => {
                let until = lane
                    .clock
                    .now()
                    .saturating_add(PARKED_FOR)
                    .unwrap_or_default();
                lane.spool
                    .park(name, &lane.destination.id, reason, until)
                    .await;
            }
            Sent::Failed(_, Verdict::GiveUp) => {}
            Sent::Failed(_, Verdict::Retry(pause)) => tokio::time::sleep(pause).await,
        }
        Ok(())
    }

    /// Gets the bytes from the spool, else from another destination.
    async fn load(&self, entry: &Entry) -> Result<WalFile, String> {
        match self.load_spooled(entry).await {
            Ok(Some(wal)) => return Ok(wal),
            Ok(None) => {}
            Err(reason) => {
                tracing::warn!(segment = %entry.name, reason, "fetched from a destination instead");
            }
        }
        let mut reasons = Vec::new();
        let own = &self.lane.destination.id;
        let mut others: Vec<_> = self
            .lanes
            .iter()
            .filter(|lane| lane.destination.id != *own)
            .collect();
        others.sort_by_key(|lane| !lane.is_closed());
        for other in others {
            let fetched = if lane_owes(other, entry.name) {
                Err("owes it too".to_owned())
            } else {
                self.load_from(other, entry).await
            };
            match fetched {
                Ok(wal) => return Ok(wal),
                Err(reason) => reasons.push(format!("{}: {reason}", other.destination.id)),
            }
        }
        Err(reasons.join("; "))
    }

    async fn load_spooled(&self, entry: &Entry) -> Result<Option<WalFile>, String> {
        let spool = &self.lane.spool;
        let opened = spool
            .open_bytes(entry.name)
            .await
            .map_err(|error| chain(&error))?;
        let (Some(opened), Some(content)) = (opened, entry.content) else {
            return Ok(None);
        };
        let encoding = self.lane.destination.repository.wal_encoding();
        let stored = opened.stored;
        // Bytes in the right encoding are copied as they are.
        let (len, codec, apply) = if stored.encoding == encoding {
            (stored.len, None, Encoding::PLAIN)
        } else {
            (content.len, stored.encoding.codec(), encoding)
        };
        let reservation = self.encoder.reserve(len, &[apply]).await;
        let open = move || {
            let verified = Verified::new(opened.reader, stored.len, stored.sha256);
            Decoder::new(codec, verified, len).map_err(std::io::Error::other)
        };
        let prepared = self
            .encoder
            .encode(entry.name, len, reservation, vec![apply], open)
            .await
            .map_err(|error| chain(&error))?;
        if apply == encoding && prepared.content() != Some(content) {
            return Err("the bytes in the spool are damaged".to_owned());
        }
        let identity = entry.identity;
        Ok(prepared.into_first().map(|wal| WalFile {
            content,
            identity,
            encoding,
            ..wal
        }))
    }

    async fn load_from(&self, other: &Lane, entry: &Entry) -> Result<WalFile, String> {
        let repository = &other.destination.repository;
        let found = timeout(READ_PATIENCE, repository.find_wal(entry.name))
            .await
            .map_err(|_| "no answer".to_owned())?
            .map_err(|error| chain(&error))?;
        let mut reason = "does not hold it".to_owned();
        for stored in found {
            match self.fetch(other, entry, &stored).await {
                Ok(wal) => return Ok(wal),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    async fn fetch(
        &self,
        other: &Lane,
        entry: &Entry,
        stored: &crate::repository::StoredWal,
    ) -> Result<WalFile, String> {
        let repository = &other.destination.repository;
        let limit = entry.content.map_or(LONGEST, |content| content.len);
        let mut landing = self
            .encoder
            .landing(limit)
            .await
            .map_err(|error| chain(&error))?;
        let mut body = repository
            .read_wal(stored, limit)
            .await
            .map_err(|error| chain(&error))?;
        let (mut head, mut len) = (Vec::new(), 0_u64);
        loop {
            let block = timeout(READ_PATIENCE, body.try_next()).await;
            let block = block.map_err(|_| "no answer".to_owned())?;
            let Some(block) = block.map_err(|error| chain(&error))? else {
                break;
            };
            len += block.len() as u64;
            let wanted = crate::pg::SegmentHeader::LEN
                .saturating_sub(head.len())
                .min(block.len());
            head.extend_from_slice(&block[..wanted]);
            landing = self
                .encoder
                .land(landing, block)
                .await
                .map_err(|error| chain(&error))?;
        }
        let mut identity = entry.identity;
        if self.verify {
            let cluster = *self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
            identity = source::check_fetched(entry.name, &head, len, cluster)?.or(identity);
        }
        let encoding = self.lane.destination.repository.wal_encoding();
        let prepared = self
            .encoder
            .take_off(entry.name, landing, encoding)
            .await
            .map_err(|error| chain(&error))?
            .with_identity(identity);
        match (prepared.content(), entry.content) {
            (Some(found), Some(expected)) if found != expected => {
                Err(format!("{}: other content than was archived", stored.key))
            }
            _ => prepared
                .into_first()
                .ok_or_else(|| "nothing was encoded".to_owned()),
        }
    }
}

fn lane_owes(lane: &Lane, name: WalFileName) -> bool {
    lane.spool.owes_file(&lane.destination.id, name)
}

enum Next {
    Send { name: WalFileName, probe: bool },
    NotBefore(Instant),
    Nothing,
}
