//! A server that has no layer of ours, for the tests of browsers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use super::DEADLINE;

const PAGE: &str =
    "<p id=result></p><script>result.textContent = 'by ' + 'script'; fetch('/reported')</script>";

/// Asks for Negotiate, shows the page to whoever sends anything, and reports each request's head.
pub(in crate::testing) fn serve() -> (String, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://localhost:{}",
        listener.local_addr().expect("bound").port()
    );
    let (heads, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let heads = heads.clone();
            std::thread::spawn(move || {
                answer(stream.expect("a connection"), |head| {
                    let _ = heads.send(head);
                })
            });
        }
    });
    (url, Heads(received))
}

fn answer(mut stream: TcpStream, report: impl Fn(String)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).expect("UTF-8");
    let signed_in = head.contains("Negotiate YI");
    let (status, page) = match signed_in {
        true => ("200 OK\r\nSet-Cookie: kept=1; Max-Age=600", PAGE),
        false => ("401 Unauthorized\r\nWWW-Authenticate: Negotiate", "nobody"),
    };
    report(head);
    let length = page.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{page}"
    );
}

/// The heads of the requests that came.
pub(in crate::testing) struct Heads(Receiver<String>);

impl Heads {
    /// The next that holds these words.
    #[track_caller]
    pub(in crate::testing) fn wait_for(&self, words: &str) -> String {
        loop {
            let head = self.0.recv_timeout(DEADLINE).expect("a request");
            if head.contains(words) {
                return head;
            }
        }
    }

    /// Whether one that has come holds these words.
    pub(in crate::testing) fn any_has(&self, words: &str) -> bool {
        self.0.try_iter().any(|head| head.contains(words))
    }
}
