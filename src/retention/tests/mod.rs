mod guard;
mod laws;
mod samples;
