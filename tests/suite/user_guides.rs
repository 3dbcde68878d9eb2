//! The guides for those who use the crate: what they show is run, and what they list is whole.

mod browsers;
mod mod_auth_gssapi;
mod spnego_of_django;
mod testing;
mod troubleshooting;

/// The code blocks of a guide in this language, in order.
fn blocks(guide: &'static str, language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    let rest = guide.split(begin.as_str()).skip(1);
    let block = |text: &'static str| text.split_once("```").expect("an end").0;
    rest.map(block).collect()
}

/// The rows of every table whose heading row begins with this cell, cell by cell.
fn rows(guide: &'static str, first_heading: &str) -> Vec<Vec<&'static str>> {
    let heading = format!("| {first_heading} |");
    let mut rows = Vec::new();
    let mut lines = guide.lines();
    while lines.any(|line| line.starts_with(&heading)) {
        let table = lines.by_ref().skip(1);
        for line in table.take_while(|line| line.starts_with('|')) {
            // What stands behind a backslash ends no cell.
            let line = line.trim_matches('|').replace("\\|", "\u{1}");
            let cells = line
                .split('|')
                .map(|cell| cell.trim().replace('\u{1}', "|"));
            rows.push(cells.map(|cell| &*cell.leak()).collect());
        }
    }
    rows
}

/// What is between backticks.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}
