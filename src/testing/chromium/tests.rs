use super::*;
use crate::testing::TestRealm;
use crate::testing::browser::server::serve;

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
    assert!(heads.any_has("kept=1"), "the profile is kept");
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
    heads.wait_for("/first");
    chromium.open(&format!("{url}/second")).expect("a browser");
    heads.wait_for("/second");
    let folder = chromium.browser.folder().to_owned();
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
    // The answer before this request brought the cookie.
    heads.wait_for("/reported");
    chromium.open(&format!("{url}/again")).expect("a browser");
    let head = heads.wait_for("/again");
    assert!(head.contains("kept=1"), "{head}");
}
