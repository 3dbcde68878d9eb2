//! What the targets in `fuzz/` run. Compiled with `--cfg fuzzing` alone, which cargo-fuzz sets.

use crate::Pac;
use crate::dn::Dn;
use crate::explain::{Explanation, HeldKeys, Token};
use crate::kerberos::{Buffers, Keytab};
use crate::sid::Sid;
use crate::token;
use crate::truth::Truth;

/// Reads a PAC's buffers: KERB_VALIDATION_INFO, UPN_DNS_INFO and PAC_REQUESTOR, the first two after
/// their lengths, of two bytes each, little-endian. What is missing at the end is no buffer.
pub fn pac(input: &[u8]) {
    let (logon_info, rest) = split(input);
    let (upn_dns_info, rest) = split(rest);
    let buffers = Buffers {
        logon_info,
        upn_dns_info: Some(upn_dns_info).filter(|buffer| !buffer.is_empty()),
        requestor: Some(rest).filter(|buffer| !buffer.is_empty()),
    };
    let Ok(pac) = Pac::read(&buffers) else {
        return;
    };
    let sids = pac.groups().len() + pac.deny_only_groups().len();
    assert!(8 * sids <= logon_info.len(), "SIDs out of nothing");
    let others = pac.groups().iter().chain(pac.deny_only_groups());
    for sid in others.chain([&pac.sid()]) {
        assert_eq!(sid.to_string().parse(), Ok(*sid));
        assert_eq!(Sid::from_bytes(&sid.to_bytes()), Ok(*sid));
    }
}

/// Reads a client's token, and one of GSSAPI's.
pub fn token(input: &[u8]) {
    let _ = token::check(input);
    let _ = token::krb_error_code(input);
    let _ = token::kerberos(input);
    let _ = token::service(input);
    let keytab = std::sync::Arc::new(HeldKeys::default());
    let token = Token::of(input);
    assert!(!token.to_string().contains('\n'));
    if let Some(why) = Explanation::of_captured(token, &keytab) {
        assert!(!why.to_string().contains('\n'));
    }
}

/// Reads a keytab.
pub fn keytab(input: &[u8]) {
    if let Ok(keytab) = Keytab::parse(input) {
        let _ = keytab.realms_of("HTTP", "localhost");
    }
}

/// Reads two distinguished names, with a line break between them, and compares them.
pub fn dn(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (one, other) = text.split_once('\n').unwrap_or((&text, &text));
    let (Ok(one), Ok(other)) = (one.parse::<Dn>(), other.parse::<Dn>()) else {
        return;
    };
    assert_eq!(one.is(&one), Truth::Yes);
    assert_eq!(one.is(&other), other.is(&one));
    if one.is(&other) != Truth::No {
        assert_eq!(one.is_below(&other), one.is(&other));
    }
}

fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = input.split_first_chunk() else {
        return (input, &[]);
    };
    let length = usize::from(u16::from_le_bytes(*length));
    rest.split_at_checked(length).unwrap_or((rest, &[]))
}
