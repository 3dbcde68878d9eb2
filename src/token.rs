//! Security tokens as far as they can be read without a key: what a client sent, and why GSSAPI
//! refused it.
//!
//! Nothing here trusts a length, recurses, allocates or panics. A token of a real client costs a
//! fraction of a microsecond.

use crate::error::ErrorKind;

/// The longest token, in bytes. A ticket with 1,200 groups and delegation has a third of it.
pub(crate) const MAX_LEN: usize = 64 * 1024;

/// GSSAPI looks at each mechanism of a list, and at each of its own for it: a token full of them
/// keeps it busy for 65 ms.
const MAX_MECHANISMS: usize = 16;

// DER tags (X.690).
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The GSS-API frame, `[APPLICATION 0]` (RFC 2743 section 3.1).
const FRAME: u8 = 0x60;
const AP_REQ: u8 = 0x6e;
const KRB_ERROR: u8 = 0x7e;
const NEG_TOKEN_INIT: u8 = context(0);
const NEG_TOKEN_RESP: u8 = context(1);

const fn context(number: u8) -> u8 {
    0xa0 | number
}

// Contents of object identifiers.
/// 1.3.6.1.5.5.2
const SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
/// 1.2.840.113554.1.2.2
const KRB5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// 1.2.840.48018.1.2.2, a slip of Windows 2000 that Windows lists first to this day.
const MS_KRB5: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// 1.3.6.1.4.1.311.2.2.10
const NTLM: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];

/// Token identifiers of the Kerberos mechanism (RFC 4121 section 4.1).
const TOK_ID_AP_REQ: [u8; 2] = [1, 0];
const TOK_ID_ERROR: [u8; 2] = [3, 0];

/// Judges a client's first token before GSSAPI sees it: it must be SPNEGO (RFC 4178) that offers
/// Kerberos, or Kerberos itself (RFC 4121), with lengths that add up.
///
/// A [`NegTokenResp`](https://www.rfc-editor.org/rfc/rfc4178#section-4.2.2) goes on with a
/// handshake that an earlier request began, and is told apart by
/// [`UnfinishedHandshake`](ErrorKind::UnfinishedHandshake).
pub(crate) fn check(token: &[u8]) -> Result<(), ErrorKind> {
    if token.len() > MAX_LEN {
        return Err(ErrorKind::TokenTooLong);
    }
    if token.starts_with(b"NTLMSSP\0") {
        return Err(ErrorKind::Ntlm);
    }
    match token.first() {
        Some(&FRAME) => {
            let (mechanism, inner) = unframe(token).ok_or(ErrorKind::MalformedToken)?;
            match mechanism {
                SPNEGO => check_neg_token_init(inner),
                KRB5 => check_ap_req(inner),
                _ => Err(ErrorKind::NotKerberos),
            }
        }
        Some(&NEG_TOKEN_RESP) => match neg_token(token, NEG_TOKEN_RESP) {
            Some(_) => Err(ErrorKind::UnfinishedHandshake),
            None => Err(ErrorKind::MalformedToken),
        },
        Some(_) => Err(ErrorKind::NotKerberos),
        None => Err(ErrorKind::MalformedToken),
    }
}

/// The error code (RFC 4120 section 7.5.9) in the token with which GSSAPI refuses one: a KRB-ERROR
/// in Kerberos's own frame, as often as not inside a NegTokenResp.
pub(crate) fn krb_error_code(reply: &[u8]) -> Option<i32> {
    let token = match neg_token(reply, NEG_TOKEN_RESP) {
        Some(fields) => only(field(fields, context(2))?, OCTET_STRING)?,
        None => reply,
    };
    let error = match unframe(token) {
        Some((_, inner)) => inner.strip_prefix(&TOK_ID_ERROR)?,
        None => token,
    };
    let fields = only(only(error, KRB_ERROR)?, SEQUENCE)?;
    integer(only(field(fields, context(6))?, INTEGER)?)
}

/// RFC 4178 section 4.2.1.
fn check_neg_token_init(token: &[u8]) -> Result<(), ErrorKind> {
    let fields = neg_token(token, NEG_TOKEN_INIT).ok_or(ErrorKind::MalformedToken)?;
    check_fields(fields).ok_or(ErrorKind::MalformedToken)?;
    let mechanisms = take(fields, context(0))
        .and_then(|(contents, _)| only(contents, SEQUENCE))
        .ok_or(ErrorKind::MalformedToken)?;
    check_mechanisms(mechanisms)
}

