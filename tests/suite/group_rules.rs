//! Who may in by their groups, on a real LDAP server.

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tower_sessions::MemoryStore;
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{
    ConfigError, Directory, DirectoryError, ErrorKind, Group, GroupRule, Initiator, PrincipalOnly,
    SpnegoLayerBuilder, User,
};

use crate::ldap::people;
use crate::site::{Answer, Site, layer, realm, request, token, with_token};

const STAFF: &str = "cn=Staff,ou=groups,dc=example,dc=test";
const ENGINEERS: &str = "cn=Engineers,ou=groups,dc=example,dc=test";

/// A layer whose people are those of `ldap`: alice of Engineers and Staff, bob of Staff.
pub fn with(realm: &TestRealm, ldap: &TestLdap) -> SpnegoLayerBuilder {
    layer(realm).directory(people(ldap).build().expect("a directory"))
}

/// Who of the two gets in; of the others nothing is stored, and no handler hears of them.
async fn admitted(realm: &TestRealm, layer: SpnegoLayerBuilder) -> String {
    let site = Site::new(layer);
    let mut admitted = Vec::new();
    for user in ["alice", "bob"] {
        let answer = site.browser().get_with("/", &token(realm, user)).await;
        match answer.status {
            StatusCode::OK => admitted.push(user),
            _ => {
                answer.is_forbidden(ErrorKind::UserDenied);
                assert!(answer.token().is_some(), "the final token");
            }
        }
    }
    assert_eq!(site.calls(), admitted.len());
    admitted.join(" ")
}

#[tokio::test]
async fn groups_are_required_and_denied_with_and_or_and_not() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let (staff, engineers) = (|| GroupRule::dn(STAFF), || GroupRule::dn(ENGINEERS));
    let nobodys = || GroupRule::dn("cn=Nobody,ou=groups,dc=example,dc=test");
    let rule = |rule: GroupRule| with(&realm, &ldap).require_group(rule);
    let denied = |rule: GroupRule| with(&realm, &ldap).deny_group(rule);
    let spelled = GroupRule::from(r"CN = \45ngineers , 2.5.4.11=GROUPS,dc=example, DC=test");
    let rules = [
        (rule(staff()), "alice bob"),
        (rule(engineers()), "alice"),
        (rule(spelled.clone()), "alice"),
        (denied(spelled), "bob"),
        (rule("Engineers".into()), "alice"),
        (rule(nobodys()), ""),
        (rule(staff() & engineers()), "alice"),
        (rule(nobodys() | engineers()), "alice"),
        (rule(staff() & !engineers()), "bob"),
        (rule(GroupRule::all([staff(), !nobodys()])), "alice bob"),
        (denied(nobodys()), "alice bob"),
        (denied(engineers()), "bob"),
        (denied(GroupRule::any([nobodys(), staff()])), ""),
        (rule(staff()).require_group(ENGINEERS), "alice"),
        (denied(nobodys()).deny_group(ENGINEERS), "bob"),
        (rule(engineers()).deny_group(STAFF), ""),
    ];
    for (place, (layer, expected)) in rules.into_iter().enumerate() {
        assert_eq!(admitted(&realm, layer).await, expected, "{place}");
    }
}

#[tokio::test]
async fn a_group_whose_dn_only_the_server_can_compare_admits_nobody_and_denies() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    ldap.add_group("Größe", ["alice"]).expect("added");
    let spelled = "cn=Größe,ou=groups,dc=example,dc=test";
    let otherwise = "cn=GRÖßE,ou=groups,dc=example,dc=test";
    let rule = |dn| with(&realm, &ldap).require_group(dn);
    let denied = |dn| with(&realm, &ldap).deny_group(dn);
    assert_eq!(admitted(&realm, rule(spelled)).await, "alice");
    assert_eq!(admitted(&realm, denied(spelled)).await, "bob");
    assert_eq!(admitted(&realm, rule(otherwise)).await, "");
    assert_eq!(admitted(&realm, denied(otherwise)).await, "bob");
    let site = Site::new(denied(otherwise));
    let answer = site.browser().get_with("/", &token(&realm, "alice")).await;
    let error = answer.error.expect("an error").to_string();
    assert!(
        error.contains("alice@EXAMPLE.TEST") && error.contains(otherwise),
        "{error}"
    );
    assert!(error.contains("write it in the rule"), "{error}");
}

