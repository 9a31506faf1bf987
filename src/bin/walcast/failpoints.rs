//! Ends the process where the crash tests say, as a power cut would.

/// Kills the process at the place that `WALCAST_KILL_AT` names, `name` or `name:3` for the third
/// time that it is passed.
#[cfg(feature = "failpoints")]
#[expect(
    clippy::disallowed_methods,
    reason = "the program may read the environment"
)]
pub(crate) fn arm() {
    let Ok(place) = std::env::var("WALCAST_KILL_AT") else {
        return;
    };
    let (name, pass) = place.split_once(':').unwrap_or((&place, "1"));
    assert!(walcast::failpoint::ALL.contains(&name), "no place {name}");
    let pass: usize = pass.parse().expect("a number is behind the colon");
    let passes = std::sync::atomic::AtomicUsize::new(1);
    let visit = move || {
        if passes.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == pass {
            kill();
        }
    };
    fail::cfg_callback(name, visit).expect("a callback is a valid action");
}

#[cfg(feature = "failpoints")]
fn kill() {
    let this = rustix::process::getpid();
    rustix::process::kill_process(this, rustix::process::Signal::KILL)
        .expect("a process may kill itself");
}

#[cfg(not(feature = "failpoints"))]
pub(crate) const fn arm() {}
