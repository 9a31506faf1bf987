//! Log records on standard error.

use std::io::{IsTerminal, stderr};

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// What is logged, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogOptions {
    /// What is logged to standard error: off, error, warn, info, debug or trace. Default: info for
    /// `serve`, warn for the others.
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "WALCAST_LOG",
        help_heading = "Output"
    )]
    log: Option<LevelFilter>,
    /// How it is logged.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, help_heading = "Output")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON document per line.
    Json,
}

impl LogOptions {
    pub(crate) fn is_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }

    /// Begins to log; with the time if the process `stays`.
    pub(crate) fn start(&self, stays: bool) {
        let usual = if stays {
            LevelFilter::INFO
        } else {
            LevelFilter::WARN
        };
        let level = self.log.unwrap_or(usual);
        // What other crates log is noise here, and not known to be free of secrets.
        let ours = Targets::new().with_target("walcast", level);
        Registry::default()
            .with(self.layer(stays).with_filter(ours))
            .init();
    }

    fn layer(&self, stays: bool) -> Box<dyn Layer<Registry> + Send + Sync> {
        let layer = fmt::layer()
            .with_writer(stderr)
            .with_target(false)
            .with_ansi(stderr().is_terminal());
        match self.log_format {
            LogFormat::Json => layer.json().flatten_event(true).boxed(),
            LogFormat::Text if stays => layer.boxed(),
            LogFormat::Text => layer.without_time().boxed(),
        }
    }
}
