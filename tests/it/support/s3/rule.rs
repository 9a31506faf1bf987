//! What goes wrong, to which requests, how often.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::Manners;

/// The operations of S3 that are told apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Op {
    /// `PutObject`
    Put,
    /// `CreateMultipartUpload`
    BeginUpload,
    /// `UploadPart`
    PutPart,
    /// `CompleteMultipartUpload`
    Complete,
    /// `AbortMultipartUpload`
    Abort,
    /// `GetObject`
    Get,
    /// `HeadObject`
    Head,
    /// `HeadBucket`
    HeadBucket,
    /// `ListObjects` and `ListObjectsV2`
    List,
    /// `ListMultipartUploads`
    ListUploads,
    /// `DeleteObject`
    Delete,
    /// `DeleteObjects`
    DeleteMany,
    /// Anything else.
    Other,
}

impl Op {
    /// Reads a request with path-style addressing.
    pub(crate) fn of(request: &hyper::http::request::Parts) -> Self {
        let path = request.uri.path().trim_start_matches('/');
        let on_object = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
        let query = request.uri.query().unwrap_or_default();
        let has = |name: &str| has_parameter(query, name);
        match (request.method.as_str(), on_object) {
            ("PUT", true) if has("partNumber") => Self::PutPart,
            ("PUT", true) => Self::Put,
            ("POST", true) if has("uploads") => Self::BeginUpload,
            ("POST", true) if has("uploadId") => Self::Complete,
            ("DELETE", true) if has("uploadId") => Self::Abort,
            ("DELETE", true) => Self::Delete,
            ("GET", true) => Self::Get,
            ("HEAD", true) => Self::Head,
            ("HEAD", false) => Self::HeadBucket,
            ("POST", false) if has("delete") => Self::DeleteMany,
            ("GET", false) if has("uploads") => Self::ListUploads,
            ("GET", false) => Self::List,
            _ => Self::Other,
        }
    }
}

fn has_parameter(query: &str, name: &str) -> bool {
    query
        .split('&')
        .any(|pair| pair.split('=').next() == Some(name))
}

/// An answer that comes instead of the service's.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) elements: String,
}

impl Answer {
    /// An error document.
    pub(crate) fn error(status: u16, code: &'static str) -> Self {
        Self {
            status,
            code,
            message: format!("{code} by decree"),
            headers: Vec::new(),
            elements: String::new(),
        }
    }

    /// Replaces the text.
    #[must_use]
    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds an element to the document.
    #[must_use]
    pub(crate) fn with_element(mut self, name: &str, value: &str) -> Self {
        self.elements = format!("{}<{name}>{value}</{name}>", self.elements);
        self
    }

    pub(super) fn body(&self) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code>\
             <Message>{}</Message>{}<RequestId>decree</RequestId></Error>",
            self.code, self.message, self.elements
        )
    }
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// It is answered without being done.
    Answer(Answer),
    /// The connection is closed without it being done.
    Close,
    /// It is done, then the connection is closed.
    LoseAnswer,
    /// Nothing happens until the rule is taken away; then the connection is closed.
    Hang,
    /// It is done, and half of the body is sent.
    Truncate,
    /// It is done, and the answer bears this date.
    Date(&'static str),
    /// It is done after a pause.
    Delay(Duration),
}

/// Which requests, and what happens to them.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    operations: Option<Vec<Op>>,
    headers: Option<Vec<&'static str>>,
    query: Option<&'static str>,
    part: Option<&'static str>,
    passing: u32,
    times: Option<u32>,
    action: Action,
}

impl Rule {
    /// All requests, always.
    pub(crate) fn new(action: Action) -> Self {
        Self {
            operations: None,
            headers: None,
            query: None,
            part: None,
            passing: 0,
            times: None,
            action,
        }
    }

    /// All requests are answered with an error.
    pub(crate) fn error(status: u16, code: &'static str) -> Self {
        Self::new(Action::Answer(Answer::error(status, code)))
    }

    /// Only these operations.
    #[must_use]
    pub(crate) fn on(mut self, operations: impl Into<Vec<Op>>) -> Self {
        self.operations = Some(operations.into());
        self
    }

    /// Only requests with one of these headers.
    #[must_use]
    pub(crate) fn with_any_header(mut self, headers: impl Into<Vec<&'static str>>) -> Self {
        self.headers = Some(headers.into());
        self
    }

    /// Only requests with this parameter.
    #[must_use]
    pub(crate) fn with_parameter(mut self, name: &'static str) -> Self {
        self.query = Some(name);
        self
    }

    /// Only requests whose path or query has this in it.
    #[must_use]
    pub(crate) fn about(mut self, part: &'static str) -> Self {
        self.part = Some(part);
        self
    }

