//! The `Authorization` header: what it offers, and the `WWW-Authenticate` values that answer it
//! (RFC 4559, RFC 7617).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::error::{Error, ErrorKind};
use crate::explain::Explanation;
use crate::token::{self, ContextToken};

mod basic;

pub(crate) use self::basic::UserPassword;
pub(crate) use self::basic::challenge as basic_challenge;

const SCHEME: &str = "Negotiate";

/// The longest base64 that can be a token of [`token::MAX_LEN`] bytes.
const MAX_ENCODED_LEN: usize = token::MAX_LEN.div_ceil(3) * 4;

/// What a request brings to be signed in with.
pub(crate) enum Credentials {
    /// Nothing for us: no header, another scheme, or `Negotiate` with no token, which Chromium
    /// sends.
    None,
    /// A first token that [`token::check`] found sound.
    Negotiate(Vec<u8>),
    /// One that goes on with a handshake.
    Continuation(Vec<u8>),
    Basic(UserPassword),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Negotiate(_) => "Negotiate([redacted])",
            Self::Continuation(_) => "Continuation([redacted])",
            Self::Basic(_) => "Basic([redacted])",
        })
    }
}

/// Reads the request's credentials, and judges a token before anything else spends time on it.
/// Where Basic is not taken it is another scheme.
///
/// Base64 is taken with its padding only: every client pads (RFC 4648 section 3.2), so that one
/// token has one spelling.
pub(crate) fn credentials(headers: &HeaderMap, takes_basic: bool) -> Result<Credentials, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(Credentials::None);
    };
    if values.next().is_some() {
        return Err(Error::new(ErrorKind::SeveralAuthorizationHeaders));
    }
    let value = value.as_bytes();
    if takes_basic && let Some(encoded @ [_, ..]) = of_scheme(value, basic::SCHEME) {
        let typed = UserPassword::read(encoded).map_err(Error::new)?;
        return Ok(Credentials::Basic(typed));
    }
    let encoded = match of_scheme(value, SCHEME) {
        None | Some([]) => return Ok(Credentials::None),
        Some(encoded) => encoded,
    };
    if encoded.len() > MAX_ENCODED_LEN {
        let explanation = Explanation::of_length(encoded.len());
        return Err(Error::new(ErrorKind::TokenTooLong).explained(explanation));
    }
    let token = STANDARD.decode(encoded).map_err(|flaw| {
        let explanation = Explanation::of_flaw(&flaw, encoded.len());
        Error::new(ErrorKind::NotBase64).explained(explanation)
    })?;
    match token::check(&token) {
        Ok(ContextToken::Initial) => Ok(Credentials::Negotiate(token)),
        Ok(ContextToken::Subsequent) => Ok(Credentials::Continuation(token)),
        Err(kind) => Err(Error::new(kind).explained(Explanation::of_unseen(kind, &token))),
    }
}

/// The challenge for a request without credentials.
pub(crate) fn challenge() -> HeaderValue {
    HeaderValue::from_static(SCHEME)
}

/// GSSAPI's answer to a token, which must not be empty: a client would take that for a
/// [`challenge`].
pub(crate) fn final_token(token: &[u8]) -> HeaderValue {
    let text = format!("{SCHEME} {}", STANDARD.encode(token));
    // Base64 is always a header value.
    let mut value = HeaderValue::try_from(text).unwrap_or(reject_token());
    value.set_sensitive(true);
    value
}

/// The refusal where GSSAPI gave none: a NegTokenResp whose negState is reject (RFC 4178
/// section 4.2.2).
pub(crate) fn reject_token() -> HeaderValue {
    HeaderValue::from_static("Negotiate oQcwBaADCgEC")
}

/// Keeps the credentials out of what prints headers.
pub(crate) fn hide(headers: &mut HeaderMap) {
    if let Some(value) = headers.get_mut(AUTHORIZATION) {
        value.set_sensitive(true);
    }
}

/// What follows the scheme, if it is this one (RFC 9110 section 11.1: in any case).
fn of_scheme<'a>(value: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let value = value.trim_ascii();
    let end = value
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(end)?;
    scheme
        .eq_ignore_ascii_case(wanted.as_bytes())
        .then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests;
