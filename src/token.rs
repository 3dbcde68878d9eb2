//! Security tokens as far as they can be read without a key: what a client sent, and why GSSAPI
//! refused it.
//!
//! Nothing here trusts a length, recurses or panics, nor allocates more than a name. A token of a
//! real client costs a fraction of a microsecond.

use crate::der::{
    Element, INTEGER, OCTET_STRING, OID, SEQUENCE, context, element, field, integer, only, take,
};
use crate::error::ErrorKind;

mod clear_text;

pub(crate) use self::clear_text::{
    ClearTicket, is_spnego, mechanisms, ntlm_message, service, ticket,
};

/// The longest token, in bytes. A ticket with 1,200 groups and delegation has a third of it.
pub(crate) const MAX_LEN: usize = 64 * 1024;

/// GSSAPI looks at each mechanism of a list, and at each of its own for it: a token full of them
/// keeps it busy for 65 ms.
const MAX_MECHANISMS: usize = 16;

/// How every message of NTLM begins (MS-NLMP section 2.2.1).
const NTLM_MESSAGE: &[u8] = b"NTLMSSP\0";

// DER tags (X.690).
/// The GSS-API frame, `[APPLICATION 0]` (RFC 2743 section 3.1).
const FRAME: u8 = 0x60;
const TICKET: u8 = 0x61;
const AP_REQ: u8 = 0x6e;
const KRB_ERROR: u8 = 0x7e;
const NEG_TOKEN_INIT: u8 = context(0);
const NEG_TOKEN_RESP: u8 = context(1);

// Contents of object identifiers.
/// 1.3.6.1.5.5.2
pub(crate) const SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
/// 1.2.840.113554.1.2.2
pub(crate) const KRB5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// 1.2.840.48018.1.2.2, a slip of Windows 2000 that Windows lists first to this day.
pub(crate) const MS_KRB5: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// 1.3.6.1.4.1.311.2.2.10
pub(crate) const NTLM: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];

/// Token identifiers of the Kerberos mechanism (RFC 4121 section 4.1).
const TOK_ID_AP_REQ: [u8; 2] = [1, 0];
const TOK_ID_ERROR: [u8; 2] = [3, 0];

/// Where a token stands in its handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContextToken {
    Initial,
    Subsequent,
}

/// Judges a client's token before GSSAPI sees it: it must be SPNEGO (RFC 4178) that offers
/// Kerberos, or Kerberos itself (RFC 4121), with lengths that add up.
///
/// A NegTokenResp (RFC 4178 section 4.2.2) goes on with a handshake that an earlier request began.
pub(crate) fn check(token: &[u8]) -> Result<ContextToken, ErrorKind> {
    if token.len() > MAX_LEN {
        return Err(ErrorKind::TokenTooLong);
    }
    if token.starts_with(NTLM_MESSAGE) {
        return Err(ErrorKind::Ntlm);
    }
    match token.first() {
        Some(&FRAME) => {
            let (mechanism, inner) = unframe(token).ok_or(ErrorKind::MalformedToken)?;
            match mechanism {
                SPNEGO => check_neg_token_init(inner),
                KRB5 => check_ap_req(inner),
                NTLM => Err(ErrorKind::Ntlm),
                _ => Err(ErrorKind::NotKerberos),
            }
            .map(|()| ContextToken::Initial)
        }
        Some(&NEG_TOKEN_RESP) => check_neg_token_resp(token).map(|()| ContextToken::Subsequent),
        Some(_) => Err(ErrorKind::NotKerberos),
        None => Err(ErrorKind::MalformedToken),
    }
}

/// The error code (RFC 4120 section 7.5.9) in the token with which GSSAPI refuses one: a KRB-ERROR
/// in Kerberos's own frame, as often as not inside a NegTokenResp.
pub(crate) fn krb_error_code(reply: &[u8]) -> Option<i32> {
    let token = match neg_token(reply, NEG_TOKEN_RESP) {
        Some(fields) => carried(fields)?,
        None => reply,
    };
    let error = match unframe(token) {
        Some((_, inner)) => inner.strip_prefix(&TOK_ID_ERROR)?,
        None => token,
    };
    let fields = only(only(error, KRB_ERROR)?, SEQUENCE)?;
    integer(only(field(fields, context(6))?, INTEGER)?)
}

/// The Kerberos token in a client's: that itself, or what SPNEGO carries.
pub(crate) fn kerberos(token: &[u8]) -> Option<&[u8]> {
    let inner = match (neg_token(token, NEG_TOKEN_RESP), unframe(token)) {
        (Some(fields), _) => carried(fields)?,
        (None, Some((SPNEGO, inner))) => carried(neg_token(inner, NEG_TOKEN_INIT)?)?,
        (None, _) => token,
    };
    matches!(unframe(inner)?, (KRB5, _)).then_some(inner)
}

