mod golden;

mod laws;
mod samples;
