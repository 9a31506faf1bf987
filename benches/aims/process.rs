//! What the kernel knows of this process.

use std::{fs, time::Duration};

/// Returns the CPU time that all threads have used, user and system.
pub(super) fn cpu_time() -> Duration {
    // Linux counts these in hundredths of a second, whatever its own tick is.
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<u32>().ok());
    let (user, system) = (ticks(), ticks());
    TICK * (user.unwrap_or(0) + system.unwrap_or(0))
}

/// Returns the most memory that was resident, in MiB.
pub(super) fn peak_memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<f64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.expect("the kernel tells the peak in KiB") / 1024.0
}
