//! Tokens with a forwarded ticket, made by curl.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::process::{find_program, run};
use super::ticket::TicketCache;

impl TicketCache {
    /// A token for `spn` (`HTTP/` and a host) that also hands over the user's own ticket.
    ///
    /// It comes from `curl --delegation always` (Debian's package `curl`): for a ticket to forward,
    /// GSSAPI must ask the KDC, and finds it by an environment variable alone. Such a token is
    /// about 1 KiB longer.
    ///
    /// # Errors
    ///
    /// curl is missing or makes no token, or the KDC refuses or is stopped.
    pub fn delegating_token(&self, spn: &str) -> io::Result<Vec<u8>> {
        let host = spn.strip_prefix("HTTP/").ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("curl asks for a ticket for HTTP/…, not for {spn}"),
            )
        })?;
        // curl says nothing when the KDC refuses; this does.
        self.service_ticket(spn)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let mut curl = self.command(find_program("curl", "curl")?);
        curl.args(["-q", "--silent", "--show-error", "--max-time", "20"])
            .args(["--noproxy", "*", "--negotiate", "--user", ":"])
            .args(["--delegation", "always"])
            .arg("--resolve")
            .arg(format!("{host}:{port}:127.0.0.1"))
            .arg(format!("http://{host}:{port}/"));
        std::thread::scope(|scope| {
            let server = scope.spawn(|| read_token(&listener));
            let ran = run(&mut curl);
            if ran.is_err() {
                // It may never have connected, and the server would wait for ever.
                let _ = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port));
            }
            let token = server
                .join()
                .map_err(|_| io::Error::other("the server for curl panicked"))?;
            ran.and(token)
        })
    }
}

fn read_token(listener: &TcpListener) -> io::Result<Vec<u8>> {
    let (mut stream, _) = listener.accept()?;
    let mut token = None;
    for line in BufReader::new(&stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("Authorization: Negotiate ") {
            token = STANDARD.decode(value.trim()).ok();
        }
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")?;
    token.ok_or_else(|| io::Error::other("curl sent no token; does it know GSSAPI?"))
}