#[test]
fn a_sid_names_no_group_of_a_directory_without_sids() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    for layer in [
        with(&realm, &ldap).deny_group("S-1-5-32-544"),
        with(&realm, &ldap).require_group(!GroupRule::from("S-1-5-32-544")),
    ] {
        let error = layer.build().map(drop).expect_err("a mistake");
        assert!(
            matches!(error, ConfigError::GroupNotKnown { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("GroupRule::dn(..)"), "{error}");
    }
}

async fn roles(user: User) -> String {
    let admin = user.has_role("admin");
    format!("{} {admin}", user.roles().collect::<Vec<_>>().join(","))
}

#[tokio::test]
async fn groups_give_roles_which_the_session_keeps() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let layer = with(&realm, &ldap)
        .role("admin", ENGINEERS)
        .role("member", GroupRule::dn(STAFF))
        .role("clerk", GroupRule::dn(STAFF) & !GroupRule::dn(ENGINEERS));
    let site = Site::of(Router::new().route("/", get(roles)), layer);
    let mut alice = site.signed_in(&realm, "alice").await;
    let mut bob = site.signed_in(&realm, "bob").await;
    drop(ldap);
    assert_eq!(alice.get("/").await.body, "admin,member true");
    assert_eq!(bob.get("/").await.body, "clerk,member false");
}

#[tokio::test]
async fn a_login_counts_only_under_the_rules_that_it_was_made_under() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let store = MemoryStore::default();
    let directory = people(&ldap).build().expect("a directory");
    let site = |change: fn(SpnegoLayerBuilder) -> SpnegoLayerBuilder| {
        let layer = change(layer(&realm).directory(directory.clone()));
        Site::with_store(layer, store.clone())
    };
    let here = site(|layer| layer.require_group(STAFF).deny_group("Guests"));
    let alice = here.signed_in(&realm, "alice").await;
    let twin = site(|layer| {
        layer
            .deny_group("Guests")
            .require_group(STAFF)
            .require_group(STAFF)
    });
    let others = [
        site(|layer| layer),
        site(|layer| layer.require_group(STAFF)),
        site(|layer| layer.require_group("Guests").deny_group(STAFF)),
        site(|layer| layer.require_group(ENGINEERS).deny_group("Guests")),
        site(|layer| {
            layer
                .require_group(STAFF)
                .deny_group("Guests")
                .role("a", STAFF)
        }),
    ];
    let mut there = twin.browser();
    there.cookie.clone_from(&alice.cookie);
    there.get("/").await.is_hello("alice");
    for other in others {
        let mut there = other.browser();
        there.cookie.clone_from(&alice.cookie);
        there.get("/").await.is_challenge();
    }
}

#[tokio::test]
async fn who_is_denied_meanwhile_does_not_go_on_as_before_with_a_fresh_ticket() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = Site::new(with(&realm, &ldap).require_group(ENGINEERS));
    let mut alice = site.with_a_pear(&realm, "alice").await;
    ldap.ldif(&format!(
        "dn: {ENGINEERS}\nchangetype: modify\nreplace: member\n\
         member: uid=bob,ou=people,dc=example,dc=test\n"
    ))
    .expect("changed");
    let calls = site.calls();
    let answer = alice.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.kind(), Some(ErrorKind::UserDenied), "{answer:?}");
    assert_eq!(site.calls(), calls);
    alice.get("/").await.is_challenge();
}

/// Says what it is told of everybody.
pub struct Told(pub Vec<Group>);

