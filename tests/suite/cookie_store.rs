//! Sessions in the cookie itself, of which browsers keep 4 KB.

use http::StatusCode;
use http::header::SET_COOKIE;
use tower_sessions::MemoryStore;
use tower_sessions_cookie_store::{CookieSessionConfig, CookieSessionManagerLayer, Key};
use tower_spnego::testing::TestRealm;
use tower_spnego::{Directory, DirectoryError, Group, Initiator, SpnegoLayerBuilder, User};

use crate::process;
use crate::site::{Browser, Site, layer, realm, routes, token};

/// Everybody is in so many groups.
struct InGroups(usize);

impl Directory for InGroups {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        let mut user = User::builder(who.principal().clone())
            .display_name("Alice Liddell")
            .email("alice@example.test")
            .dn("CN=Alice Liddell,OU=People,DC=corp,DC=example,DC=com");
        for number in 0..self.0 {
            let name = format!("Department {number}");
            let dn = format!("CN={name},OU=Groups,DC=corp,DC=example,DC=com");
            user = user.group(Group::new(name).with_dn(dn));
        }
        Ok(user.build())
    }

    fn fingerprint(&self) -> Option<String> {
        Some(format!("{} groups", self.0))
    }
}

fn site(layer: SpnegoLayerBuilder, key: &Key) -> Site {
    let spnego = layer.build().expect("starts");
    let cookies = CookieSessionConfig::default().with_secure(false);
    let sessions = CookieSessionManagerLayer::signed(key.clone()).with_config(cookies);
    let mut site = Site::new(self::layer(&realm()));
    site.router = routes(&Default::default()).layer(spnego).layer(sessions);
    site
}

fn in_groups(realm: &TestRealm, groups: usize) -> SpnegoLayerBuilder {
    layer(realm).optional().directory(InGroups(groups))
}

fn at(site: &Site, browser: &Browser) -> Browser {
    let mut there = site.browser();
    there.cookie.clone_from(&browser.cookie);
    there
}

#[tokio::test]
async fn five_groups_fit_into_a_cookie() {
    let (realm, key) = (realm(), Key::generate());
    let site = site(in_groups(&realm, 5), &key);
    let mut browser = site.browser();
    browser.get("/cart/add/pear").await;
    let before = browser.clone();
    let answer = browser.get_with("/", &token(&realm, "alice")).await;
    answer.is_hello("alice");
    browser.get("/").await.is_hello("alice");
    assert_eq!(browser.get("/cart").await.body, "pear");
    let cookie = browser.cookie.as_ref().expect("a cookie");
    assert!((1_500..3_000).contains(&cookie.len()), "{}", cookie.len());
    at(&site, &before).get("/").await.is_challenge();
}

/// Every sign-in is refused then, and nobody is signed in in part.
#[tokio::test]
async fn two_hundred_groups_do_not_and_the_log_says_so() {
    if !process::is_own() {
        let none: [(&str, &str); 0] = [];
        let test = "cookie_store::two_hundred_groups_do_not_and_the_log_says_so";
        return process::run(test, none);
    }
    let log = crate::log::record();
    let (realm, key) = (realm(), Key::generate());
    let site = site(in_groups(&realm, 200), &key);
    let mut browser = site.browser();
    for _ in 0..2 {
        let answer = browser.get_with("/", &token(&realm, "alice")).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            (answer.body.as_str(), answer.header(SET_COOKIE)),
            ("", None)
        );
        assert_eq!(browser.cookie, None);
        browser.get("/maybe").await.is_hello("stranger");
    }
    // Of a session that is there the store removes the cookie before it makes the new one.
    browser.get("/cart/add/pear").await;
    let cookie = browser.cookie.clone();
    let answer = browser.get_with("/", &token(&realm, "alice")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(cookie.is_some() && browser.cookie.is_none(), "{answer:?}");
    browser.get("/maybe").await.is_hello("stranger");
    let log = log.text();
    assert!(
        log.contains("Cookie value exceeds max_cookie_bytes"),
        "{log}"
    );
}

/// A cookie that is shown again is a session that is shown again.
#[tokio::test]
async fn a_copied_cookie_counts_on_another_server_after_the_logout_unless_they_share_a_store() {
    let (realm, key, store) = (realm(), Key::generate(), MemoryStore::default());
    let server = |store: Option<&MemoryStore>| {
        let layer = in_groups(&realm, 5).as_another_process();
        let layer = match store {
            Some(store) => layer.session_store(store.clone()),
            None => layer,
        };
        site(layer, &key)
    };
    for (store, counts) in [(None, true), (Some(&store), false)] {
        let (here, there) = (server(store), server(store));
        let mut browser = here.signed_in(&realm, "alice").await;
        let copy = browser.clone();
        assert_eq!(browser.get("/logout").await.body, "Goodbye");
        browser.get("/").await.is_signed_out();
        at(&there, &browser).get("/").await.is_signed_out();
        at(&here, &copy).get("/").await.is_signed_out();
        let answer = at(&there, &copy).get("/").await;
        match counts {
            true => answer.is_hello("alice"),
            false => answer.is_signed_out(),
        }
    }
}
