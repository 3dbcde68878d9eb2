//! Tests that can't run on every machine.

use std::io::{self, Write};

/// Whether to go on with a test that needs something; if not, it is named. Where CI is set it panics
/// instead.
pub(super) fn or_skip(test: &str, available: Result<(), String>) -> bool {
    let Err(reason) = available else {
        return true;
    };
    if std::env::var_os("CI").is_some() {
        panic!("not run: {test}: {reason}");
    }
    // libtest keeps what `println!` says to itself, and other tests print at the same time.
    let line = format!("not run: {test}: {reason}\n");
    let _ = io::stderr().write_all(line.as_bytes());
    false
}
