//! What a client's token says in clear text. Anybody can write it: it proves nothing.

use super::{
    AP_REQ, NEG_TOKEN_INIT, NEG_TOKEN_RESP, NTLM_MESSAGE, SPNEGO, TICKET, TOK_ID_AP_REQ, ap_req,
    carried, kerberos, neg_token, unframe,
};
use crate::der::{GENERAL_STRING, INTEGER, OID, SEQUENCE, context, field, integer, only, take};
use crate::principal::Principal;

const MAX_COMPONENTS: usize = 8;

/// A ticket (RFC 4120 section 5.3) without its secret part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClearTicket<'a> {
    pub(crate) realm: &'a [u8],
    /// The service's name, of at most eight components.
    pub(crate) service: Vec<&'a [u8]>,
    pub(crate) enctype: Option<i32>,
    pub(crate) kvno: Option<u32>,
}

/// The service that a client's ticket is for.
pub(crate) fn service(token: &[u8]) -> Option<Principal> {
    let (_, message) = unframe(kerberos(token)?)?;
    ticket_of(message.strip_prefix(&TOK_ID_AP_REQ)?)?.principal()
}

impl ClearTicket<'_> {
    /// The service that it is for, where that is a name that can be.
    pub(crate) fn principal(&self) -> Option<Principal> {
        let components: Option<Vec<_>> = self.service.iter().map(|one| text(one)).collect();
        Principal::from_parts(components?, text(self.realm)?).ok()
    }
}

/// The ticket in a client's token, with a frame or with none.
pub(crate) fn ticket(token: &[u8]) -> Option<ClearTicket<'_>> {
    ticket_of(ap_req(token)?)
}

/// RFC 4120 section 5.5.1.
fn ticket_of(message: &[u8]) -> Option<ClearTicket<'_>> {
    let ap_req = only(only(message, AP_REQ)?, SEQUENCE)?;
    let ticket = only(only(field(ap_req, context(3))?, TICKET)?, SEQUENCE)?;
    let name = only(field(ticket, context(2))?, SEQUENCE)?;
    let sealed = field(ticket, context(3)).and_then(|sealed| only(sealed, SEQUENCE));
    let sealed = sealed.unwrap_or_default();
    let number = |tag| integer(only(field(sealed, tag)?, INTEGER)?);
    Some(ClearTicket {
        realm: only(field(ticket, context(1))?, GENERAL_STRING)?,
        service: components(only(field(name, context(1))?, SEQUENCE)?)?,
        enctype: number(context(0)),
        // Where Windows counts beyond 31 bits, it writes a negative number.
        kvno: number(context(1)).map(i32::cast_unsigned),
    })
}

fn components(mut names: &[u8]) -> Option<Vec<&[u8]>> {
    let mut components = Vec::new();
    while !names.is_empty() {
        let (component, rest) = take(names, GENERAL_STRING)?;
        // No service's name has more.
        if components.len() == MAX_COMPONENTS {
            return None;
        }
        components.push(component);
        names = rest;
    }
    Some(components)
}

/// Whether it is SPNEGO's, a first token or a later one.
pub(crate) fn is_spnego(token: &[u8]) -> bool {
    matches!(unframe(token), Some((SPNEGO, _))) || neg_token(token, NEG_TOKEN_RESP).is_some()
}

/// The object identifiers of the mechanisms that a NegTokenInit offers; or the one that a bare token
/// is of.
pub(crate) fn mechanisms(token: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (sole, mut list) = match unframe(token) {
        Some((SPNEGO, inner)) => (None, offered(inner).unwrap_or_default()),
        Some((mechanism, _)) => (Some(mechanism), &[][..]),
        None => (None, &[][..]),
    };
    sole.into_iter().chain(std::iter::from_fn(move || {
        let (mechanism, rest) = take(list, OID)?;
        list = rest;
        Some(mechanism)
    }))
}

fn offered(inner: &[u8]) -> Option<&[u8]> {
    let fields = neg_token(inner, NEG_TOKEN_INIT)?;
    only(field(fields, context(0))?, SEQUENCE)
}

/// The type of the NTLM message (MS-NLMP section 2.2.1) that a token is or carries.
pub(crate) fn ntlm_message(token: &[u8]) -> Option<u32> {
    let inner = match (neg_token(token, NEG_TOKEN_RESP), unframe(token)) {
        (Some(fields), _) => carried(fields)?,
        (None, Some((SPNEGO, inner))) => carried(neg_token(inner, NEG_TOKEN_INIT)?)?,
        (None, Some((_, inner))) => inner,
        (None, None) => token,
    };
    let kind = inner.strip_prefix(NTLM_MESSAGE)?.first_chunk()?;
    Some(u32::from_le_bytes(*kind))
}

fn text(bytes: &[u8]) -> Option<String> {
    str::from_utf8(bytes).ok().map(str::to_owned)
}
