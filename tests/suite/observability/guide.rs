//! The tables of the guide.

const GUIDE: &str = include_str!("../../../src/guide/observability.md");

/// The rows of the table below this heading, cell by cell.
pub fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let below = GUIDE.split_once(&format!("# {heading}\n")).expect(heading);
    let lines = below.1.lines().skip_while(|line| !line.starts_with('|'));
    let lines = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    lines.map(cells).collect()
}

/// What is between backticks.
pub fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Labels and their values: each `label`: `value`, `value`; and so on.
pub fn labels(cell: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let label = |label: &'static str| {
        let mut words = words(label).into_iter();
        (words.next().expect("a label"), words.collect())
    };
    cell.split(';').map(label).collect()
}
