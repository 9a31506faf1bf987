//! `walcast forget`: for a destination that is given up.

use std::time::Duration;

use clap::Args;
use walcast::{
    fanout::{Destination, DestinationId},
    spool::{SpoolLock, SpoolSettings},
    workers::Workers,
};

use crate::{
    client,
    configuration::ConfigOptions,
    output::{self, Failure, Format},
    protocol::{Answer, Request},
    spool::{SpoolOptions, failed, locked},
};

#[derive(Args, Debug)]
pub(crate) struct Forget {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    spool: SpoolOptions,
    /// The destination; it must not be in the files any more.
    #[arg(value_name = "DEST")]
    destination: DestinationId,
}

/// How long the resident, or another process in the spool, is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

impl Forget {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let workers = Workers::new();
        let destinations = self.config.load(&workers).await?.destinations;
        if destinations.iter().any(|one| one.id == self.destination) {
            return Err(configured(&self.destination));
        }
        let request = Request::Forget(self.destination.clone());
        let files = match client::ask(self.spool.root(), &request, PATIENCE).await? {
            Some(Answer::Forgotten(files)) => files,
            Some(Answer::Refused(refusal)) => return Err(refusal.into()),
            Some(_) => return Err(Failure::new("the resident answered something else")),
            None => self.alone(&destinations, &workers).await?,
        };
        match format {
            Format::Json => output::print_json(&serde_json::json!({ "forgotten": files })),
            Format::Text => {
                let plural = if files == 1 { "file" } else { "files" };
                output::print(&format!(
                    "{} owes {files} {plural} less\n",
                    self.destination
                ));
            }
        }
        Ok(0)
    }

    async fn alone(
        &self,
        destinations: &[Destination],
        workers: &Workers,
    ) -> Result<usize, Failure> {
        let root = self.spool.root();
        if !root.exists() {
            let text = format!("there is no spool at {}", root.display());
            return Err(Failure::new(text).with_hint(Some("Check --spool.")));
        }
        let lock = SpoolLock::acquire(root, PATIENCE).await;
        let _lock = lock.map_err(|error| locked(&error))?;
        let settings = SpoolSettings::default();
        let spool = self.spool.open(settings, destinations, workers).await?;
        let forgotten = spool.forget(&self.destination).await;
        forgotten.map_err(|error| failed(&error))
    }
}

/// What a destination owes that can still be paid is not dropped.
pub(crate) fn configured(destination: &DestinationId) -> Failure {
    let hint = "Remove its resource from the files first, and restart the resident.";
    Failure::new(format!(
        "{destination} is configured: what it owes is sent to it"
    ))
    .with_hint(Some(hint))
}
