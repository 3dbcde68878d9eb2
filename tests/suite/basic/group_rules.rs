//! A password is no way around the rules on groups.

use tower_spnego::ErrorKind;
use tower_spnego::testing::TestLdap;

use super::{PASSWORD, basic, elsewhere, give_password, realm, typed};
use crate::ldap::people;
use crate::site::Site;

#[tokio::test]
async fn who_is_in_no_required_group_is_refused_with_the_right_password() {
    if elsewhere("group_rules::who_is_in_no_required_group_is_refused_with_the_right_password") {
        return;
    }
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    give_password(&realm, "bob", PASSWORD);
    let directory = people(&ldap).build().expect("a directory");
    let layer = basic(&realm)
        .directory(directory)
        .require_group("cn=engineers,ou=groups,dc=example,dc=test");
    let site = Site::new(layer);
    let answer = site.browser().send(typed("alice", PASSWORD)).await;
    answer.is_hello("alice");
    let answer = site.browser().send(typed("bob", PASSWORD)).await;
    assert_eq!(answer.kind(), Some(ErrorKind::UserDenied), "{answer:?}");
    assert_eq!(answer.header("set-cookie"), None, "nothing stored");
    assert_eq!(site.calls(), 1);
}