impl Directory for Told {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        let user = User::builder(who.principal().clone()).role("of the directory");
        let groups = self.0.iter().cloned();
        Ok(groups.fold(user, |user, group| user.group(group)).build())
    }
}

#[tokio::test]
async fn a_name_that_does_not_count_is_nobodys() {
    let realm = realm();
    let groups = vec![
        Group::new("Admins")
            .with_dn("CN=Admins,OU=Mallory,DC=corp")
            .with_uncounted_name(),
        Group::new("Staff").with_dn("CN=Staff,OU=Groups,DC=corp"),
    ];
    let layer = layer(&realm)
        .directory(Told(groups))
        .deny_group("Admins")
        .require_group("Staff");
    let says = async |user: User| {
        let is_in = ["Admins", "Staff", "cn=admins,ou=mallory,dc=corp"].map(|it| user.is_in(it));
        format!("{is_in:?} {}", roles(user).await)
    };
    let site = Site::of(Router::new().route("/", get(says)), layer);
    let mut browser = site.browser();
    let signed_in = browser.get_with("/", &token(&realm, "alice")).await;
    for answer in [signed_in, browser.get("/").await] {
        assert_eq!(answer.body, "[false, true, true] of the directory false");
    }
}

#[tokio::test]
async fn a_user_of_another_layer_is_judged_as_well() {
    let realm = realm();
    let other = |groups: &[&str]| {
        let user = User::builder("alice@ELSEWHERE".parse().expect("a principal"));
        let groups = groups.iter().map(|name| Group::new(*name));
        groups.fold(user, |user, group| user.group(group)).build()
    };
    let layer = layer(&realm)
        .directory(Told(Vec::new()))
        .respect_user()
        .require_group("Staff");
    let site = Site::new(layer);
    let ask = async |user: User| {
        let mut request = request("/");
        request.extensions_mut().insert(user);
        site.browser().send(request).await
    };
    ask(other(&["Staff"])).await.is_hello("alice");
    ask(other(&["Guests"]))
        .await
        .is_forbidden(ErrorKind::UserDenied);
    assert_eq!(site.calls(), 1);
}

#[test]
fn a_rule_that_can_not_work_keeps_the_layer_from_starting_and_says_why() {
    let realm = realm();
    let told = || layer(&realm).directory(Told(Vec::new()));
    let no_rules = GroupRule::any([] as [GroupRule; 0]);
    for (layer, words) in [
        (
            told().require_group("CN=Staff;OU=Groups"),
            r#"the group rule "CN=Staff;OU=Groups" is wrong: it is no DN: a value has one of"#,
        ),
        (
            told().deny_group(!GroupRule::dn("Staff")),
            "write it as the directory does",
        ),
        (
            told().role("admin", "S-1-5-x"),
            r#"the group rule "S-1-5-x" is wrong"#,
        ),
        (
            told().deny_group(no_rules),
            "it is made of no rules at all; leave it out",
        ),
        (told().role("", "Staff"), r#".role("admin", ..)"#),
        (
            layer(&realm).deny_group("Staff"),
            "PrincipalOnly knows no groups",
        ),
    ] {
        let error = layer.build().map(drop).expect_err("a mistake").to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = layer(&realm)
        .directory(PrincipalOnly)
        .role("admin", "cn=a")
        .build();
    assert!(matches!(error, Err(ConfigError::GroupNotKnown { .. })));
}

#[tokio::test]
async fn a_refusal_takes_nothing_from_whose_session_it_is() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let site = Site::new(with(&realm, &ldap).require_group(ENGINEERS));
    let mut alice = site.with_a_pear(&realm, "alice").await;
    let answer: Answer = alice
        .send(with_token(request("/"), &token(&realm, "bob")))
        .await;
    assert_eq!(answer.kind(), Some(ErrorKind::UserDenied), "{answer:?}");
    alice.get("/").await.is_challenge();
    let answer = alice.get_with("/cart", &token(&realm, "alice")).await;
    assert_eq!(answer.body, "pear", "{answer:?}");
}
