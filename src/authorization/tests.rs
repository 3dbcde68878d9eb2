use super::*;

/// SPNEGO that offers Kerberos alone, with no token of it.
const TOKEN: &str = "YBsGBisGAQUFAqARMA+gDTALBgkqhkiG9xIBAgI=";

fn read(values: &[&str]) -> Result<Credentials, ErrorKind> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(
            AUTHORIZATION,
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    kind(credentials(&headers, false))
}

fn kind(result: Result<Credentials, Error>) -> Result<Credentials, ErrorKind> {
    result.map_err(|error| error.kind())
}

/// Passwords are not compared outside of tests, and not here.
impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Negotiate(a), Self::Negotiate(b)) => a == b,
            (Self::Continuation(a), Self::Continuation(b)) => a == b,
            _ => false,
        }
    }
}

fn token() -> Result<Credentials, ErrorKind> {
    Ok(Credentials::Negotiate(STANDARD.decode(TOKEN).unwrap()))
}

#[test]
fn a_token_is_found_whatever_the_case_and_the_spaces() {
    for before in [
        "Negotiate ",
        "negotiate ",
        "NEGOTIATE ",
        "Negotiate   ",
        "Negotiate\t",
        "Negotiate \t ",
        " Negotiate ",
    ] {
        for after in ["", " ", "\t"] {
            let value = format!("{before}{TOKEN}{after}");
            assert_eq!(read(&[&value]), token(), "{value:?}");
        }
    }
}

#[test]
fn what_offers_us_nothing_is_no_credentials() {
    for values in [
        &[][..],
        &[""],
        &["Negotiate"],
        &["negotiate"],
        &["Negotiate "],
        &["Negotiate \t "],
        &["Bearer YBsG"],
        &["Basic YWxpY2U6c2VjcmV0"],
        &["NTLM TlRMTVNTUAABAAAA"],
        &["Kerberos YBsG"],
        &["NegotiateYBsG"],
        &["Negotiate,"],
        &["Negotiate, Basic YWxpY2U6c2VjcmV0"],
        &["\u{e9}"],
    ] {
        assert_eq!(read(values), Ok(Credentials::None), "{values:?}");
    }
}

#[test]
fn what_is_no_token_says_why() {
    use ErrorKind::*;
    let unpadded = TOKEN.trim_end_matches('=');
    for (value, why) in [
        ("YBsG*", NotBase64),
        ("YBsG YBsG", NotBase64),
        ("\u{e9}", NotBase64),
        (",", NotBase64),
        ("=", NotBase64),
        (&format!("{TOKEN}, Basic YWxpY2U6"), NotBase64),
        (&format!("token={TOKEN}"), NotBase64),
        (unpadded, NotBase64),
        (&TOKEN.replace('+', "-"), NotBase64),
        ("YBsG", MalformedToken),
        ("TlRMTVNTUAABAAAA", Ntlm),
        ("aGVsbG8=", NotKerberos),
    ] {
        let value = format!("Negotiate {value}");
        assert_eq!(read(&[&value]), Err(why), "{value:?}");
    }
}

#[test]
fn a_later_token_is_told_from_a_first_one() {
    let token = STANDARD.decode("oQcwBaADCgEC").unwrap();
    assert_eq!(
        read(&["Negotiate oQcwBaADCgEC"]),
        Ok(Credentials::Continuation(token))
    );
}

#[test]
fn two_headers_are_refused_whatever_they_are() {
    let ours = format!("Negotiate {TOKEN}");
    for values in [
        [&*ours, &*ours],
        [&ours, "Basic YWxpY2U6"],
        ["Basic YWxpY2U6", &ours],
        ["", ""],
    ] {
        assert_eq!(
            read(&values),
            Err(ErrorKind::SeveralAuthorizationHeaders),
            "{values:?}"
        );
    }
}

#[test]
fn an_over_long_token_is_not_decoded() {
    let longest = "A".repeat(MAX_ENCODED_LEN);
    let longer = "*".repeat(MAX_ENCODED_LEN + 1);
    for (value, why) in [
        (STANDARD.encode([0; token::MAX_LEN]), ErrorKind::NotKerberos),
        (
            STANDARD.encode([0; token::MAX_LEN + 1]),
            ErrorKind::TokenTooLong,
        ),
        (longest, ErrorKind::TokenTooLong),
        (longer, ErrorKind::TokenTooLong),
    ] {
        assert_eq!(read(&[&format!("Negotiate {value}")]), Err(why));
    }
}

#[test]
fn answers_are_challenge_token_or_rejection() {
    assert_eq!(challenge(), "Negotiate");
    assert_eq!(reject_token(), "Negotiate oQcwBaADCgEC");
    let answer = final_token(&STANDARD.decode(TOKEN).unwrap());
    assert_eq!(answer, format!("Negotiate {TOKEN}"));
    assert!(answer.is_sensitive());
}

#[test]
fn debug_hides_the_token() {
    assert_eq!(format!("{:?}", token().unwrap()), "Negotiate([redacted])");
}

#[test]
fn basic_is_read_only_where_it_is_taken() {
    let mut headers = HeaderMap::new();
    for (value, taken) in [
        ("Basic YWxpY2U6c2VjcmV0", true),
        ("basic  YWxpY2U6c2VjcmV0 ", true),
        ("Basic", false),
        ("Basic ", false),
        ("Basics YWxpY2U6c2VjcmV0", false),
    ] {
        headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
        let read = credentials(&headers, true).unwrap();
        assert_eq!(matches!(read, Credentials::Basic(_)), taken, "{value:?}");
        assert!(!format!("{read:?}").contains("secret"), "{read:?}");
        assert_eq!(kind(credentials(&headers, false)), Ok(Credentials::None));
    }
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic !"));
    assert_eq!(
        kind(credentials(&headers, true)),
        Err(ErrorKind::BasicUnreadable)
    );
    assert_eq!(kind(credentials(&headers, false)), Ok(Credentials::None));
}

#[test]
fn hidden_credentials_are_not_printed_with_the_headers() {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic YWxpY2U6"));
    hide(&mut headers);
    assert!(!format!("{headers:?}").contains("YWxpY2U6"), "{headers:?}");
}
