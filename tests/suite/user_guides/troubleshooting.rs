//! `guide::troubleshooting`: it knows every cause, by the words that the log has of it.

use std::fs;
use std::path::Path;

use crate::markdown::{rows, words};

const GUIDE: &str = include_str!("../../../src/guide/troubleshooting.md");

/// The causes, as they stand in the source: the type has no list of itself.
fn causes() -> Vec<&'static str> {
    let source = include_str!("../../../src/explain/cause.rs");
    let (_, variants) = source.split_once("pub enum Cause {").expect("the type");
    let lines = variants.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("//"));
    lines.filter_map(|line| line.strip_suffix(',')).collect()
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_cause_has_a_row_and_none_is_made_up() {
    let causes = causes();
    assert!(causes.contains(&"NotBase64") && causes.contains(&"HandshakeLost"));
    let rows = rows(GUIDE, "cause");
    let named: Vec<_> = rows.iter().map(|row| words(&row[0]).concat()).collect();
    assert_eq!(named, causes);
}

#[test]
fn the_words_of_each_cause_are_the_logs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let texts = fs::read_dir(root.join("tests/suite/explanations/texts")).expect("a folder");
    let read = |path: &Path| in_one_line(&fs::read_to_string(path).expect("reads"));
    let texts: Vec<_> = texts
        .map(|file| read(&file.expect("a file").path()))
        .collect();
    // No token was found that has this cause and no other, so that it has no text among the others.
    let source = read(&root.join("src/explain/words.rs"));
    for row in rows(GUIDE, "cause") {
        let said = words(&row[1]);
        assert!(!said.is_empty(), "{row:?}");
        for words in said {
            let is_said = match row[0].as_str() {
                "`KeyMissing`" => source.contains(words),
                _ => texts.iter().any(|text| text.contains(words)),
            };
            assert!(is_said, "{words:?} is nowhere in the log");
        }
    }
}

#[test]
fn what_to_do_begins_with_the_doctor_and_names_what_it_looks_at() {
    let report = include_str!("../../../src/doctor/report.rs");
    for row in rows(GUIDE, "cause") {
        let (heading, rest) = row[2].split_at("doctor".len());
        assert_eq!(heading, "doctor", "{row:?}");
        let checks = rest
            .strip_prefix(": ")
            .and_then(|rest| rest.split(';').next());
        for check in checks.into_iter().flat_map(words) {
            let name = format!("=> \"{check}\"");
            assert!(report.contains(&name), "the doctor has no line {check:?}");
        }
    }
    let pages = include_str!("../../../src/response/page.rs");
    for row in rows(GUIDE, "symptom") {
        for title in row[0].split('"').skip(1).step_by(2) {
            let is_ours = pages.contains(&format!("title: \"{title}\""));
            assert!(
                is_ours || title == "Windows Security",
                "{title:?} is no page"
            );
        }
        assert!(
            row.len() == 3 && row.iter().all(|cell| !cell.is_empty()),
            "{row:?}"
        );
    }
}
