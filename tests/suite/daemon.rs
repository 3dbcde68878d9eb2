//! A server of the machine, which ends with the test.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::served::DEADLINE;

/// A shell that ends the server, and then itself and all the server's processes, when its standard
/// input ends: also when this process is killed.
pub struct Daemon {
    shell: Child,
    log: PathBuf,
}

impl Daemon {
    /// Runs `command` in `folder`, where what it says becomes `log`, until it is ended by `signal`.
    pub fn start(command: &Command, folder: &Path, signal: &str) -> Self {
        const SCRIPT: &str = r#"
            signal=$1; shift
            "$@" & server=$!
            read -r _
            kill -s "$signal" $server && wait $server
            kill -s KILL 0"#;
        let log = folder.join("log");
        let said = File::create(&log).expect("a log");
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "sh", signal])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(said)
            .process_group(0)
            .spawn()
            .expect("a shell");
        Self { shell, log }
    }

    /// Until `connect` comes to something. The server has failed if it says one of these words.
    pub async fn wait_for<T>(
        &self,
        failures: &[&str],
        mut connect: impl AsyncFnMut() -> io::Result<T>,
    ) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match connect().await {
                Ok(connected) => return connected,
                Err(error) => {
                    let said = std::fs::read_to_string(&self.log).expect("a log");
                    let starts = !failures.iter().any(|word| said.contains(word));
                    assert!(starts && Instant::now() < deadline, "{error}: {said}");
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Where a program is; servers are not on every user's PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
