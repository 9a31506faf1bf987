//! Trying again what may go away by itself.

mod body;
mod upload;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use fastrand::Rng;
use futures_util::{StreamExt, future::BoxFuture, stream, stream::BoxStream};
use tokio::time::{Instant, sleep};

use self::upload::RetriedUpload;
use super::{
    Capabilities, Error, GetOptions, Key, Level, Object, ObjectMeta, Payload, PutOptions, Result,
    Store, UnfinishedUpload, Upload, UploadOptions,
};

/// How often and how patiently to try again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryPolicy {
    /// Most attempts of one request, the first included; default 5.
    pub attempts: u32,
    /// Longest pause before the second attempt; it doubles with each further one. Default 200 ms.
    pub first_pause: Duration,
    /// Longest pause ever; default 20 s.
    pub max_pause: Duration,
    /// No attempt begins later than this after the first; default 2 min. An attempt under way is
    /// not interrupted: time-outs are the inner store's.
    pub total: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_millis(200),
            max_pause: Duration::from_secs(20),
            total: Duration::from_mins(2),
        }
    }
}

/// Repeats the requests that fail with an error of a [retriable](super::Class::is_retriable)
/// class.
///
/// Pauses are drawn between zero and a bound that doubles ("full jitter"), so that many clients of
/// a store that recovers do not come back together. Where the store asks for a pause, the drawn
/// one is added to it; a pause that would end after [`RetryPolicy::total`] is not begun.
///
/// The body of an object is resumed where it broke, if the object is still the same; the attempts
/// count anew after each byte that was read. A listing is resumed behind its last key.
///
/// A put of [`PutMode::Create`](super::PutMode::Create) whose answer was lost meets its own object
/// at the second attempt and is a conflict then: the caller compares.
#[derive(Debug)]
pub struct Retry {
    inner: Arc<dyn Store>,
    patience: Patience,
}

impl Retry {
    /// Repeats requests to `inner` by `policy`, with pauses drawn from `rng`.
    pub fn new(inner: Arc<dyn Store>, policy: RetryPolicy, rng: Rng) -> Self {
        let patience = Patience {
            policy,
            rng: Arc::new(Mutex::new(rng)),
        };
        Self { inner, patience }
    }
}

#[derive(Clone, Debug)]
struct Patience {
    policy: RetryPolicy,
    rng: Arc<Mutex<Rng>>,
}

impl Patience {
    fn begin(&self) -> Attempts {
        Attempts {
            patience: self.clone(),
            deadline: Instant::now() + self.policy.total,
            failed: 0,
        }
    }

    async fn run<'a, T>(&self, request: impl Fn() -> BoxFuture<'a, Result<T>> + Send) -> Result<T> {
        let mut attempts = self.begin();
        loop {
            match request().await {
                Ok(value) => return Ok(value),
                Err(error) => attempts.pause(error).await?,
            }
        }
    }

    /// Draws a pause after the `failed`th failure.
    fn draw(&self, failed: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
        let longest = self.policy.first_pause.saturating_mul(doubled);
        let share = self.rng.lock().expect("no holder panics").f64();
        longest.min(self.policy.max_pause).mul_f64(share)
    }
}

/// The attempts of one request.
struct Attempts {
    patience: Patience,
    deadline: Instant,
    failed: u32,
}

impl Attempts {
    /// Begins to count anew, after progress.
    fn restart(&mut self) {
        self.failed = 0;
        self.deadline = Instant::now() + self.patience.policy.total;
    }

    /// Waits until the request may be tried again, or returns `error` if it may not.
    async fn pause(&mut self, error: Error) -> Result<()> {
        self.failed += 1;
        if !error.class().is_retriable() || self.failed >= self.patience.policy.attempts {
            return Err(error);
        }
        let demanded = error.retry_after().unwrap_or_default();
        let pause = demanded.saturating_add(self.patience.draw(self.failed));
        match Instant::now().checked_add(pause) {
            Some(end) if end <= self.deadline => {}
            _ => return Err(error),
        }
        tracing::debug!(failed = self.failed, ?pause, %error, "trying again");
        sleep(pause).await;
        Ok(())
    }
}

#[async_trait]
impl Store for Retry {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        self.patience
            .run(|| self.inner.put(key, payload.clone(), options.clone()))
            .await
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let begin = || self.inner.begin_upload(key, options.clone());
        let inner = self.patience.run(begin).await?;
        let patience = self.patience.clone();
        Ok(Box::new(RetriedUpload { inner, patience }))
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        let get = || self.inner.get(key, options.clone());
        let object = self.patience.run(get).await?;
        let inner = Arc::clone(&self.inner);
        Ok(body::resume(inner, self.patience.begin(), object, &options))
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        self.patience.run(|| self.inner.head(key)).await
    }

    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let listing = Listing {
            inner: Arc::clone(&self.inner),
            attempts: self.patience.begin(),
            prefix: prefix.to_owned(),
            after: start_after.map(str::to_owned),
            has_items: false,
            items: self.inner.list(prefix, start_after),
        };
        stream::try_unfold(listing, Listing::next).boxed()
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        self.patience.run(|| self.inner.list_level(prefix)).await
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let mut results = self.inner.delete(keys).await;
        let mut attempts = self.patience.begin();
        while let Some(error) = retriable(&results) {
            if attempts.pause(error).await.is_err() {
                break;
            }
            self.delete_again(keys, &mut results).await;
        }
        results
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        self.patience
            .run(|| self.inner.unfinished_uploads(prefix))
            .await
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        self.patience
            .run(|| self.inner.abort_unfinished(upload))
            .await
    }
}

impl Retry {
    /// Deletes again those of `keys` whose result may change.
    async fn delete_again(&self, keys: &[Key], results: &mut [Result<()>]) {
        let open = results
            .iter_mut()
            .zip(keys)
            .filter(|(result, _)| is_retriable(result));
        let (places, keys) = open
            .map(|(result, key)| (result, key.clone()))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        for (place, result) in places.into_iter().zip(self.inner.delete(&keys).await) {
            *place = result;
        }
    }
}

fn is_retriable(result: &Result<()>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| error.class().is_retriable())
}

/// Returns the error, of those that may go away, that asks for the longest pause.
fn retriable(results: &[Result<()>]) -> Option<Error> {
    let errors = results.iter().filter(|result| is_retriable(result));
    errors
        .filter_map(|result| result.as_ref().err())
        .max_by_key(|error| error.retry_after())
        .cloned()
}

/// A listing that goes on after an error.
struct Listing {
    inner: Arc<dyn Store>,
    attempts: Attempts,
    prefix: String,
    after: Option<String>,
    has_items: bool,
    items: BoxStream<'static, Result<ObjectMeta>>,
}

impl Listing {
    async fn next(mut self) -> Result<Option<(ObjectMeta, Self)>> {
        loop {
            match self.items.next().await {
                None => return Ok(None),
                Some(Ok(meta)) => {
                    self.advance(&meta);
                    return Ok(Some((meta, self)));
                }
                Some(Err(error)) if self.is_resumable() => {
                    self.attempts.pause(error).await?;
                    self.items = self.inner.list(&self.prefix, self.after.as_deref());
                }
                Some(Err(error)) => return Err(error),
            }
        }
    }

    fn advance(&mut self, meta: &ObjectMeta) {
        self.attempts.restart();
        self.has_items = true;
        self.after = Some(meta.key.to_string());
    }

    fn is_resumable(&self) -> bool {
        !self.has_items || self.inner.capabilities().ordered_list
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[cfg(test)]
mod tests;
