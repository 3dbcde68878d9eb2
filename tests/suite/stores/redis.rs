//! redis-server on a socket in a folder of its own.

use std::io;
use std::process::Command;
use std::time::Duration;

use fred::prelude::{Builder, ClientLike, Config, ReconnectPolicy};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tower_sessions_redis_store::RedisStore;

use super::AnyStore;
use crate::daemon::{self, Daemon};

pub struct Redis {
    daemon: Option<Daemon>,
    folder: TempDir,
}

impl Redis {
    /// None where there is no redis-server.
    pub async fn start() -> Option<Self> {
        daemon::find("redis-server")?;
        let mut redis = Self {
            daemon: None,
            folder: tempfile::tempdir().expect("a folder"),
        };
        redis.restart().await;
        Some(redis)
    }

    /// Clients of its own, as another process has.
    pub async fn open(&self) -> AnyStore {
        let pool = Builder::from_config(Config::from_url(&self.url()).expect("a URL"))
            .with_performance_config(|config| {
                config.default_command_timeout = Duration::from_secs(5);
            })
            .with_connection_config(|config| config.max_command_attempts = 1)
            .set_policy(ReconnectPolicy::new_constant(0, 20))
            .build_pool(2)
            .expect("a pool");
        pool.init().await.expect("connects");
        AnyStore::new(RedisStore::new(pool))
    }

    /// At once, as a crash would.
    pub fn stop(&mut self) {
        self.daemon = None;
    }

    pub async fn restart(&mut self) {
        let mut command = Command::new(daemon::find("redis-server").expect("redis-server"));
        // What is written is on the disk before the answer, for the restart.
        command.args(["--port", "0", "--unixsocket", &self.socket()]);
        command.args(["--appendonly", "yes", "--appendfsync", "always"]);
        let daemon = Daemon::start(&command, self.folder.path(), "KILL");
        let connect = async || ping(&self.socket()).await;
        daemon.wait_for(&["FATAL", "Failed"], connect).await;
        self.daemon = Some(daemon);
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket())
    }

    fn socket(&self) -> String {
        format!("{}/socket", self.folder.path().display())
    }
}

async fn ping(socket: &str) -> io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    match &answer {
        b"+PONG" => Ok(()),
        other => Err(io::Error::other(String::from_utf8_lossy(other))),
    }
}
