//! The tables of the guide.

use crate::markdown::{Row, rows_below, words};

const GUIDE: &str = include_str!("../../../src/guide/observability.md");

/// The rows of the table below this heading.
pub fn rows(heading: &str) -> Vec<Row> {
    let rows = rows_below(GUIDE, heading);
    assert!(!rows.is_empty(), "no table below {heading}");
    rows
}

/// Labels and their values: each `label`: `value`, `value`; and so on.
pub fn labels(cell: &str) -> Vec<(&str, Vec<&str>)> {
    let labels = cell.split(';').map(|label| {
        let mut words = words(label).into_iter();
        (words.next().expect("a label"), words.collect())
    });
    labels.collect()
}
