//! The guide for FreeIPA, which can't run here.

use crate::markdown::blocks;

const GUIDE: &str = include_str!("../../src/guide/free_ipa.md");

#[test]
fn the_doctor_has_the_options_that_guides_name() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_spnego-doctor"))
        .arg("--help")
        .output()
        .expect("the doctor");
    let help = String::from_utf8(help.stdout).expect("text");
    let containers = include_str!("../../src/guide/containers.md");
    let mut compared = 0;
    for block in blocks(GUIDE).into_iter().chain(blocks(containers)) {
        let Some((_, command)) = block.text.split_once("spnego-doctor") else {
            continue;
        };
        for option in command
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            assert!(help.contains(&format!("    {option} ")), "{option}: {help}");
            compared += 1;
        }
    }
    assert_eq!(compared, 11);
}
