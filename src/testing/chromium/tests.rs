use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::testing::TestRealm;

const PAGE: &str =
    "<p id=result></p><script>result.textContent = 'by ' + 'script'; fetch('/reported')</script>";

/// Asks for Negotiate, shows the page to whoever sends anything, and reports each request's head.
fn serve() -> (String, Receiver<String>) {
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
    (url, received)
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

#[test]
fn it_signs_in_with_a_ticket() {
    if !chromium_or_skip("it_signs_in_with_a_ticket") {
        return;
    }
    let realm = TestRealm::start().expect("a realm");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let (url, heads) = serve();
    let mut chromium = Chromium::new(Some(&alice)).expect("a browser");
    let page = chromium.dump_dom(&url).expect("a page");
    assert!(page.contains("by script"), "{page}\n{}", chromium.log());
    assert!(realm.kdc_log().contains("HTTP/localhost@EXAMPLE.TEST"));

    let picture = realm.folder().join("page.png");
    chromium
        .screenshot(&url, &picture, (400, 300))
        .expect("a picture");
    let picture = fs::read(picture).expect("written");
    assert_eq!(picture[1..4], *b"PNG");
    assert_eq!(picture[16..24], [0, 0, 1, 0x90, 0, 0, 1, 0x2c], "its size");
    assert!(
        heads.try_iter().any(|head| head.contains("kept=1")),
        "the profile is kept"
    );
}

#[test]
fn it_has_no_ticket_of_its_own() {
    if !chromium_or_skip("it_has_no_ticket_of_its_own") {
        return;
    }
    let (url, _heads) = serve();
    let mut chromium = Chromium::new(None).expect("a browser");
    let page = chromium.dump_dom(&url).expect("a page");
    assert!(page.contains("nobody"), "{page}");
}

#[test]
fn a_page_runs_until_the_browser_is_dropped() {
    if !chromium_or_skip("a_page_runs_until_the_browser_is_dropped") {
        return;
    }
    let (url, heads) = serve();
    let mut chromium = Chromium::start(None, &format!("{url}/first")).expect("a browser");
    let wait_for = |path: &str| loop {
        let head = heads.recv_timeout(DEADLINE).expect("a request");
        if head.contains(path) {
            return;
        }
    };
    wait_for("/first");
    chromium.open(&format!("{url}/second")).expect("a browser");
    wait_for("/second");
    let folder = chromium.folder.path().to_owned();
    drop(chromium);
    assert!(!folder.exists());
}

#[test]
fn a_browser_that_was_closed_has_kept_its_cookies() {
    if !chromium_or_skip("a_browser_that_was_closed_has_kept_its_cookies") {
        return;
    }
    let realm = TestRealm::start().expect("a realm");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let (url, heads) = serve();
    let mut chromium = Chromium::start(Some(&alice), &url).expect("a browser");
    let wait_for = |path: &str| loop {
        let head = heads.recv_timeout(DEADLINE).expect("a request");
        if head.contains(path) {
            return head;
        }
    };
    // The answer before this request brought the cookie.
    wait_for("/reported");
    chromium.open(&format!("{url}/again")).expect("a browser");
    let head = wait_for("/again");
    assert!(head.contains("kept=1"), "{head}");
}