/// The AP-REQ in a client's token, with a frame or, as MIT Kerberos takes it too, with none.
pub(crate) fn ap_req(token: &[u8]) -> Option<&[u8]> {
    let inner = match (neg_token(token, NEG_TOKEN_RESP), unframe(token)) {
        (Some(fields), _) => carried(fields)?,
        (None, Some((SPNEGO, inner))) => carried(neg_token(inner, NEG_TOKEN_INIT)?)?,
        (None, _) => token,
    };
    match unframe(inner) {
        Some((_, message)) => message.strip_prefix(&TOK_ID_AP_REQ),
        None => Some(inner),
    }
}

/// RFC 4178 section 4.2.1.
fn check_neg_token_init(token: &[u8]) -> Result<(), ErrorKind> {
    let fields = neg_token(token, NEG_TOKEN_INIT).ok_or(ErrorKind::MalformedToken)?;
    check_fields(fields).ok_or(ErrorKind::MalformedToken)?;
    let mechanisms = take(fields, context(0))
        .and_then(|(contents, _)| only(contents, SEQUENCE))
        .ok_or(ErrorKind::MalformedToken)?;
    check_mechanisms(mechanisms)?;
    // The mechToken is the first mechanism's.
    match (take(mechanisms, OID), carried(fields)) {
        (Some((KRB5 | MS_KRB5, _)), Some(token)) if token.starts_with(NTLM_MESSAGE) => {
            Err(ErrorKind::Ntlm)
        }
        _ => Ok(()),
    }
}

/// RFC 4178 section 4.2.2.
fn check_neg_token_resp(token: &[u8]) -> Result<(), ErrorKind> {
    let fields = neg_token(token, NEG_TOKEN_RESP).ok_or(ErrorKind::MalformedToken)?;
    check_fields(fields).ok_or(ErrorKind::MalformedToken)?;
    match carried(fields) {
        Some(token) if token.starts_with(NTLM_MESSAGE) => Err(ErrorKind::Ntlm),
        _ => Ok(()),
    }
}

fn check_fields(mut fields: &[u8]) -> Option<()> {
    let mut previous = 0;
    while !fields.is_empty() {
        let Element {
            tag,
            contents,
            rest,
        } = element(fields)?;
        if tag <= previous {
            return None;
        }
        if tag == context(2) {
            check_carried(only(contents, OCTET_STRING)?)?;
        }
        (previous, fields) = (tag, rest);
    }
    Some(())
}

/// What has no frame is left to GSSAPI: it may be another mechanism's, sent on a guess before
/// Kerberos was agreed on, and MIT Kerberos takes an AP-REQ with no frame, too.
fn check_carried(token: &[u8]) -> Option<()> {
    if token.first() != Some(&FRAME) {
        return Some(());
    }
    match unframe(token)? {
        (KRB5 | MS_KRB5, inner) => check_ap_req(inner).ok(),
        _ => Some(()),
    }
}

fn check_mechanisms(mut list: &[u8]) -> Result<(), ErrorKind> {
    let mut count = 0;
    let mut offers_kerberos = false;
    let mut offers_ntlm = false;
    while !list.is_empty() {
        if count == MAX_MECHANISMS {
            return Err(ErrorKind::TooManyMechanisms);
        }
        let (mechanism, rest) = take(list, OID).ok_or(ErrorKind::MalformedToken)?;
        offers_kerberos |= mechanism == KRB5 || mechanism == MS_KRB5;
        offers_ntlm |= mechanism == NTLM;
        count += 1;
        list = rest;
    }
    match (offers_kerberos, offers_ntlm) {
        (true, _) => Ok(()),
        (false, true) => Err(ErrorKind::Ntlm),
        (false, false) => Err(ErrorKind::NotKerberos),
    }
}

/// RFC 4121 section 4.1.
fn check_ap_req(token: &[u8]) -> Result<(), ErrorKind> {
    token
        .strip_prefix(&TOK_ID_AP_REQ)
        .and_then(|message| only(message, AP_REQ))
        .map(|_| ())
        .ok_or(ErrorKind::MalformedToken)
}

/// The mechanism that a frame names, and what is in the frame.
fn unframe(token: &[u8]) -> Option<(&[u8], &[u8])> {
    take(only(token, FRAME)?, OID)
}

fn neg_token(token: &[u8], choice: u8) -> Option<&[u8]> {
    only(only(token, choice)?, SEQUENCE)
}

/// The mechToken of a NegTokenInit, or the responseToken of a NegTokenResp.
fn carried(fields: &[u8]) -> Option<&[u8]> {
    only(field(fields, context(2))?, OCTET_STRING)
}

#[cfg(test)]
pub(crate) mod tests;
