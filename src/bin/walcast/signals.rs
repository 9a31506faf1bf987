//! When somebody wants the process to end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::output::Failure;

/// Waits for SIGTERM and SIGINT, instead of dying of them.
#[derive(Debug)]
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = || -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        };
        listen().map_err(|error| Failure::new(format!("listening to signals: {error}")))
    }

    /// Returns the exit code that stands for the next signal, as a shell tells it. Nothing is lost
    /// when it is dropped.
    pub(crate) async fn requested(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 128 + 15,
            _ = self.interrupt.recv() => 128 + 2,
        }
    }
}
