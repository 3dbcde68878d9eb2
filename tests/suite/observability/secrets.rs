//! What must not be told to anybody, in whatever form.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tower_sessions::session::Id;

use crate::site::{Answer, Browser};

/// Secrets, and from how many bytes on a part of each is one, too.
#[derive(Default)]
pub struct Secrets(Vec<(Vec<u8>, usize)>);

impl Secrets {
    pub fn token(&mut self, token: &[u8]) -> Vec<u8> {
        self.0.push((token.to_vec(), 16));
        token.to_vec()
    }

    pub fn password(&mut self, password: &str) {
        self.0.push((password.into(), 8));
    }

    pub fn file(&mut self, path: &Path) {
        let contents = std::fs::read(path).expect("a file");
        self.token(&contents);
    }

    /// The final token, and the session's id.
    pub fn answer(&mut self, answer: &Answer, browser: &Browser) {
        self.0.extend(answer.token().map(|token| (token, 16)));
        if let Some((_, value)) = browser.cookie.as_deref().and_then(|it| it.split_once('=')) {
            let id: Id = value.parse().expect("an id");
            let number = id.0.to_string().into_bytes();
            self.0.push((value.into(), 16));
            self.0.push((number, 16));
            self.0
                .extend([id.0.to_le_bytes(), id.0.to_be_bytes()].map(|id| (id.into(), 8)));
        }
    }

    #[track_caller]
    pub fn are_not_in(&self, text: &str) {
        let hex: String = text.to_lowercase().replace([':', ' ', '-'], "");
        for (secret, piece) in &self.0 {
            for piece in secret.chunks_exact((*piece).min(secret.len())) {
                let forms = Forms::of(piece);
                assert!(!hex.contains(&forms.hex), "{forms:?}");
                for form in &forms.texts {
                    assert!(!text.contains(form), "{form}");
                }
            }
            for encoded in [STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret)] {
                for piece in encoded.as_bytes().chunks_exact(16.min(encoded.len())) {
                    let piece = str::from_utf8(piece).expect("base64");
                    assert!(!text.contains(piece), "{piece}");
                }
            }
        }
    }
}

/// As a piece of a secret may be printed.
#[derive(Debug)]
struct Forms {
    /// In lower case, with nothing between the digits.
    hex: String,
    texts: Vec<String>,
}

impl Forms {
    fn of(piece: &[u8]) -> Self {
        let list = format!("{piece:?}");
        let lossy = String::from_utf8_lossy(piece);
        let mut texts = vec![
            list.trim_matches(['[', ']']).to_owned(),
            piece.escape_ascii().to_string(),
        ];
        // Cut within a character, a piece begins or ends otherwise than the whole.
        let whole = lossy.trim_matches(char::REPLACEMENT_CHARACTER);
        if whole.len() >= piece.len() / 2 {
            texts.extend([whole.to_owned(), whole.escape_debug().to_string()]);
        }
        Self {
            hex: piece.iter().map(|byte| format!("{byte:02x}")).collect(),
            texts,
        }
    }
}

#[test]
fn a_secret_is_found_in_each_form() {
    let mut secrets = Secrets::default();
    let token: Vec<u8> = (0..48).map(|number| number * 5 + 7).collect();
    secrets.token(&token);
    secrets.password("Zwölf Boxkämpfer");
    let id = Id(-0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let mut browser = Browser::of(Default::default());
    browser.cookie = Some(format!("id={id}"));
    let answer = Answer {
        status: Default::default(),
        headers: Default::default(),
        body: String::new(),
        error: None,
    };
    secrets.answer(&answer, &browser);
    let hex = |between: &str| {
        let bytes = token.iter().map(|byte| format!("{byte:02X}"));
        bytes.collect::<Vec<_>>().join(between)
    };
    for text in [
        hex(""),
        hex(":"),
        hex(" "),
        format!("{token:?}"),
        format!("{:?}", bytes::Bytes::from(token.clone())),
        String::from_utf8_lossy(&token).into_owned(),
        format!("{:?}", String::from_utf8_lossy(&token)),
        STANDARD.encode(&token),
        URL_SAFE_NO_PAD.encode(&token),
        STANDARD.encode(&token)[16..].to_owned(),
        "Zwölf Boxkämpfer".to_owned(),
        format!("{:?}", "Boxkämpfer"),
        id.to_string(),
        format!("{id:?}"),
        format!("{:x}", id.0),
    ] {
        let found = std::panic::catch_unwind(|| secrets.are_not_in(&format!("told: {text}.")));
        assert!(found.is_err(), "{text}");
    }
    secrets.are_not_in("told: 0 1 2 3 alice@EXAMPLE.TEST");
}
