//! Attributes of Active Directory in a type of the application's own.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use serde::Deserialize;
use tower_spnego::User;
use tower_spnego::attributes::{Bytes, file_time, generalized_time};

use super::{domain, layer, ldap};
use crate::site::{SPN, Site};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    #[serde(rename = "objectGUID")]
    guid: Bytes,
    user_account_control: u32,
    #[serde(with = "generalized_time")]
    when_created: SystemTime,
    #[serde(with = "file_time", default)]
    pwd_last_set: Option<SystemTime>,
    #[serde(with = "file_time", default)]
    account_expires: Option<SystemTime>,
    #[serde(with = "file_time", default)]
    last_logoff: Option<SystemTime>,
    #[serde(default)]
    show_in_advanced_view_only: bool,
    object_class: Vec<String>,
}

const LOADED: [&str; 8] = [
    "objectGUID",
    "userAccountControl",
    "whenCreated",
    "pwdLastSet",
    "accountExpires",
    "lastLogoff",
    "showInAdvancedViewOnly",
    "objectClass",
];

/// Panics where something is not as it should be.
async fn check(user: User) -> String {
    let account: Account = user.attributes_as().expect("an account");
    assert_eq!(account.guid.len(), 16);
    assert_eq!(account.user_account_control & 0x200, 0x200);
    let day = Duration::from_secs(24 * 60 * 60);
    for time in [Some(account.when_created), account.pwd_last_set] {
        let age = time.expect("a time").elapsed().expect("past");
        // The domain may be unpacked from what another test has made.
        assert!(age < 30 * day, "{age:?}");
    }
    assert_eq!(account.last_logoff, None);
    assert!(account.object_class.iter().any(|class| class == "user"));
    let expires = account.account_expires.map(|end| {
        let since = end.duration_since(SystemTime::UNIX_EPOCH);
        since.expect("later").as_secs()
    });
    format!("{expires:?} {}", account.show_in_advanced_view_only)
}

#[tokio::test]
async fn an_account_of_the_domain_is_read_into_a_struct() {
    const TEST: &str =
        "active_directory::attributes::an_account_of_the_domain_is_read_into_a_struct";
    let Some(ad) = domain(TEST) else {
        return;
    };
    // 2100-01-01, and hidden from people.
    let dn = ad.dn("bob").expect("found");
    ad.ldif(&format!(
        "dn: {dn}\nchangetype: modify\nreplace: accountExpires\n\
         accountExpires: 157469184000000000\n-\n\
         replace: showInAdvancedViewOnly\nshowInAdvancedViewOnly: TRUE\n"
    ))
    .expect("changed");
    let directory = ldap::people(&ad).attributes(LOADED).build();
    let routes = Router::new().route("/", get(check));
    let site = Site::of(
        routes,
        layer(&ad).directory(directory.expect("a directory")),
    );
    for (user, expected) in [("alice", "None false"), ("bob", "Some(4102444800) true")] {
        let token = ad.ticket_cache(user).expect("a ticket").token(SPN);
        let answer = site.browser().get_with("/", &token.expect("a token")).await;
        assert_eq!(answer.body, expected, "{answer:?}");
    }
}
