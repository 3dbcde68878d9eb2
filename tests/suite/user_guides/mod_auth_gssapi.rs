//! `guide::mod_auth_gssapi`.

use crate::markdown::{blocks, rows, words};

const GUIDE: &str = include_str!("../../../src/guide/mod_auth_gssapi.md");

/// The directives in the README of mod_auth_gssapi 1.6.4, which are those of its shared object.
const DIRECTIVES: [&str; 23] = [
    "GssapiAcceptorName",
    "GssapiAllowedMech",
    "GssapiBasicAuth",
    "GssapiBasicAuthMech",
    "GssapiBasicTicketTimeout",
    "GssapiConnectionBound",
    "GssapiCredStore",
    "GssapiDelegCcacheDir",
    "GssapiDelegCcacheEnvVar",
    "GssapiDelegCcachePerms",
    "GssapiDelegCcacheUnique",
    "GssapiImpersonate",
    "GssapiLocalName",
    "GssapiNameAttributes",
    "GssapiNegotiateOnce",
    "GssapiPublishErrors",
    "GssapiPublishMech",
    "GssapiRequiredNameAttributes",
    "GssapiSessionKey",
    "GssapiSignalPersistentAuth",
    "GssapiSSLonly",
    "GssapiUseS4U2Proxy",
    "GssapiUseSessions",
];

#[test]
fn each_directive_of_mod_auth_gssapi_has_a_row_and_no_other() {
    let rows = rows(GUIDE, "mod_auth_gssapi");
    let subjects = rows.iter().map(|row| words(&row[0])[0]);
    let subjects: Vec<_> = subjects.filter(|word| word.starts_with("Gssapi")).collect();
    assert_eq!(subjects, DIRECTIVES);
    for row in rows {
        assert!(row.len() == 2 && !row[1].is_empty(), "{row:?}");
    }
}

#[test]
fn the_directives_of_the_apache_configuration_are_real_ones() {
    let blocks = blocks(GUIDE).into_iter();
    let apache = blocks.filter(|block| block.language == "apache");
    let apache: String = apache.map(|block| block.text).collect();
    let used = apache
        .split_whitespace()
        .filter(|word| word.starts_with("Gssapi"));
    let used: Vec<_> = used.collect();
    assert!(used.len() > 5, "{used:?}");
    let unknown = used.iter().find(|word| !DIRECTIVES.contains(word));
    assert_eq!(unknown, None);
}
