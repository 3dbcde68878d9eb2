//! What a person reads in place of the page, unless the application has its own.

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::error::ErrorKind;

/// Constants of ours but for the link, so there is little to escape.
#[derive(Default)]
pub(super) struct Words<'a> {
    title: &'static str,
    reason: &'static str,
    /// What to try, one after the other.
    steps: &'static [&'static str],
    /// What is left then.
    last: Option<&'static str>,
    /// A path of this site, to sign in at.
    link: Option<&'a str>,
}

impl<'a> Words<'a> {
    /// What there is to say of a refusal: of its reason no more than the status tells.
    pub(super) fn of(
        kind: ErrorKind,
        status: StatusCode,
        offers_basic: bool,
        sign_in_path: Option<&'a str>,
    ) -> Self {
        match kind {
            ErrorKind::SignedOut => Self::signed_out(sign_in_path),
            _ if status == StatusCode::UNAUTHORIZED && offers_basic => WITH_PASSWORD,
            _ => of_status(status),
        }
    }

    fn signed_out(sign_in_path: Option<&'a str>) -> Self {
        Self {
            title: "You are signed out",
            reason: match sign_in_path {
                Some(_) => "Sign in again when you want to go on.",
                None => {
                    "To sign in again, close all windows of your browser and open this page anew."
                }
            },
            link: sign_in_path,
            ..Self::default()
        }
    }

    pub(super) fn page(&self, as_html: bool) -> Response {
        let (media_type, body) = if as_html {
            let page = include_str!("refusal.html")
                .replace("{title}", self.title)
                .replace("{advice}", &self.html());
            ("text/html; charset=utf-8", page)
        } else {
            ("text/plain; charset=utf-8", self.text())
        };
        ([(CONTENT_TYPE, media_type)], body).into_response()
    }

    fn html(&self) -> String {
        let mut html = format!("<p>{}</p>", self.reason);
        if !self.steps.is_empty() {
            html += &format!("\n<ol>\n<li>{}</li>\n</ol>", self.steps.join("</li>\n<li>"));
        }
        if let Some(path) = self.link {
            html += &format!("\n<p><a href=\"{}\">Sign in</a></p>", escape(path));
        }
        if let Some(last) = self.last {
            html += &format!("\n<p>{last}</p>");
        }
        html
    }

    fn text(&self) -> String {
        let mut text = format!("{}. {}\n", self.title, self.reason);
        for (number, step) in (1..).zip(self.steps) {
            text += &format!("  {number}. {step}\n");
        }
        if let Some(path) = self.link {
            text += &format!("Sign in: {path}\n");
        }
        if let Some(last) = self.last {
            text += last;
            text += "\n";
        }
        text
    }
}

/// The 401 where a password may be typed.
const WITH_PASSWORD: Words<'static> = Words {
    title: "You are not signed in",
    reason: "This site knows you by the account you use on your computer (Kerberos), or by its \
             name and password.",
    steps: &[
        "Reload the page, and type your name and password when your browser asks for them.",
        "If they are not taken, sign in somewhere else that takes them: your password may have \
         expired, or your account be locked.",
    ],
    last: Some(STILL_NOT_SIGNED_IN),
    link: None,
};

const STILL_NOT_SIGNED_IN: &str = "Still not signed in? Tell your administrator what time it is: \
    the server's log has the reason.";

fn of_status(status: StatusCode) -> Words<'static> {
    match status {
        StatusCode::BAD_REQUEST => Words {
            title: "This request can't be read",
            reason: "It carries more than one set of credentials. Reload the page.",
            ..Words::default()
        },
        StatusCode::UNAUTHORIZED => Words {
            title: "You are not signed in",
            reason: "This site knows you by the account you use on your computer (Kerberos): there \
                     is no password to type. Your browser sent no ticket that counts here.",
            steps: &[
                "Check that you are signed in to your organisation's domain. On a computer outside \
                 of it, run kinit.",
                "Open this site by its full name, not by a short one or an IP address.",
                "Check that your browser may sign in to it: Chrome and Edge have the policy \
                 AuthServerAllowlist, Firefox the setting network.negotiate-auth.trusted-uris.",
                "Reload the page.",
            ],
            last: Some(STILL_NOT_SIGNED_IN),
            ..Words::default()
        },
        StatusCode::FORBIDDEN => Words {
            title: "You may not open this page",
            reason: "You have no access, or another site sent you here in a way that is not \
                     allowed.",
            last: Some(
                "If you should have access, tell your administrator what time it is: the server's \
                 log has the reason.",
            ),
            ..Words::default()
        },
        StatusCode::TOO_MANY_REQUESTS => Words {
            title: "Too many wrong passwords",
            reason: "Somebody has tried to sign in too often, with this name or from your network. \
                     Try again in a while.",
            ..Words::default()
        },
        StatusCode::SERVICE_UNAVAILABLE => Words {
            title: "Signing in does not work right now",
            reason: "The server can't reach what it needs to recognise you. Try again in a moment.",
            ..Words::default()
        },
        _ => Words {
            title: "The server has a problem",
            reason: "It is not your fault.",
            last: Some("Tell your administrator what time it is: the server's log has the reason."),
            ..Words::default()
        },
    }
}

/// As text in an attribute of HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => escaped += &format!("&#{};", u32::from(c)),
            c => escaped.push(c),
        }
    }
    escaped
}
