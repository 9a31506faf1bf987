//! Programs that tests run; a missing one fails the test and says how to install it.

use std::{
    ffi::OsString,
    io::Write,
    process::{Command, Stdio},
    thread,
};

/// Runs a program as a filter and returns its standard output.
///
/// # Panics
///
/// If the program is missing (naming the Debian package `package`) or fails.
pub(crate) fn filter(package: &str, program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let missing = format!("`{program}` is missing: apt-get install {package}");
    run(Command::new(program).args(args), input, &missing)
}

/// Runs a script on the Python that `WALCAST_TEST_PYTHON` names, else on `python3`, as a filter.
///
/// # Panics
///
/// If that Python lacks the module `module` of the package `package`, or the script fails.
pub(crate) fn python(package: &str, module: &str, script: &str, input: &[u8]) -> Vec<u8> {
    let python =
        std::env::var_os("WALCAST_TEST_PYTHON").unwrap_or_else(|| OsString::from("python3"));
    let missing = format!(
        "{} cannot import {module}: python3 -m venv target/venv && target/venv/bin/pip install \
         {package}, then set WALCAST_TEST_PYTHON=$PWD/target/venv/bin/python",
        python.display()
    );
    let import = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .output();
    assert!(
        import.is_ok_and(|output| output.status.success()),
        "{missing}"
    );
    run(Command::new(&python).args(["-c", script]), input, &missing)
}

/// Runs Prometheus' own `promtool`, the one that `WALCAST_TEST_PROMTOOL` names or that of the PATH,
/// as a filter.
///
/// # Panics
///
/// If it is missing or not content.
#[cfg(feature = "metrics")]
pub(crate) fn promtool(args: &[&str], input: &[u8]) -> Vec<u8> {
    let promtool = std::env::var_os("WALCAST_TEST_PROMTOOL");
    let promtool = promtool.unwrap_or_else(|| OsString::from("promtool"));
    let missing = format!(
        "{} is missing: apt-get install prometheus, or scripts/test",
        promtool.display()
    );
    run(Command::new(promtool).args(args), input, &missing)
}

/// Returns the command as it runs where it alone sees what these arguments of `mount` say.
///
/// It needs root's rights, or a system that lets users have namespaces of their own.
#[cfg(feature = "cli")]
pub(crate) fn mounted(arguments: &[&str], command: &Command) -> Command {
    const SCRIPT: &str = r#"count=$1; shift; mount "${@:1:count}" && exec "${@:count+1}""#;
    let mut mounted = Command::new("unshare");
    mounted.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        mounted.arg("--map-root-user");
    }
    mounted.args(["bash", "-c", SCRIPT, "bash", &arguments.len().to_string()]);
    mounted.args(arguments).arg(command.get_program());
    mounted.args(command.get_args());
    for (name, value) in command.get_envs() {
        mounted.env(name, value.unwrap_or_default());
    }
    if let Some(folder) = command.get_current_dir() {
        mounted.current_dir(folder);
    }
    mounted
}

fn run(command: &mut Command, input: &[u8], missing: &str) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{missing} ({error})"));
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        // A program that refuses its input closes it; the exit status tells why.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    });
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {stderr}");
    output.stdout
}
