//! PostgreSQL on a socket in a folder of its own. It refuses to run as root, and is then the user
//! whom Debian's package makes for it.

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tower_sessions_sqlx_store::PostgresStore;

use super::AnyStore;
use crate::daemon::{self, Daemon};

const USER: &str = "postgres";

pub struct Postgres {
    daemon: Option<Daemon>,
    programs: PathBuf,
    folder: TempDir,
}

impl Postgres {
    /// None where there is no PostgreSQL.
    pub async fn start() -> Option<Self> {
        let mut postgres = Self {
            daemon: None,
            programs: find()?,
            folder: tempfile::tempdir().expect("a folder"),
        };
        let folder = postgres.folder.path().display();
        if rustix::process::geteuid().is_root() {
            let owner = format!("{USER}:");
            run(Command::new("chown").args([&owner, &folder.to_string()]));
        }
        let initdb = [
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
            "--pgdata=data",
        ];
        run(postgres
            .command("initdb")
            .args(initdb)
            .arg(format!("--username={USER}"))
            .current_dir(postgres.folder.path()));
        postgres.restart().await;
        Some(postgres)
    }

    /// Connections of its own, as another process has.
    pub async fn open(&self) -> AnyStore {
        let pool = PgPoolOptions::new()
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(self.options())
            .await
            .expect("connects");
        let store = PostgresStore::new(pool);
        store.migrate().await.expect("makes its table");
        AnyStore::new(store)
    }

    /// At once, as a crash would: it recovers from its log.
    pub fn stop(&mut self) {
        self.daemon = None;
    }

    pub async fn restart(&mut self) {
        let mut command = self.command("postgres");
        command.args(["-D", "data", "-F", "-c", "listen_addresses="]);
        // So that nothing is left in the machine's shared memory.
        command.args(["-c", "dynamic_shared_memory_type=mmap"]);
        let directory = self.folder.path().display();
        command.args(["-c", &format!("unix_socket_directories={directory}")]);
        let daemon = Daemon::start(&command, self.folder.path(), "QUIT");
        let connect = async || {
            let connection = self.options().connect().await.map_err(io::Error::other)?;
            connection.close().await.map_err(io::Error::other)
        };
        daemon
            .wait_for(&["PANIC", "FATAL:  could not"], connect)
            .await;
        self.daemon = Some(daemon);
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.folder.path())
            .username(USER)
            .database(USER)
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        if !rustix::process::geteuid().is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]);
        command.arg(program);
        command
    }
}

/// Debian's are on nobody's PATH; of several versions it is the newest.
fn find() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut folders: Vec<_> = debian
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").is_file())
        .collect();
    folders.sort();
    let on_path = || daemon::find("initdb")?.parent().map(PathBuf::from);
    folders.pop().or_else(on_path)
}

fn run(command: &mut Command) {
    let output = command.output().expect("starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}