    /// Lets so many requests pass first.
    #[must_use]
    pub(crate) fn after(mut self, passing: u32) -> Self {
        self.passing = passing;
        self
    }

    /// Only this many times.
    #[must_use]
    pub(crate) fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn applies(&self, op: Op, request: &hyper::http::request::Parts) -> bool {
        let has = |name: &&str| request.headers.contains_key(*name);
        let query = request.uri.query().unwrap_or_default();
        self.times != Some(0)
            && self.operations.as_ref().is_none_or(|ops| ops.contains(&op))
            && self
                .headers
                .as_ref()
                .is_none_or(|names| names.iter().any(has))
            && self.query.is_none_or(|name| has_parameter(query, name))
            && self
                .part
                .is_none_or(|part| request.uri.to_string().contains(part))
    }

    /// Returns what happens to a request to which it applies; `None` if this one passes.
    fn strike(&mut self) -> Option<Action> {
        if let Some(passing) = self.passing.checked_sub(1) {
            self.passing = passing;
            return None;
        }
        if let Some(times) = &mut self.times {
            *times -= 1;
        }
        Some(self.action.clone())
    }
}

/// Switches faults of a running server; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Mutex<Vec<Rule>>,
    manners: Arc<Manners>,
    /// Counts changes of the rules, for requests that hang.
    changes: watch::Sender<u64>,
    /// Whether a request hangs, or hung before the rules were taken away.
    has_hung: AtomicBool,
    log: watch::Sender<Vec<Op>>,
    /// Whether connections are to be refused, and whether they are.
    refusal: watch::Sender<Refusal>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Refusal {
    wished: bool,
    real: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(Inner {
            rules: Mutex::default(),
            manners: Arc::default(),
            changes: watch::Sender::new(0),
            has_hung: AtomicBool::new(false),
            log: watch::Sender::new(Vec::new()),
            refusal: watch::Sender::default(),
        }))
    }
}

impl Faults {
    /// Adds a rule; the first that applies wins.
    pub(crate) fn add(&self, rule: Rule) {
        self.rules().push(rule);
        self.changed();
    }

    /// Takes all rules away.
    pub(crate) fn clear(&self) {
        self.rules().clear();
        self.0.has_hung.store(false, Ordering::Relaxed);
        self.changed();
    }

    /// Returns whether a request hangs by a rule that is there.
    pub(crate) fn has_hung(&self) -> bool {
        self.0.has_hung.load(Ordering::Relaxed)
    }

    /// Closes all connections and refuses new ones, or accepts them again; waits until it is so.
    pub(crate) async fn refuse(&self, wished: bool) {
        self.0
            .refusal
            .send_modify(|refusal| refusal.wished = wished);
        self.refusal(|refusal| refusal.real == wished).await;
    }

    /// Returns what the service does differently by design.
    pub(crate) fn manners(&self) -> &Arc<Manners> {
        &self.0.manners
    }

    /// Returns how often an operation was asked for.
    pub(crate) fn count(&self, op: Op) -> usize {
        self.0
            .log
            .borrow()
            .iter()
            .filter(|seen| **seen == op)
            .count()
    }

    /// Forgets what was asked for.
    pub(crate) fn forget(&self) {
        self.0.log.send_modify(Vec::clear);
    }

    /// Waits until an operation has been asked for.
    pub(crate) async fn arrived(&self, op: Op) {
        self.arrived_often(op, 1).await;
    }

    /// Waits until an operation has been asked for so many times.
    pub(crate) async fn arrived_often(&self, op: Op, times: usize) {
        let mut log = self.0.log.subscribe();
        log.wait_for(|log| log.iter().filter(|seen| **seen == op).count() >= times)
            .await
            .expect("the sender is held by self");
    }

    pub(super) fn decide(&self, request: &hyper::http::request::Parts) -> Option<Action> {
        let op = Op::of(request);
        self.0.log.send_modify(|log| log.push(op));
        let mut rules = self.rules();
        let mut rules = rules.iter_mut().filter(|rule| rule.applies(op, request));
        rules.find_map(Rule::strike)
    }

    /// Waits until the rules change.
    pub(super) async fn hang(&self) {
        let mut changes = self.0.changes.subscribe();
        self.0.has_hung.store(true, Ordering::Relaxed);
        changes.changed().await.expect("the sender is held by self");
    }

    pub(super) async fn wished_to_refuse(&self, wished: bool) {
        self.refusal(|refusal| refusal.wished == wished).await;
    }

    pub(super) fn is_refusing(&self, real: bool) {
        self.0.refusal.send_modify(|refusal| refusal.real = real);
    }

    async fn refusal(&self, condition: impl FnMut(&Refusal) -> bool) {
        let mut refusal = self.0.refusal.subscribe();
        refusal
            .wait_for(condition)
            .await
            .expect("the sender is held by self");
    }

    fn changed(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
