use axum::{Router, body::Body, extract::Request, routing::get};
use tower::ServiceExt;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::{Group, RequireGroup, SpnegoLayer, User};

fn app(keytab: &str) -> Result<Router, tower_spnego::ConfigError> {
    let directory =
        LdapDirectory::openldap("dc=example,dc=test").server("ldaps://ldap.example.test");
    let spnego = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        .hostname("localhost")
        .keytab(keytab)
        .directory(directory.build()?) // nobody asks it
        .respect_user(); // a user whom a layer further out, or a test, has put into the request
    Ok(Router::new()
        .route("/", get(async |user: User| user.display_name().to_owned()))
        .route_layer(RequireGroup::new("cn=staff,ou=groups,dc=example,dc=test")?)
        .layer(spnego.build()?)
        .layer(SessionManagerLayer::new(MemoryStore::default())))
}

#[tokio::test]
async fn staff_is_greeted() -> Result<(), Box<dyn std::error::Error>> {
    let staff = Group::new("staff").with_dn("cn=staff,ou=groups,dc=example,dc=test");
    let alice = User::builder("alice@EXAMPLE.TEST".parse()?)
        .group(staff)
        .build();
    let bob = User::builder("bob@EXAMPLE.TEST".parse()?).build();
    for (user, status) in [(alice, 200), (bob, 403)] {
        let mut request = Request::get("/").body(Body::empty())?;
        request.extensions_mut().insert(user);
        let answer = app("tests/localhost.keytab")?.oneshot(request).await?;
        assert_eq!(answer.status(), status);
    }
    Ok(())
}
