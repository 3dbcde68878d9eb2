//! The examples, each of which opens its own pages.

use std::process::{Command, Stdio};

/// Cargo, which does nothing anew that it has done for this test.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo says to this test: ring's build script asks for it, and would run anew.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    cargo
}

/// What it has printed.
fn run(example: &str) -> String {
    let output = cargo()
        .args(["run", "--quiet", "--all-features", "--locked"])
        .args(["--example", example, "--", "--once"])
        .output()
        .expect("cargo");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}: {printed}{log}");
    printed
}

macro_rules! examples {
    ($($example:ident: $words:literal,)+) => {$(
        #[test]
        fn $example() {
            let printed = run(stringify!($example));
            assert!(printed.contains($words), "{printed}");
        }
    )+};
}

examples! {
    basic: "alice  has the cookie /          200  Hello, alice.",
    groups: "bob    has the cookie /machines  403  You may not open this page.",
    optional: "alice  has the cookie /account   200  This is alice@EXAMPLE.TEST's.",
    own_directory: "bob    has a ticket   /          403  You may not open this page.",
    api: r#"bob    has a password /whoami    200  {"principal":"bob@EXAMPLE.TEST","user":"bob"}"#,
}
