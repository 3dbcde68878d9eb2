//! The fenced blocks of a guide.

/// One of them.
#[derive(Debug, Clone)]
pub struct Block {
    /// The last heading above it.
    pub heading: String,
    /// What follows the fence: `sh`, or `rust,no_run`.
    pub language: String,
    pub text: String,
    /// What an HTML comment in the line above the fence says.
    pub comment: Option<String>,
}

impl Block {
    /// Why it is not run, as its comment says.
    pub fn not_run(&self) -> Option<&str> {
        self.comment.as_deref()?.strip_prefix("not run")
    }

    /// Whether its comment says which of the vendor's pages it was compared with, and when.
    pub fn is_checked(&self) -> bool {
        let Some(checked) = self.not_run() else {
            return false;
        };
        let Some((_, against)) = checked.split_once("checked against ") else {
            return false;
        };
        let day = against.rsplit_once(", ").map_or("", |(_, day)| day);
        against.contains("://") && day.len() == 10 && day.starts_with("20")
    }
}

/// The blocks of this text, in order.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut heading, mut comment) = (String::new(), None);
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block {
                heading: heading.clone(),
                language: language.to_owned(),
                text: text.join("\n"),
                comment: comment.take(),
            });
        } else if let Some(begun) = line.strip_prefix("<!--") {
            let mut words = begun.trim().to_owned();
            while !words.ends_with("-->") {
                words.push(' ');
                words.push_str(lines.next().expect("a comment ends").trim());
            }
            comment = Some(words.trim_end_matches("-->").trim().to_owned());
        } else {
            comment = None;
            if let Some(words) = line.strip_prefix("# ") {
                heading = words.to_owned();
            }
        }
    }
    blocks
}

#[test]
fn a_comment_counts_for_the_block_below_it_alone() {
    let text = "# One\n<!-- not run: no\nreason -->\n```sh\nfalse\n```\n\n```text\n# two\n```\n\
                <!-- not run: checked against https://example.com/, 2026-11-24 -->\n```sh\n```\n\
                <!-- not run: too far away -->\n\n```sh\n```\n";
    let blocks = blocks(text);
    let reasons: Vec<_> = blocks.iter().map(Block::not_run).collect();
    let checked = ": checked against https://example.com/, 2026-11-24";
    assert_eq!(reasons, [Some(": no reason"), None, Some(checked), None]);
    let are_checked: Vec<_> = blocks.iter().map(Block::is_checked).collect();
    assert_eq!(are_checked, [false, false, true, false]);
    let [first, second, ..] = blocks.as_slice() else {
        panic!("{blocks:?}");
    };
    assert_eq!(
        (first.heading.as_str(), first.language.as_str()),
        ("One", "sh")
    );
    assert_eq!(second.text, "# two");
}
