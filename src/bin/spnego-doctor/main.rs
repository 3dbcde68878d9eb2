//! Checks a set-up of Kerberos sign-on, and says how to mend it; see `tower_spnego::doctor`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use tower_spnego::doctor::{Level, Report};
use tower_spnego::explain::{Explanation, HeldKeys, Token};

use self::options::{Examination, HELP, Options};

mod options;

/// The status where something keeps people from signing in, and where nothing was looked at.
const FAULTY: u8 = 1;
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let done = match Options::of_process() {
        Ok(Options::Help) => print(HELP),
        Ok(Options::Version) => print(concat!("spnego-doctor ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Options::Examine(examination)) => examine(*examination),
        Err(text) => {
            eprintln!("spnego-doctor: {text}\nTry spnego-doctor --help.");
            return ExitCode::from(MISUSED);
        }
    };
    done.unwrap_or_else(|text| {
        eprintln!("spnego-doctor: {text}");
        ExitCode::from(MISUSED)
    })
}

fn examine(examination: Examination) -> Result<ExitCode, String> {
    let as_json = examination.as_json;
    let token = examination.token.as_deref();
    let token = token.map(|token| Captured::read(token, examination.keytab.as_deref()));
    let token = token.transpose()?;
    let report = match examination.doctor()? {
        None => None,
        Some(doctor) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?;
            Some(runtime.block_on(doctor.examine()))
        }
    };
    let text = match as_json {
        true => json(token.as_ref(), report.as_ref())?,
        false => for_people(token.as_ref(), report.as_ref()),
    };
    print(&text)?;
    let is_faulty = report.is_some_and(|report| report.level() == Level::Error);
    Ok(ExitCode::from(if is_faulty { FAULTY } else { 0 }))
}

/// What a captured header says, and what speaks against it beside a keytab.
#[derive(Serialize)]
struct Captured {
    text: String,
    token: Token,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

impl Captured {
    fn read(token: &str, keytab: Option<&Path>) -> Result<Self, String> {
        let input;
        let token = match token {
            "-" => {
                input = io::read_to_string(io::stdin()).map_err(|error| error.to_string())?;
                &input
            }
            token => token,
        };
        let token =
            Token::read(token).ok_or("--token: that is no token, in base64, of a header")?;
        let keys = keytab.map(HeldKeys::read).transpose();
        let keys = keys.map_err(|error| error.to_string())?;
        let is_compared = keys.is_some();
        let explanation = keys.and_then(|keys| Explanation::of_captured(token.clone(), keys));
        let text = match &explanation {
            Some(why) => format!("{token}. {why}"),
            None if is_compared => {
                format!("{token}. Nothing in clear text speaks against it beside this keytab.")
            }
            None => token.to_string(),
        };
        Ok(Self {
            text,
            token,
            explanation,
        })
    }
}

fn json(token: Option<&Captured>, report: Option<&Report>) -> Result<String, String> {
    let mut value = match report {
        Some(report) => serde_json::to_value(report).map_err(|error| error.to_string())?,
        None => serde_json::json!({}),
    };
    if let (Some(token), Some(fields)) = (token, value.as_object_mut()) {
        let token = serde_json::to_value(token).map_err(|error| error.to_string())?;
        fields.insert("token".to_owned(), token);
    }
    Ok(format!("{value:#}\n"))
}

fn for_people(token: Option<&Captured>, report: Option<&Report>) -> String {
    let mut text = String::new();
    if let Some(token) = token {
        text.push_str(&format!("The token is {}\n", token.text));
    }
    // https://no-color.org
    let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_coloured = io::stdout().is_terminal() && !wants_none;
    let Some(report) = report else {
        return text;
    };
    for finding in report.findings() {
        let finding_text = finding.to_string();
        let level = finding.level().to_string();
        match finding_text.strip_prefix(&level) {
            Some(rest) if is_coloured => {
                text.push_str(&format!(
                    "\x1b[{}m{level}\x1b[0m{rest}\n",
                    colour(finding.level())
                ));
            }
            _ => text.push_str(&format!("{finding_text}\n")),
        }
    }
    text.push_str(match report.level() {
        Level::Ok | Level::Note => "\nNothing was found that keeps people from signing in.\n",
        Level::Warning => "\nIt works, with warnings.\n",
        // A level of a newer library is no smaller one.
        _ => "\nPeople can't sign in until the errors are mended.\n",
    });
    text
}

/// Select Graphic Rendition (ECMA-48 section 8.3.117).
fn colour(level: Level) -> &'static str {
    match level {
        Level::Ok => "32",
        Level::Note => "36",
        Level::Warning => "1;33",
        _ => "1;31",
    }
}

/// A reader that has gone is no failure.
fn print(text: &str) -> Result<ExitCode, String> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
