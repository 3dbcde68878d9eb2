//! What the targets in `fuzz/` run. Compiled with `--cfg fuzzing` alone, which cargo-fuzz sets.

use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue};
use serde::Deserialize;

use crate::Pac;
use crate::attributes::{file_time, generalized_time};
use crate::authorization::credentials;
use crate::dn::Dn;
use crate::explain::{Explanation, HeldKeys, Token};
use crate::host;
use crate::kerberos::{Buffers, Keytab, KrbCred, forwarded};
use crate::sid::Sid;
use crate::token;
use crate::truth::Truth;
use crate::user::User;

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
    let keytab = HeldKeys::default();
    let token = Token::of(input);
    assert!(!token.to_string().contains('\n'));
    if let Some(why) = Explanation::of_captured(token, keytab) {
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

/// Reads a request's `Authorization`, and its `Host` after a line break; and the same as a header that
/// somebody has captured.
pub fn header(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in [AUTHORIZATION, HOST] {
        if let Some(Ok(value)) = lines.next().map(HeaderValue::from_bytes) {
            headers.insert(name, value);
        }
    }
    for takes_basic in [false, true] {
        match credentials(&headers, takes_basic) {
            Ok(read) => assert!(matches!(
                format!("{read:?}").split_once('('),
                None | Some((_, "[redacted])"))
            )),
            Err(error) => assert!(!error.to_string().contains('\n')),
        }
    }
    if let Some(text) = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok())
        && let Some(token) = Token::read(text)
    {
        assert!(!token.to_string().contains('\n'));
    }
    let mut request = http::Request::new(());
    *request.headers_mut() = headers;
    if let Some(host) = host::name(&request.into_parts().0) {
        assert_eq!(host, host.to_ascii_lowercase());
    }
}

/// Reads a forwarded ticket and what its key opens, after their lengths, as [`pac`] does, and the
/// checksum that such a ticket comes in.
pub fn krb_cred(input: &[u8]) {
    let (message, rest) = split(input);
    let (opened, checksum) = split(rest);
    if let Some(cred) = KrbCred::read(message) {
        let _ = cred.is_described_by(opened);
    }
    assert!(forwarded(checksum).is_none_or(|ticket| ticket.len() < checksum.len()));
}

/// Reads times, in a directory's two forms.
pub fn time(input: &[u8]) {
    #[derive(Deserialize)]
    struct Times {
        #[serde(with = "generalized_time", default)]
        created: Vec<SystemTime>,
    }
    #[derive(Deserialize)]
    struct FileTime {
        #[serde(with = "file_time")]
        set: Option<SystemTime>,
    }
    let text = String::from_utf8_lossy(input);
    let user = User::builder("alice@CORP".parse().expect("a principal"))
        .attribute("created", [&*text])
        .attribute("set", [&*text])
        .build();
    if let Ok(Times { created }) = user.attributes_as() {
        let [time] = created[..] else {
            panic!("{text:?}");
        };
        if let Some(digits) = text.strip_suffix('Z').filter(|it| is_to_the_second(it)) {
            assert!(is_written_so(time, digits), "{text:?}: {time:?}");
        }
    }
    if let Ok(FileTime { set: Some(set) }) = user.attributes_as() {
        assert!(set > SystemTime::UNIX_EPOCH - Duration::from_secs(11_644_473_600));
    }
}

fn is_to_the_second(digits: &str) -> bool {
    digits.len() == 14 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_written_so(time: SystemTime, digits: &str) -> bool {
    // A leap second is the one after it.
    let (time, digits) = match digits.strip_suffix("60") {
        Some(minute) => (time - Duration::from_secs(1), format!("{minute}59")),
        None => (time, digits.to_owned()),
    };
    let time = time::OffsetDateTime::from(time);
    let ((year, month, day), (hour, minute, second)) = (time.to_calendar_date(), time.to_hms());
    let month = u8::from(month);
    digits == format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

#[cfg(feature = "ldap")]
pub use self::of_ldap::*;

#[cfg(feature = "ldap")]
mod of_ldap {
    use crate::directory::ldap::fuzzing;

    /// A filter and a principal, with a line break between them.
    pub fn filter(input: &[u8]) {
        fuzzing::filter(input);
    }

    /// An entry that a server sends, in BER.
    pub fn entry(input: &[u8]) {
        fuzzing::entry(input);
    }

    /// What a server answers before TLS.
    pub fn ldap_reply(input: &[u8]) {
        fuzzing::reply(input);
    }
}

fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = input.split_first_chunk() else {
        return (input, &[]);
    };
    let length = usize::from(u16::from_le_bytes(*length));
    rest.split_at_checked(length).unwrap_or((rest, &[]))
}
