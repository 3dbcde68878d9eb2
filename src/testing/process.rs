//! Programs of the machine as children of a test: found, run, watched, and gone with the test.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long a server may take to start: a loaded CI machine needs far more than the usual 50 ms.
pub(super) const START_DEADLINE: Duration = Duration::from_secs(20);

/// Where `program` lies. Servers are in `/usr/sbin`, which is not on an ordinary user's PATH.
pub(super) fn find_program(program: &str, debian_package: &str) -> io::Result<PathBuf> {
    find_on_path(program).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "there is no program {program} on PATH, nor in /usr/sbin, /sbin or \
                 /usr/local/sbin; Debian has it in the package {debian_package}"
            ),
        )
    })
}

pub(super) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Runs `command` to its end; an exit status other than 0 is an error that holds what it printed.
pub(super) fn run(command: &mut Command) -> io::Result<Output> {
    run_with_input(command, b"")
}

/// As [`run`], with `input` on the child's standard input.
pub(super) fn run_with_input(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let program = display_name(command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
    let stdin = child.stdin.take();
    // Written from a second thread: a child that prints much before it has read all would
    // otherwise block, and so would we.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    })?;
    if output.status.success() {
        return Ok(output);
    }
    Err(io::Error::other(format!(
        "{program}: {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout),
    )))
}

fn display_name(command: &Command) -> String {
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    format!(
        "{} {}",
        Path::new(command.get_program()).display(),
        arguments.join(" ")
    )
}

/// A server of ours in a process group of its own, killed and reaped on drop.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    watchdog: Option<Child>,
    log: PathBuf,
    log_start: usize,
}

impl Daemon {
    /// Starts `command`; what it prints is appended to the file `log`. When this process dies
    /// without dropping (a signal, an abort), a watchdog kills the server and removes `folder`.
    pub(super) fn spawn(command: &mut Command, log: &Path, folder: &Path) -> io::Result<Self> {
        let stdout = File::options().append(true).create(true).open(log)?;
        Self::spawn_printing_to(stdout, command, log, folder)
    }

    /// As [`spawn`](Self::spawn), with standard output alone to a file of its own.
    pub(super) fn spawn_printing_to(
        stdout: File,
        command: &mut Command,
        log: &Path,
        folder: &Path,
    ) -> io::Result<Self> {
        let program = display_name(command);
        let log_start = std::fs::read(log).unwrap_or_default().len();
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(File::options().append(true).create(true).open(log)?)
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
        let mut daemon = Self {
            child,
            watchdog: None,
            log: log.to_owned(),
            log_start,
        };
        daemon.watchdog = Some(watchdog(daemon.child.id(), folder)?);
        Ok(daemon)
    }

    /// Waits until the log says `words` and the ports answer. The words alone tell that it is this
    /// server that answers. Fails at once when the server ends, and at the deadline, with the end
    /// of its log.
    pub(super) fn wait_until_ready(&mut self, words: &str, ports: &[SocketAddr]) -> io::Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.error(&format!("the server ended at its start ({status})")));
            }
            let log = std::fs::read(&self.log)?;
            let news = String::from_utf8_lossy(log.get(self.log_start..).unwrap_or_default());
            if news.contains(words) && ports.iter().all(answers) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.error("the server was not ready in time"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn error(&self, what: &str) -> io::Error {
        io::Error::other(format!("{what}; its log ends:\n{}", tail(&self.log)))
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The server's process, whose id its group has too.
    #[cfg(test)]
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends `signal` to the server.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Waits until it has ended by itself, at most `limit`: its exit status, or none.
    pub(super) fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || Instant::now() > deadline {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The watchdog first: it must not kill a process that got the server's id after it.
        if let Some(watchdog) = &mut self.watchdog {
            let _ = watchdog.kill();
            let _ = watchdog.wait();
        }
        // Also when the leader has ended: its own children may not have.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Whether something accepts connections there.
fn answers(address: &SocketAddr) -> bool {
    TcpStream::connect_timeout(address, Duration::from_secs(1)).is_ok()
}

/// A shell that waits for the end of a pipe whose other end this process holds. (`PR_SET_PDEATHSIG`
/// fires when the *thread* that spawned ends, which in a test harness is too early.)
fn watchdog(group: u32, folder: &Path) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", "read -r _; kill -s KILL -- \"-$1\"; rm -rf -- \"$2\""])
        .arg("watchdog")
        .arg(group.to_string())
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// The last lines of a log.
pub(super) fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let first = lines.len().saturating_sub(20);
    lines.get(first..).unwrap_or_default().join("\n")
}
