//! `guide::django_auth_spnego`.

use crate::markdown::{rows, words};

const GUIDE: &str = include_str!("../../../src/guide/django_auth_spnego.md");

/// All of Django's settings that `authspnego/middleware.py` of the sdist of 0.1.1 reads.
const SETTINGS: [&str; 4] = [
    "SPNEGO_REALM",
    "SPNEGO_HOSTNAME",
    "SPNEGO_EXPIRE_LOGIN",
    "AUTHENTICATION_BACKENDS",
];

/// What that file defines for others, and whom it calls.
const PARTS: [&str; 5] = [
    "AuthSpnegoMiddleware",
    "SpnegoHttpUnauthorized",
    "NotAuthorized",
    "ImproperlyConfigured",
    "LDAPBackend.populate_user(username)",
];

#[test]
fn each_setting_and_each_part_of_django_auth_spnego_has_a_row() {
    let rows = rows(GUIDE, "django-auth-spnego");
    let subjects: Vec<_> = rows.iter().flat_map(|row| words(&row[0])).collect();
    for subject in SETTINGS.iter().chain(&PARTS) {
        assert!(subjects.contains(subject), "{subject} has no row");
    }
    let made_up = |word: &&&str| word.starts_with("SPNEGO_") && !SETTINGS.contains(word);
    assert_eq!(subjects.iter().find(made_up), None);
    for row in rows {
        assert!(row.len() == 2 && !row[1].is_empty(), "{row:?}");
    }
}
