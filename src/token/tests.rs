use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use ContextToken::{Initial, Subsequent};
use ErrorKind::{MalformedToken, NotKerberos, Ntlm, TokenTooLong, TooManyMechanisms};

// From MIT Kerberos, for HTTP/app.throwaway.test of a realm that lived for a second.
pub(crate) const REAL_SPNEGO: &str = "
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
pub(crate) const REAL_KERBEROS: &str = "
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

pub(crate) fn decode(text: &str) -> Vec<u8> {
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
        assert_eq!(check(&decode(token)), Ok(Initial));
    }
}

#[test]
fn an_offer_passes_if_kerberos_is_in_it() {
    for (mechanisms, verdict) in [
        (&[KRB5][..], Ok(Initial)),
        (&[MS_KRB5], Ok(Initial)),
        (&[MS_KRB5, KRB5, NEGOEX, NTLM], Ok(Initial)),
        (&[NTLM, KRB5], Ok(Initial)),
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
    assert_eq!(check(&spnego(&ntlm_first)), Ok(Initial));
    let frameless = [mech_types(&[KRB5]), mech_token(&der(AP_REQ, &[]))];
    assert_eq!(check(&spnego(&frameless)), Ok(Initial));
}

#[test]
fn sixteen_mechanisms_pass_and_more_do_not() {
    let mut mechanisms = vec![NEGOEX; 15];
    mechanisms.push(KRB5);
    assert_eq!(check(&offer(&mechanisms)), Ok(Initial));
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
        ("framed NTLM", frame(NTLM, &[]), Err(Ntlm)),
        (
            "NTLM where Kerberos comes first",
            spnego(&[mech_types(&[MS_KRB5, NTLM]), mech_token(NTLM_MESSAGE)]),
            Err(Ntlm),
        ),
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
        ("a second token", resp.clone(), Ok(Subsequent)),
        (
            "a second token of NTLM",
            reject(b"NTLMSSP\0\x03\0\0\0"),
            Err(Ntlm),
        ),
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
            "bytes after the mechToken's AP-REQ",
            spnego(&[
                fields[0].clone(),
                mech_token(&kerberos(
                    TOK_ID_AP_REQ,
                    &[ap_req_message(), vec![0]].concat(),
                )),
            ]),
        ),
        (
            "bytes after the mechToken's frame",
            spnego(&[fields[0].clone(), mech_token(&[ap_req(), vec![0]].concat())]),
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
    assert_eq!(check(&longest), Ok(Initial));
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
fn a_ticket_tells_in_clear_text_which_service_it_is_for() {
    let carried = reject(&decode(REAL_KERBEROS));
    for token in [decode(REAL_SPNEGO), decode(REAL_KERBEROS), carried] {
        let service = service(&token).map(|service| service.to_string());
        assert_eq!(
            service.as_deref(),
            Some("HTTP/app.throwaway.test@THROWAWAY.TEST")
        );
    }
    for token in [offer(&[NTLM, KRB5]), ap_req(), decode("oQcwBaADCgEC")] {
        assert_eq!(service(&token), None);
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
        let _ = service(token);
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
