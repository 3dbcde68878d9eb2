//! What is in the Markdown of a guide: fenced blocks with their comments, and tables.

use std::fmt;

/// What is between two fences.
#[derive(Debug, Clone)]
pub struct Block {
    /// The last heading of the first level above it.
    pub heading: String,
    /// What follows the fence: `sh`, or `rust,no_run`.
    pub language: String,
    /// What an HTML comment says that ends in the line above the fence.
    pub comment: Option<String>,
    pub text: String,
    /// Of its first fence, from 1.
    line: usize,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, language, .. } = self;
        write!(f, "line {line}, {language}:\n{}", self.text)
    }
}

impl Block {
    /// Why it is not run, as its comment says.
    pub fn not_run(&self) -> Option<&str> {
        self.comment.as_deref()?.strip_prefix("not run here: ")
    }

    /// Whether its comment says which pages it was compared with, and when: `checked against ADDRESS, DATE`.
    pub fn is_checked(&self) -> bool {
        let checked = self
            .not_run()
            .and_then(|why| why.strip_prefix("checked against ")?.rsplit_once(", "));
        checked.is_some_and(|(pages, date)| {
            pages.starts_with("https://") && date.len() == 10 && date.starts_with("20")
        })
    }

    /// Which of a guide's alternatives it belongs to alone.
    pub fn way(&self) -> Option<&str> {
        self.comment.as_deref()?.strip_prefix("way: ")
    }
}

/// The blocks of this text, in order.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut heading, mut comment) = (String::new(), None);
    let mut lines = markdown.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inside = lines.by_ref().map(|(line, _)| line);
            let inside = inside.take_while(|line| *line != "```");
            blocks.push(Block {
                heading: heading.clone(),
                language: language.to_owned(),
                comment: comment.take(),
                text: inside.map(|line| format!("{line}\n")).collect(),
                line: number,
            });
        } else if let Some(begun) = line.strip_prefix("<!--") {
            let mut words = begun.trim().to_owned();
            while !words.ends_with("-->") {
                let (line, _) = lines.next().expect("a comment ends");
                words.push(' ');
                words.push_str(line.trim());
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

/// The texts of the blocks in this language that have no comment, in order.
pub fn texts(markdown: &str, language: &str) -> Vec<String> {
    let blocks = blocks(markdown).into_iter();
    let blocks = blocks.filter(|block| block.language == language && block.comment.is_none());
    blocks.map(|block| block.text).collect()
}

/// A row of a table, cell by cell.
pub type Row = Vec<String>;

/// The rows of every table whose heading row begins with this cell.
pub fn rows(markdown: &str, first_heading: &str) -> Vec<Row> {
    let tables = tables(markdown).into_iter();
    let tables = tables.filter(|(_, head, _)| head[0] == first_heading);
    tables.flat_map(|(_, _, rows)| rows).collect()
}

/// The rows of every table below this heading of the first level.
pub fn rows_below(markdown: &str, heading: &str) -> Vec<Row> {
    let tables = tables(markdown).into_iter();
    let tables = tables.filter(|(above, _, _)| above == heading);
    tables.flat_map(|(_, _, rows)| rows).collect()
}

/// Each table: the heading above it, its own heading row, the others.
fn tables(markdown: &str) -> Vec<(String, Row, Vec<Row>)> {
    let mut tables = Vec::new();
    let mut heading = String::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(words) = line.strip_prefix("# ") {
            heading = words.to_owned();
        } else if line.starts_with('|') {
            let rows = lines.by_ref().take_while(|line| line.starts_with('|'));
            let rows = rows.skip(1).map(cells).collect();
            tables.push((heading.clone(), cells(line), rows));
        }
    }
    tables
}

/// A bar behind a backslash ends no cell.
fn cells(line: &str) -> Row {
    let line = line.trim_matches('|').replace("\\|", "\u{1}");
    let cells = line.split('|').map(str::trim);
    cells.map(|cell| cell.replace('\u{1}', "|")).collect()
}

/// What is between backticks.
pub fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn a_comment_counts_for_the_block_below_it_alone() {
    let text = "# One\n<!-- not run here: no\nreason -->\n```sh\nfalse\n```\n\n```text\n# two\n```\n\
                <!-- not run here: checked against https://example.com/, 2026-11-24 -->\n```sh\n```\n\
                <!-- not run here: too far away -->\n\n```sh\n```\n\
                <!-- way: roundabout -->\n```sh\n```\n";
    let blocks = blocks(text);
    let reasons: Vec<_> = blocks.iter().map(Block::not_run).collect();
    let checked = "checked against https://example.com/, 2026-11-24";
    assert_eq!(
        reasons,
        [Some("no reason"), None, Some(checked), None, None]
    );
    let are_checked: Vec<_> = blocks.iter().map(Block::is_checked).collect();
    assert_eq!(are_checked, [false, false, true, false, false]);
    let [first, second, .., last] = blocks.as_slice() else {
        panic!("{blocks:?}");
    };
    assert_eq!(first.to_string(), "line 4, sh:\nfalse\n");
    assert_eq!(first.heading, "One");
    assert_eq!(second.text, "# two\n");
    assert_eq!(last.way(), Some("roundabout"));
    assert_eq!(texts(text, "sh"), [""]);
}

#[test]
fn a_cell_may_have_a_bar_behind_a_backslash() {
    let text = "# One\n| a | b |\n|---|---|\n| `c \\| d` | e |\n\n| f |\n|---|\n| g |\n";
    assert_eq!(rows(text, "a"), [["`c | d`", "e"]]);
    assert_eq!(rows_below(text, "One").len(), 2);
    assert_eq!(words("`c | d` and `e`"), ["c | d", "e"]);
}
