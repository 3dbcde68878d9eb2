//! What is no token of Kerberos.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use tower_spnego::ErrorKind;
use tower_spnego::explain::{Cause, NtlmMessage};

use super::explains;
use crate::der::{KRB5, NTLM, offer};
use crate::ntlm::{AUTHENTICATE, NEGOTIATE};
use crate::site::{Answer, Site, layer, realm, request, token, with_header};

async fn visit(site: &Site, host: &str, value: &str) -> Answer {
    let request = with_header(request("/"), "host", host);
    let request = with_header(request, "authorization", &format!("Negotiate {value}"));
    site.browser().send(request).await
}

#[tokio::test]
async fn ntlm_is_explained_by_its_five_usual_reasons_and_the_host_that_the_page_was_opened_by() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    for (host, name) in [
        ("localhost:8080", "ntlm"),
        ("127.0.0.1:8080", "ntlm_by_address"),
        ("[::1]", "ntlm_by_address_of_six"),
        ("web.example.test", "ntlm_by_another_name"),
    ] {
        let answer = visit(&site, host, NEGOTIATE).await;
        answer.is_rejected(ErrorKind::Ntlm);
        explains(&answer, Cause::Ntlm, &[], name);
    }
    for (token, name, message) in [
        (
            AUTHENTICATE.to_owned(),
            "ntlm_authenticate",
            Some(NtlmMessage::Authenticate),
        ),
        (
            STANDARD.encode(offer(
                &[KRB5, NTLM],
                Some(&STANDARD.decode(NEGOTIATE).expect("bytes")),
            )),
            "ntlm_beside_kerberos",
            Some(NtlmMessage::Negotiate),
        ),
        (STANDARD.encode(offer(&[NTLM], None)), "ntlm_offered", None),
    ] {
        let answer = visit(&site, "localhost", &token).await;
        explains(&answer, Cause::Ntlm, &[], name);
        let error = answer.error.expect("an error");
        let seen = error.explanation().and_then(|why| why.token());
        assert_eq!(seen.expect("a token").ntlm_message(), message);
    }
}

#[tokio::test]
async fn what_is_not_base64_is_explained_without_a_word_of_it() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = token(&realm, "alice");
    let text = STANDARD.encode(&good);
    let mut safe = URL_SAFE.encode(&good);
    safe.replace_range(9..10, "_");
    for (value, name) in [
        ("YIIC9AYGKwYB!QUCoIIC".to_owned(), "not_base64_character"),
        (safe, "not_base64_url"),
        ("YIIC9AYGKwYBB".to_owned(), "not_base64_cut"),
        ("YIIC9AYG=wYB".to_owned(), "not_base64_padding"),
    ] {
        let answer = visit(&site, "localhost", &value).await;
        answer.is_rejected(ErrorKind::NotBase64);
        explains(&answer, Cause::NotBase64, &[], name);
        let error = answer.error.expect("an error").to_string();
        assert!(!error.contains(&value[..8]), "{error}");
    }
    visit(&site, "localhost", &text).await.is_hello("alice");
}

#[tokio::test]
async fn a_token_that_is_too_long_is_explained() {
    let site = Site::new(layer(&realm()));
    let answer = visit(&site, "localhost", &STANDARD.encode([0x60; 65 * 1024])).await;
    answer.is_rejected(ErrorKind::TokenTooLong);
    explains(&answer, Cause::TokenTooLong, &[], "token_too_long");
}
