use super::*;
use crate::testing::TestRealm;
use crate::testing::browser::server::serve;

#[test]
fn it_signs_in_with_a_ticket_and_runs_until_it_is_dropped() {
    if !firefox_or_skip("it_signs_in_with_a_ticket_and_runs_until_it_is_dropped") {
        return;
    }
    let realm = TestRealm::start().expect("a realm");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let (url, heads) = serve();
    let mut firefox = Firefox::start(Some(&alice), &format!("{url}/first")).expect("a browser");
    // Only the page that one with a ticket gets has the script.
    heads.wait_for("/reported");
    assert!(realm.kdc_log().contains("HTTP/localhost@EXAMPLE.TEST"));
    firefox.open(&format!("{url}/second")).expect("a browser");
    heads.wait_for("/second");
    let folder = firefox.browser.folder().to_owned();
    drop(firefox);
    assert!(!folder.exists());
}
