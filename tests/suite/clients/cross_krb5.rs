//! The client program for cross-krb5 is this test program: the environment that has the tickets is
//! a process's, so it runs in one of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cross_krb5::{ClientCtx, InitiateFlags, Step};

use super::{Missing, Person};
use crate::process;
use crate::site::SPN;

const URL: &str = "TOWER_SPNEGO_CLIENT_URL";
const TIMES: &str = "TOWER_SPNEGO_CLIENT_TIMES";

/// Starts [`ask`].
pub fn command(person: &Person, url: &str, times: usize) -> Result<Command, Missing> {
    let test = "clients::cross_krb5_client::it_signs_in_and_keeps_its_login_where_it_keeps_cookies";
    let mut command = person.command(std::env::current_exe().expect("this program"));
    process::alone(&mut command, test)
        .env(URL, url)
        .env(TIMES, times.to_string());
    Ok(command)
}

pub fn ask() {
    let [url, times] = [URL, TIMES].map(|name| std::env::var(name).expect("set"));
    let times: usize = times.parse().expect("a number");
    // libtest has begun a line.
    println!();
    for _ in 0..times {
        match get(&url) {
            Ok(answer) => println!("answer {answer}"),
            Err(_) => println!("failed Error"),
        }
    }
}

/// An answer's status and body, when nobody asks for another token.
fn get(url: &str) -> Result<String, Box<dyn std::error::Error>> {
    let (mut pending, token) = ClientCtx::new(InitiateFlags::empty(), None, SPN, None)?;
    let mut token = token.to_vec();
    loop {
        let (head, body) = send(url, &token)?;
        let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = format!("{status} {}", body.lines().next().unwrap_or_default());
        let reply = head
            .lines()
            .find_map(|line| line.strip_prefix("www-authenticate: Negotiate "));
        let Some(reply) = reply else {
            return Ok(answer);
        };
        match pending.step(&STANDARD.decode(reply)?)? {
            Step::Finished(_) => return Ok(answer),
            Step::Continue((next, asks)) => {
                token = asks.to_vec();
                pending = next;
            }
        }
    }
}

/// The answer's head and body.
fn send(url: &str, token: &[u8]) -> Result<(String, String), Box<dyn std::error::Error>> {
    let rest = url.strip_prefix("http://").ok_or("no URL")?;
    let (host, path) = rest.split_once('/').ok_or("no path")?;
    let mut stream = TcpStream::connect(host)?;
    let token = STANDARD.encode(token);
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Negotiate {token}\r\n\
         Connection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no head")?;
    Ok((head.to_owned(), body.to_owned()))
}
