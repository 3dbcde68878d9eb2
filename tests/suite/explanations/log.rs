//! What the log has, and what a flood of it costs.

use tower_spnego::testing::TestRealm;

use crate::ntlm::Log;
use crate::process;
use crate::site::{SPN, Site, layer, token};

#[tokio::test]
async fn the_log_has_the_explanation_in_one_line() {
    const TEST: &str = "explanations::log::the_log_has_the_explanation_in_one_line";
    if !process::is_own() {
        return process::run(TEST, [("RUST_BACKTRACE", "0")]);
    }
    let log = Log::start();
    let realm = TestRealm::start().expect("a KDC");
    let site = Site::new(layer(&realm));
    realm.change_key(SPN).expect("changes");
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    let error = answer.error.expect("an error");
    let why = error.explanation().expect("an explanation").to_string();
    let lines = log.take();
    let line = lines.lines().find(|line| line.contains("refused"));
    let line = line.expect("a line");
    assert!(
        line.contains("WARN") && line.contains(&format!("refused: {why}")),
        "{lines}"
    );
}
