mod golden;
mod guard;
mod laws;
mod samples;
