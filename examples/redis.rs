//! One site on two servers: nginx sends a request to either of them, and Redis holds the sessions.
//!
//! The application is `redis/server.rs`, and what nginx is told is `redis/nginx.conf`. Both can be
//! copied. This file and `redis/machine.rs` try them in a throw-away realm:
//!
//! ```text
//! cargo run --all-features --example redis            serves until Ctrl-C
//! cargo run --all-features --example redis -- --once  ends when curl has opened the pages
//! ```
//!
//! It needs `redis-server` and `nginx`. One server alone, as they are started by it:
//!
//! ```text
//! redis /run/site/one.sock redis://redis.corp.example.com:6379 /etc/site.keytab
//! ```

use std::path::Path;
use std::process::ExitCode;

#[path = "redis/machine.rs"]
mod machine;
#[path = "redis/server.rs"]
mod server;

/// What went wrong, for a person to read.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => machine::run(machine::Then::Serve),
        ["--once"] => machine::run(machine::Then::End),
        [socket, redis, keytab] => server::run(Path::new(socket), redis, Path::new(keytab)),
        _ => Err("Give it nothing, --once, or SOCKET REDIS-URL KEYTAB.".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("It failed. {failure}");
            ExitCode::FAILURE
        }
    }
}