/// What is inside the mechToken is left to GSSAPI: it may be another mechanism's, sent on a guess
/// before Kerberos was agreed on, and MIT Kerberos takes an AP-REQ with no frame there, too.
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
            only(contents, OCTET_STRING)?;
        }
        (previous, fields) = (tag, rest);
    }
    Some(())
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

/// The contents of the first field with this tag.
fn field(mut fields: &[u8], tag: u8) -> Option<&[u8]> {
    loop {
        let element = element(fields)?;
        if element.tag == tag {
            return Some(element.contents);
        }
        fields = element.rest;
    }
}

fn integer(contents: &[u8]) -> Option<i32> {
    let (&first, rest) = contents.split_first()?;
    if rest.len() > 3 {
        return None;
    }
    let sign = i32::from(first.cast_signed());
    Some(
        rest.iter()
            .fold(sign, |value, &byte| value << 8 | i32::from(byte)),
    )
}

/// The contents of an element that has this tag and fills the input.
fn only(input: &[u8], tag: u8) -> Option<&[u8]> {
    match take(input, tag)? {
        (contents, []) => Some(contents),
        _ => None,
    }
}

/// The contents of a first element that has this tag, and what follows it.
fn take(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let element = element(input)?;
    (element.tag == tag).then_some((element.contents, element.rest))
}

struct Element<'a> {
    tag: u8,
    contents: &'a [u8],
    rest: &'a [u8],
}

