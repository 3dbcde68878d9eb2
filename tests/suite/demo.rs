use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

/// `examples/demo.sh --once`, which finds programs in `folder` first.
fn demo(folder: Option<&std::path::Path>) -> Output {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folder.map(Into::into).into_iter();
    let folders = folders.chain(std::env::split_paths(&path));
    let mut demo = Command::new("examples/demo.sh");
    // What cargo says to this test: ring's build script asks for it, and would run anew.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            demo.env_remove(name);
        }
    }
    demo.arg("--once")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", std::env::join_paths(folders).expect("a PATH"))
        .stdin(Stdio::null())
        .output()
        .expect("bash")
}

#[test]
fn the_demo_signs_alice_in() {
    let demo = demo(None);
    let (stdout, stderr) = text(&demo);
    assert!(demo.status.success(), "{stdout}{stderr}");
    for words in [
        "without a ticket       401  You are not signed in",
        "with Alice's ticket    200  Hello, Alice Liddell (groups: Engineers, Staff)",
        "with her cookie alone  200  Hello, Alice Liddell (groups: Engineers, Staff)",
        "The page is at http://localhost:",
    ] {
        assert!(stdout.contains(words), "{words}\n{stdout}{stderr}");
    }
}

#[test]
fn the_demo_fails_and_says_why_when_the_kdc_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let krb5kdc = folder.path().join("krb5kdc");
    fs::write(&krb5kdc, "#!/bin/sh\necho not today >&2\nexit 1\n").expect("written");
    fs::set_permissions(&krb5kdc, fs::Permissions::from_mode(0o755)).expect("executable");
    let demo = demo(Some(folder.path()));
    let (stdout, stderr) = text(&demo);
    assert_eq!(demo.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stderr.contains("The KDC did not start"), "{stderr}");
    assert!(stderr.contains("not today"), "{stderr}");
    assert!(!stdout.contains("The page is at"), "{stdout}");
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
