//! Metrics: other programs read them, and the files in `examples/monitoring` ask for what is there.

mod alerts;
mod exposition;
mod files;
mod promql;
mod sample;
