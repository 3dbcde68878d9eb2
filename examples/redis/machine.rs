//! All that a try needs in one temporary folder: a realm, Redis, two servers and nginx.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tower_spnego::testing::{TestRealm, TicketCache};

use crate::Failure;

#[derive(PartialEq)]
pub(crate) enum Then {
    Serve,
    End,
}

pub(crate) fn run(then: Then) -> Result<(), Failure> {
    let realm = TestRealm::start()?;
    let alice = realm.ticket_cache("alice")?;
    let folder = realm.folder();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port();
    let configuration = include_str!("nginx.conf").replace("8080", &port.to_string());
    fs::write(folder.join("nginx.conf"), configuration)?;

    let _redis = Running::start(
        folder,
        find("redis-server")?,
        &["--port", "0", "--unixsocket", "redis.sock", "--save", ""],
    )?;
    let listens = |socket| wait_for(|| UnixStream::connect(folder.join(socket)));
    listens("redis.sock")?;
    let server = |socket| {
        let redis = format!("redis+unix://{}", folder.join("redis.sock").display());
        let keytab = realm.keytab().display().to_string();
        let server = std::env::current_exe()?;
        Running::start(folder, server, &[socket, &redis, &keytab])
    };
    let one = server("one.sock")?;
    let _two = server("two.sock")?;
    listens("one.sock")?;
    listens("two.sock")?;
    // One process, which ends with this one; and as root no worker that is another user, whom the
    // folder keeps out.
    let _nginx = Running::start(
        folder,
        find("nginx")?,
        &[
            "-p",
            ".",
            "-c",
            "nginx.conf",
            "-g",
            "daemon off; master_process off;",
        ],
    )?;

    wait_for(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)))?;
    // By this name, and no number: the ticket is for HTTP/localhost.
    let url = format!("http://localhost:{port}");
    let curl = Curl {
        alice: &alice,
        url: &url,
        jar: folder.join("cookies"),
    };
    println!("alice opens {url}");
    curl.get("with her ticket", &["--negotiate", "--user", ":"])?;
    curl.get("with her cookie", &[])?;
    curl.get("with her cookie", &[])?;
    drop(one);
    println!("server one is gone");
    curl.get("with her cookie", &[])?;
    curl.get("with her cookie", &[])?;
    if then == Then::End {
        return Ok(());
    }
    let _one = server("one.sock")?;
    println!(
        "Server one is back. In another terminal:
  export KRB5_CONFIG={} KRB5CCNAME={}
  curl --negotiate --user : --cookie-jar cookies {url}/
  curl --cookie cookies --data pear {url}/cart
  curl --cookie cookies {url}/
Ctrl-C ends it, and removes all of it.",
        realm.krb5_conf().display(),
        alice.path().display(),
    );
    let runtime = tokio::runtime::Runtime::new()?;
    Ok(runtime.block_on(tokio::signal::ctrl_c())?)
}

/// A program that ends with this.
struct Running(Child);

impl Running {
    fn start(
        folder: &Path,
        program: impl AsRef<Path>,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let program = program.as_ref();
        let started = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let failed = |error| format!("{} did not start: {error}", program.display());
        Ok(Self(started.map_err(failed)?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// On root's PATH alone is where nginx lies.
fn find(program: &str) -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| {
            format!("There is no {program}: apt-get install nginx-light redis-server").into()
        })
}

/// Until somebody listens.
fn wait_for<T>(connect: impl Fn() -> io::Result<T>) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match connect() {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => sleep(Duration::from_millis(10)),
        }
    }
}

/// Alice's, with her cookies.
struct Curl<'a> {
    alice: &'a TicketCache,
    url: &'a str,
    jar: PathBuf,
}

impl Curl<'_> {
    fn get(&self, how: &str, arguments: &[&str]) -> Result<(), Failure> {
        let output = self
            .alice
            .command("curl")
            // Neither a ~/.curlrc nor a proxy comes between.
            .args([
                "--disable",
                "--noproxy",
                "*",
                "--silent",
                "--show-error",
                "--fail",
            ])
            .args(["--max-time", "60"])
            .arg("--cookie")
            .arg(&self.jar)
            .arg("--cookie-jar")
            .arg(&self.jar)
            .args(arguments)
            .arg(self.url)
            .output()?;
        let page = String::from_utf8_lossy(&output.stdout);
        print!("  {how:<16} {page}");
        match page.starts_with("Hello, alice") {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into()),
        }
    }
}
