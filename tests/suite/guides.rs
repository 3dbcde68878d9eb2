//! All guides: whether what they say to type is typed by a test.

use std::fs;
use std::path::Path;

use crate::markdown::{Block, blocks};

/// The guides, and languages in them, of which tests run each block that has no comment:
/// `active_directory::guides`, `guide_mit_kerberos`, and `user_guides`.
const RUN: [(&str, &str); 6] = [
    ("active_directory", "sh"),
    ("browsers", "json"),
    ("mit_kerberos", "ini"),
    ("mit_kerberos", "sh"),
    ("samba", "sh"),
    ("testing", "sh"),
];

/// Guides to what can't run here.
const COMPARED: [&str; 2] = ["containers", "free_ipa"];

/// What a vendor's pages have to vouch for.
fn needs_a_page(guide: &str, block: &Block) -> bool {
    match block.language.as_str() {
        "bat" | "powershell" | "dockerfile" | "yaml" => true,
        // Of this crate's own command a test compares the options with `--help`.
        _ => COMPARED.contains(&guide) && !block.text.contains("spnego-doctor"),
    }
}

fn is_of_microsoft(block: &Block) -> bool {
    ["bat", "powershell"].contains(&block.language.as_str())
}

fn is_accounted_for(guide: &str, block: &Block) -> bool {
    match block.language.as_str() {
        // Code is compiled, with the dependencies that it needs.
        "rust" | "rust,no_run" | "toml" => return block.comment.is_none(),
        // What a command prints, or a person reads.
        "text" => return block.comment.is_none() || block.way().is_some(),
        _ => {}
    }
    if block.comment.is_none() || block.way().is_some() {
        return RUN.contains(&(guide, &block.language));
    }
    let Some(why) = block.not_run() else {
        return false;
    };
    (!needs_a_page(guide, block) || block.is_checked())
        && (!is_of_microsoft(block) || why.contains("https://learn.microsoft.com/"))
}

#[test]
fn every_block_of_every_guide_is_run_or_says_why_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
    let mut seen = Vec::new();
    for file in fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        let guide = path.file_stem().and_then(|name| name.to_str());
        let guide = guide.expect("a name").to_owned();
        for block in blocks(&fs::read_to_string(&path).expect("reads")) {
            assert!(
                is_accounted_for(&guide, &block),
                "{guide}.md: neither run nor `<!-- not run here: … -->`: {block}"
            );
        }
        seen.push(guide);
    }
    for guide in RUN.map(|(guide, _)| guide).iter().chain(&COMPARED) {
        assert!(seen.iter().any(|seen| seen == guide), "no guide {guide}");
    }
}
