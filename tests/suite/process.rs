//! What the environment of a process decides is tested in a process of its own: a test calls
//! [`run`] with its own name, and does its work where [`is_own`] is true.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

const MARK: &str = "TOWER_SPNEGO_OWN_PROCESS";

/// Whether this process was started for one test.
pub fn is_own() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Starts this program again, with these variables and for this test alone, which must pass.
#[track_caller]
pub fn run<V: AsRef<OsStr>>(test: &str, variables: impl IntoIterator<Item = (&'static str, V)>) {
    let program = std::env::current_exe().expect("this program");
    passes(Command::new(program).envs(variables), test);
}

/// As [`run`], as the user `nobody` if this one is root. A copy of the program goes into `folder`,
/// for `nobody` may not look into where it lies.
#[track_caller]
pub fn run_unprivileged<V: AsRef<OsStr>>(
    test: &str,
    variables: impl IntoIterator<Item = (&'static str, V)>,
    folder: &Path,
) {
    if !rustix::process::geteuid().is_root() {
        return run(test, variables);
    }
    let program = folder.join("suite");
    // Not in this process: a program that another test starts meanwhile would inherit the open
    // file, and what is open for writing can't be run.
    let copied = Command::new("cp")
        .arg(std::env::current_exe().expect("this program"))
        .arg(&program)
        .status();
    assert!(copied.expect("cp runs").success());
    let mut command = Command::new("runuser");
    command.args(["-u", "nobody", "--"]).arg(program);
    passes(command.envs(variables).current_dir("/"), test);
}

/// Makes `command`, which starts this program, run this test alone.
pub fn alone<'a>(command: &'a mut Command, test: &str) -> &'a mut Command {
    command
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
}

#[track_caller]
fn passes(command: &mut Command, test: &str) {
    let output = alone(command, test).output().expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("1 passed"), "{test} is no test: {text}");
}
