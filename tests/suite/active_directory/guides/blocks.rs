//! The fenced blocks of a guide.

use std::fmt;

/// A guide, as it is in the documentation.
pub struct Guide {
    pub name: &'static str,
    pub text: &'static str,
}

/// What is between two fences.
#[derive(Clone)]
pub struct Block {
    pub language: String,
    /// What the comment says that stands right above the fence.
    pub mark: Option<String>,
    pub text: String,
    /// Of its first fence.
    line: usize,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {}:\n{}", self.line, self.language, self.text)
    }
}

impl Block {
    /// Whether it is typed, or printed, by somebody who goes this way.
    pub fn is_on(&self, way: &str) -> bool {
        match self.mark.as_deref() {
            None => true,
            Some(mark) => mark.strip_prefix("way: ") == Some(way),
        }
    }
}

impl Guide {
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut above = "";
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                assert!(!language.is_empty(), "{}:{number}: no language", self.name);
                let inside = lines.by_ref().map(|(_, line)| line);
                let inside: Vec<_> = inside.take_while(|line| *line != "```").collect();
                let mark = above
                    .strip_prefix("<!-- ")
                    .and_then(|comment| comment.strip_suffix(" -->"));
                blocks.push(Block {
                    language: language.to_owned(),
                    mark: mark.map(str::to_owned),
                    text: inside.join("\n") + "\n",
                    line: number + 1,
                });
            }
            above = line;
        }
        blocks
    }

    /// Those before a heading, and those after it.
    pub fn blocks_around(&self, heading: &str) -> (Vec<Block>, Vec<Block>) {
        let line = self.text.lines().position(|line| line.starts_with(heading));
        let line = line.unwrap_or_else(|| panic!("{} has no {heading}", self.name));
        self.blocks()
            .into_iter()
            .partition(|block| block.line <= line)
    }
}
