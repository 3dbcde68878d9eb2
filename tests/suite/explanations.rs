//! Each cause of a refusal, brought about for real, and the whole text that explains it: in a file of
//! its own, broken into lines. With `TOWER_SPNEGO_WRITE_TEXTS` set they are written anew, to be read.

use std::path::{Path, PathBuf};

use tower_spnego::explain::{Cause, Explanation};

use crate::site::Answer;

mod clock;
mod domain;
mod keys;
mod log;
mod services;
mod set_up;
mod strangers;
mod tokens;

/// What the keytab is called in the texts.
const KEYTAB: &str = "/etc/web.keytab";

/// The answer's explanation is that of this file, to the letter, but for the names of temporary files;
/// the log has it, and the client not a word of it.
#[track_caller]
pub fn explains(answer: &Answer, cause: Cause, files: &[(&Path, &str)], name: &str) {
    let error = answer.error.as_ref().expect("an error");
    let why = error.explanation();
    let why = why.unwrap_or_else(|| panic!("no explanation: {error}"));
    assert_eq!(why.kind(), cause, "{why}");
    assert!(error.to_string().starts_with(&why.to_string()), "{error}");
    for mend in why.mends() {
        assert!(why.to_string().contains(mend.command()), "{mend:?}");
    }
    is_text(&why.to_string(), files, name);
    says_nothing(answer, why);
}

#[track_caller]
fn is_text(text: &str, files: &[(&Path, &str)], name: &str) {
    assert!(!text.contains('\n'), "one line in the log");
    let mut text = text.to_owned();
    for (path, called) in files {
        text = text.replace(path.to_str().expect("text"), called);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/explanations/texts");
    let file = folder.join(name).with_extension("txt");
    if std::env::var_os("TOWER_SPNEGO_WRITE_TEXTS").is_some() {
        write_text(&file, &text);
    }
    let expected = std::fs::read_to_string(&file).expect("the text");
    let words: Vec<_> = expected.split_whitespace().collect();
    assert_eq!(text, words.join(" "), "{}", file.display());
}

fn write_text(file: &PathBuf, text: &str) {
    let mut lines = String::new();
    let mut width = 0;
    for word in text.split(' ') {
        if width > 0 && width + word.len() >= 100 {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
        }
        lines.push_str(word);
        width += word.len() + 1;
    }
    lines.push('\n');
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(file, lines).expect("written");
}

/// Not a sentence or a command of it reaches the client.
#[track_caller]
fn says_nothing(answer: &Answer, why: &Explanation) {
    let text = why.to_string();
    let mends = why.mends();
    let commands = mends.iter().map(|mend| mend.command());
    let sentences = text.split(['.', ':', ';', ',']).map(str::trim);
    let headers = format!("{:?}", answer.headers);
    for part in sentences.chain(commands).filter(|part| part.len() > 12) {
        assert!(!answer.body.contains(part), "{part:?} in the body");
        assert!(!headers.contains(part), "{part:?} in the headers");
    }
}