/// The first element, if it is DER: a tag of one byte, the shortest form of a definite length, and
/// as many bytes.
fn element(input: &[u8]) -> Option<Element<'_>> {
    let (&tag, input) = input.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, input) = input.split_first()?;
    let (length, input) = match first {
        0..=0x7f => (usize::from(first), input),
        0x81..=0x84 => {
            let (bytes, input) = input.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0_u32, |length, &byte| length << 8 | u32::from(byte));
            if length < 0x80 || bytes.first() == Some(&0) {
                return None;
            }
            (usize::try_from(length).ok()?, input)
        }
        _ => return None,
    };
    let (contents, rest) = input.split_at_checked(length)?;
    Some(Element {
        tag,
        contents,
        rest,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use ErrorKind::{
        MalformedToken, NotKerberos, Ntlm, TokenTooLong, TooManyMechanisms, UnfinishedHandshake,
    };

    // From MIT Kerberos, for HTTP/app.throwaway.test of a realm that lived for a second.
    const REAL_SPNEGO: &str = "
        YIIC9AYGKwYBBQUCoIIC6DCCAuSgDTALBgkqhkiG9xIBAgKiggLRBIICzWCCAskGCSqGSIb3EgEC
        AgEAboICuDCCArSgAwIBBaEDAgEOogcDBQAgAAAAo4IByWGCAcUwggHBoAMCAQWhEBsOVEhST1dB
        V0FZLlRFU1SiJTAjoAMCAQOhHDAaGwRIVFRQGxJhcHAudGhyb3dhd2F5LnRlc3SjggF/MIIBe6AD
        AgESoQMCAQOiggFtBIIBaT8uBbvlpzuq3dBV6piOkQS9wwEM7/MOw256ygmgmM1NyZGFaC36Zv3R
        /GMhqmvpryVDeui+kyGT+GfGO05DjVVllX00QDbWjFXK2K5EI/zACPRhZ52hFXc42jPM0ifxRH6N
        rRioSKsgtgy2n/o3SZHWHZ3vjDOXDEvcSrYfEiyRxgfQbKbWVahA927CxLIa6LEXiqR7ZiKXMkbY
        czZcml/DVwXqw/AsbrrTeFxgxSUQnVG6SQcHbwh7LYSliNkz9Q8091q2ID30/CFilFEhxuYY7bH6
        5nXabwYQIe5QDkNbGRJHoJ2W+4Zb9ptLHK03ITt3hDfZt+JXjY8sFbw7JKK0AwYY1LO+0RyY75QV
        OAU6kMp/iDRngE9C8YPZ6YsUhq9s5kakQ3iNJmpvQGB9BQIAL6wmTIE8sdoqlckELB7AshMJ7FRw
        zNe9nKUlNHfQK1+i8gPWgvNwgvgBLkgk1hHJyYMImPa4GwikgdEwgc6gAwIBEqKBxgSBwz231euC
        6Aj37wSgM9V/jhzqM52zNF//ZLzjl1+xtKSrot2TcUwTgEQpdTAGsxZla79pt/16VFYchjcNwFQE
        cs2wkjsBBtWuvPDhnJ/1+Qsc/F+/L5UVw/BDMa6Etoe6MnWVTOxjz52+6P/P6mMGVGqBGYj/FtHk
        I8LadSfavQsnpzJkNqeRfSz3Vhwe2twEkuCCFqLH9h/cf5jZho5h0iWJW9km1IHNhPVfYDVSQ3pH
        BvGu8dqjihS3Ib+0ev2p2FSIlw==";
    const REAL_KERBEROS: &str = "
        YIICyQYJKoZIhvcSAQICAQBuggK4MIICtKADAgEFoQMCAQ6iBwMFACAAAACjggHJYYIBxTCCAcGg
        AwIBBaEQGw5USFJPV0FXQVkuVEVTVKIlMCOgAwIBA6EcMBobBEhUVFAbEmFwcC50aHJvd2F3YXku
        dGVzdKOCAX8wggF7oAMCARKhAwIBA6KCAW0EggFpPy4Fu+WnO6rd0FXqmI6RBL3DAQzv8w7DbnrK
        CaCYzU3JkYVoLfpm/dH8YyGqa+mvJUN66L6TIZP4Z8Y7TkONVWWVfTRANtaMVcrYrkQj/MAI9GFn
        naEVdzjaM8zSJ/FEfo2tGKhIqyC2DLaf+jdJkdYdne+MM5cMS9xKth8SLJHGB9BsptZVqED3bsLE
        shrosReKpHtmIpcyRthzNlyaX8NXBerD8CxuutN4XGDFJRCdUbpJBwdvCHsthKWI2TP1DzT3WrYg
        PfT8IWKUUSHG5hjtsfrmddpvBhAh7lAOQ1sZEkegnZb7hlv2m0scrTchO3eEN9m34leNjywVvDsk
        orQDBhjUs77RHJjvlBU4BTqQyn+INGeAT0Lxg9npixSGr2zmRqRDeI0mam9AYH0FAgAvrCZMgTyx
        2iqVyQQsHsCyEwnsVHDM172cpSU0d9ArX6LyA9aC83CC+AEuSCTWEcnJgwiY9rgbCKSB0TCBzqAD
        AgESooHGBIHDfQ+g7oGy/QOvxR7yfRmj9LFdDxPp+wJzHj8ZWXGclobHyfx1RknY7VdWEuSVUeVL
        Z8otT06+tFz7NhB+nnHDELtleLvwq9gfXgnjf83e2AJ1T+wDgJW7HLg02dz6YLPRBgPvV89cRWwb
        m7TQ+GRMHqlWsL10JYKnI/W+jQi4oqF5v4LojmyI65rihH45pOa7gw1/cCUR4Y58ognO2GAP2B4x
        qyMTlHh6f92rqI9hDklrfiz2DYd8Fc6jxJOeCK22cuX/";
    // Its acceptor's answers to the same tokens, sent a second time.
    const REAL_REPLAY_SPNEGO: &str = "
        oYGAMH6gAwoBAqJ3BHVgcwYJKoZIhvcSAQICAwB+ZDBioAMCAQWhAwIBHqQRGA8yMDI2MTEyNDA4
        MDg1N1qlBQIDDWGhpgMCASKpEBsOVEhST1dBV0FZLlRFU1SqJTAjoAMCAQGhHDAaGwRIVFRQGxJh
        cHAudGhyb3dhd2F5LnRlc3Q=";
    const REAL_REPLAY_KERBEROS: &str = "
        YHMGCSqGSIb3EgECAgMAfmQwYqADAgEFoQMCAR6kERgPMjAyNjExMjQwODA4NTdapQUCAw1hoqYD
        AgEiqRAbDlRIUk9XQVdBWS5URVNUqiUwI6ADAgEBoRwwGhsESFRUUBsSYXBwLnRocm93YXdheS50
        ZXN0";

    fn decode(text: &str) -> Vec<u8> {
        let text: String = text.split_whitespace().collect();
        STANDARD.decode(text).unwrap()
    }

    fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = contents.len();
        let mut element = vec![tag];
        match length {
            0..=0x7f => element.push(length as u8),
            0x80..=0xff => element.extend([0x81, length as u8]),
            0x100..=0xffff => element.extend([0x82, (length >> 8) as u8, length as u8]),
            _ => element.extend([
                0x83,
                (length >> 16) as u8,
                (length >> 8) as u8,
                length as u8,
            ]),
        }
        element.extend(contents);
        element
    }

    fn frame(mechanism: &[u8], inner: &[u8]) -> Vec<u8> {
        der(FRAME, &[&der(OID, mechanism), inner].concat())
    }

    fn spnego(fields: &[Vec<u8>]) -> Vec<u8> {
        frame(
            SPNEGO,
            &der(NEG_TOKEN_INIT, &der(SEQUENCE, &fields.concat())),
        )
    }

    fn mech_types(mechanisms: &[&[u8]]) -> Vec<u8> {
        let list: Vec<u8> = mechanisms.iter().flat_map(|oid| der(OID, oid)).collect();
        der(context(0), &der(SEQUENCE, &list))
    }

    fn offer(mechanisms: &[&[u8]]) -> Vec<u8> {
        spnego(&[mech_types(mechanisms)])
    }

    fn mech_token(token: &[u8]) -> Vec<u8> {
        der(context(2), &der(OCTET_STRING, token))
    }

    fn kerberos(tok_id: [u8; 2], message: &[u8]) -> Vec<u8> {
        frame(KRB5, &[&tok_id, message].concat())
    }

    fn ap_req() -> Vec<u8> {
        kerberos(TOK_ID_AP_REQ, &der(AP_REQ, &der(SEQUENCE, &[])))
    }

    fn krb_error(code: &[u8]) -> Vec<u8> {
        let fields = [
            der(context(0), &der(INTEGER, &[5])),
            der(context(1), &der(INTEGER, &[30])),
            der(context(6), &der(INTEGER, code)),
            der(context(9), &der(0x1b, b"THROWAWAY.TEST")),
        ];
        der(KRB_ERROR, &der(SEQUENCE, &fields.concat()))
    }

    fn reject(response_token: &[u8]) -> Vec<u8> {
        let fields = [
            der(context(0), &der(0x0a, &[2])),
            mech_token(response_token),
        ];
        der(NEG_TOKEN_RESP, &der(SEQUENCE, &fields.concat()))
    }

    /// 1.3.6.1.4.1.311.2.2.30
    const NEGOEX: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x1e];
    /// 1.2.840.113554.1.2.2.3
    const USER_TO_USER: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x03];
    /// 1.3.6.1.5.2.5
    const IAKERB: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x02, 0x05];

    #[test]
    fn tokens_of_real_clients_pass() {
        for token in [REAL_SPNEGO, REAL_KERBEROS] {
            assert_eq!(check(&decode(token)), Ok(()));
        }
    }

    #[test]
    fn an_offer_passes_if_kerberos_is_in_it() {
        for (mechanisms, verdict) in [
            (&[KRB5][..], Ok(())),
            (&[MS_KRB5], Ok(())),
            (&[MS_KRB5, KRB5, NEGOEX, NTLM], Ok(())),
            (&[NTLM, KRB5], Ok(())),
            (&[NTLM], Err(Ntlm)),
            (&[NEGOEX, NTLM], Err(Ntlm)),
            (&[NEGOEX], Err(NotKerberos)),
            (&[USER_TO_USER], Err(NotKerberos)),
            (&[IAKERB], Err(NotKerberos)),
            (&[SPNEGO], Err(NotKerberos)),
            (&[], Err(NotKerberos)),
        ] {
            assert_eq!(check(&offer(mechanisms)), verdict, "{mechanisms:02x?}");
        }
    }

    #[test]
    fn an_optimistic_token_of_another_mechanism_is_left_to_gssapi() {
        let ntlm_first = [
            mech_types(&[NTLM, KRB5]),
            mech_token(b"NTLMSSP\0\x01\0\0\0"),
        ];
        assert_eq!(check(&spnego(&ntlm_first)), Ok(()));
        let frameless = [mech_types(&[KRB5]), mech_token(&der(AP_REQ, &[]))];
        assert_eq!(check(&spnego(&frameless)), Ok(()));
    }

    #[test]
    fn sixteen_mechanisms_pass_and_more_do_not() {
        let mut mechanisms = vec![NEGOEX; 15];
        mechanisms.push(KRB5);
        assert_eq!(check(&offer(&mechanisms)), Ok(()));
        mechanisms.push(NTLM);
        assert_eq!(check(&offer(&mechanisms)), Err(TooManyMechanisms));
    }

    #[test]
    fn a_long_list_of_mechanisms_is_not_walked_to_its_end() {
        let mut list = [der(OID, KRB5), der(OID, &[0x2a]).repeat(20_000)].concat();
        list.extend([0xff; 9]);
        let token = spnego(&[der(context(0), &der(SEQUENCE, &list))]);
        assert_eq!(check(&token), Err(TooManyMechanisms));
    }

    #[test]
    fn what_is_not_kerberos_says_what_it_is() {
        let resp = reject(&krb_error(&[37]));
        for (what, token, verdict) in [
            ("bare NTLM", b"NTLMSSP\0\x01\0\0\0".to_vec(), Err(Ntlm)),
            ("almost NTLM", b"NTLMSSP".to_vec(), Err(NotKerberos)),
            ("text", b"hello".to_vec(), Err(NotKerberos)),
            ("nothing", vec![], Err(MalformedToken)),
            (
                "another mechanism",
                frame(IAKERB, &[1, 0]),
                Err(NotKerberos),
            ),
            (
                "an AP-REQ with no frame",
                der(AP_REQ, &[]),
                Err(NotKerberos),
            ),
            (
                "an offer with no frame",
                der(NEG_TOKEN_INIT, &[]),
                Err(NotKerberos),
            ),
            ("a second token", resp.clone(), Err(UnfinishedHandshake)),
            (
                "a second token and more",
                [resp, vec![0]].concat(),
                Err(MalformedToken),
            ),
            (
                "a second token of no fields",
                der(NEG_TOKEN_RESP, &[]),
                Err(MalformedToken),
            ),
        ] {
            assert_eq!(check(&token), verdict, "{what}");
        }
    }

    #[test]
    fn what_is_broken_is_malformed() {
        let ap_req_message = || der(AP_REQ, &der(SEQUENCE, &[]));
        let fields = [mech_types(&[KRB5]), mech_token(&ap_req())];
        for (what, token) in [
            ("AP-REP", kerberos([2, 0], &ap_req_message())),
            ("KRB-ERROR", kerberos(TOK_ID_ERROR, &krb_error(&[37]))),
            ("no token id", frame(KRB5, &[])),
            ("half a token id", frame(KRB5, &[1])),
            ("no AP-REQ", kerberos(TOK_ID_AP_REQ, &[])),
            (
                "a bare sequence",
                kerberos(TOK_ID_AP_REQ, &der(SEQUENCE, &[])),
            ),
            (
                "bytes after the AP-REQ",
                kerberos(TOK_ID_AP_REQ, &[ap_req_message(), vec![0]].concat()),
            ),
            ("bytes after the frame", [ap_req(), vec![0]].concat()),
            ("a frame of nothing", der(FRAME, &[])),
            ("a frame with no mechanism", der(FRAME, &der(SEQUENCE, &[]))),
            ("SPNEGO of nothing", frame(SPNEGO, &[])),
            ("a NegTokenResp in a frame", frame(SPNEGO, &reject(&[]))),
            ("no mechanism list", spnego(&[mech_token(&ap_req())])),
            ("no fields", spnego(&[])),
            (
                "fields out of order",
                spnego(&[fields[1].clone(), fields[0].clone()]),
            ),
            (
                "fields twice",
                spnego(&[fields[0].clone(), fields[1].clone(), fields[1].clone()]),
            ),
            (
                "a mechToken that is no octet string",
                spnego(&[fields[0].clone(), der(context(2), &ap_req())]),
            ),
            (
                "a mechanism that is no OID",
                spnego(&[der(context(0), &der(SEQUENCE, &der(INTEGER, &[1])))]),
            ),
            (
                "bytes after the mechanism list",
                spnego(&[der(
                    context(0),
                    &[der(SEQUENCE, &der(OID, KRB5)), vec![0]].concat(),
                )]),
            ),
            (
                "bytes after the NegTokenInit",
                frame(
                    SPNEGO,
                    &[der(NEG_TOKEN_INIT, &der(SEQUENCE, &fields[0])), vec![5, 0]].concat(),
                ),
            ),
        ] {
            assert_eq!(check(&token), Err(MalformedToken), "{what}");
        }
    }

    #[test]
    fn a_token_of_64_kib_passes_and_a_longer_one_does_not() {
        let longest = kerberos(TOK_ID_AP_REQ, &der(AP_REQ, &[0; MAX_LEN - 21]));
        assert_eq!(longest.len(), MAX_LEN);
        assert_eq!(check(&longest), Ok(()));
        assert_eq!(check(&[longest, vec![0]].concat()), Err(TokenTooLong));
    }

    #[test]
    fn a_token_that_is_cut_off_anywhere_is_malformed() {
        for token in [
            decode(REAL_SPNEGO),
            decode(REAL_KERBEROS),
            reject(&krb_error(&[37])),
        ] {
            for end in 0..token.len() {
                assert_eq!(check(&token[..end]), Err(MalformedToken), "{end}");
            }
        }
    }

    #[test]
    fn only_the_shortest_definite_length_is_a_length() {
        let contents = [0; 0x80];
        for (length, accepted) in [
            (&[0x81, 0x80][..], true),
            (&[0x82, 0x00, 0x80], false),
            (&[0x83, 0x00, 0x00, 0x80], false),
            (&[0x84, 0x00, 0x00, 0x00, 0x80], false),
            (&[0x85, 0x00, 0x00, 0x00, 0x00, 0x80], false),
            (&[0x81, 0x7f], false),
            (&[0x80], false),
            (&[0x81, 0x81], false),
            (&[0x84, 0xff, 0xff, 0xff, 0xff], false),
            (&[0xff], false),
        ] {
            let input = [&[SEQUENCE], length, &contents].concat();
            assert_eq!(element(&input).is_some(), accepted, "{length:02x?}");
        }
        assert!(element(&[0x1f, 0x00]).is_none(), "a tag of several bytes");
    }

    #[test]
    fn a_refusal_tells_its_error_code() {
        let plain = kerberos(TOK_ID_ERROR, &krb_error(&[37]));
        for (what, reply, code) in [
            ("real, SPNEGO", decode(REAL_REPLAY_SPNEGO), Some(34)),
            ("real, Kerberos", decode(REAL_REPLAY_KERBEROS), Some(34)),
            ("framed", plain.clone(), Some(37)),
            ("SPNEGO", reject(&plain), Some(37)),
            ("no frame", krb_error(&[37]), Some(37)),
            ("SPNEGO, no frame", reject(&krb_error(&[37])), Some(37)),
            ("two bytes", krb_error(&[0x01, 0x2c]), Some(300)),
            (
                "four bytes",
                krb_error(&[0x7f, 0xff, 0xff, 0xff]),
                Some(i32::MAX),
            ),
            ("negative", krb_error(&[0xff]), Some(-1)),
            ("five bytes", krb_error(&[0, 0, 0, 0, 37]), None),
            ("no bytes", krb_error(&[]), None),
            ("an AP-REP", kerberos([2, 0], &krb_error(&[37])), None),
            ("a client's token", ap_req(), None),
            ("the constant reject", decode("oQcwBaADCgEC"), None),
            ("nothing", vec![], None),
        ] {
            assert_eq!(krb_error_code(&reply), code, "{what}");
        }
    }

    #[test]
    fn no_input_makes_the_reader_panic() {
        let seeds = [
            decode(REAL_SPNEGO),
            decode(REAL_KERBEROS),
            decode(REAL_REPLAY_SPNEGO),
            decode(REAL_REPLAY_KERBEROS),
            offer(&[NTLM, KRB5]),
            reject(&krb_error(&[37])),
        ];
        let try_it = |token: &[u8]| {
            let _ = check(token);
            let _ = krb_error_code(token);
        };
        for seed in &seeds {
            for place in 0..seed.len() {
                try_it(&seed[..place]);
                try_it(&seed[place..]);
                for length in [
                    &[0x00][..],
                    &[0x01],
                    &[0x7f],
                    &[0x80],
                    &[0x81],
                    &[0xff],
                    &[0x84, 0xff, 0xff, 0xff, 0xff],
                    &[0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                ] {
                    try_it(&[&seed[..place], length, &seed[place + 1..]].concat());
                }
            }
        }
        let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
        for _ in 0..300_000 {
            let mut token = seeds[random.below(seeds.len())].clone();
            for _ in 0..=random.below(4) {
                let place = random.below(token.len().min(80));
                token[place] = random.below(256) as u8;
            }
            try_it(&token);
            let noise: Vec<u8> = (0..random.below(48))
                .map(|_| random.below(256) as u8)
                .collect();
            try_it(&noise);
        }
    }

    struct Xorshift(u64);

    impl Xorshift {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % limit as u64) as usize
        }
    }
}
