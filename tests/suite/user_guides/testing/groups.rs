use axum::{Router, body::to_bytes, routing::get};
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{GroupRule, RequireGroup, SpnegoLayer, User, ldap::LdapDirectory};

#[tokio::test]
async fn only_engineers_open_the_plans() -> Result<(), Box<dyn std::error::Error>> {
    let realm = TestRealm::start()?;
    let ldap = TestLdap::start()?; // a slapd: alice is an engineer, bob is not
    let engineers = GroupRule::dn(format!("cn=Engineers,{}", ldap.groups()));
    let directory = LdapDirectory::builder(ldap.url())
        .bind_simple(ldap.service_dn(), ldap.service_password())
        .search(ldap.people(), "(uid={user})")
        .build()?;
    let spnego = SpnegoLayer::builder()
        .realm(realm.realm())
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(directory)
        .build()?;
    let app: Router = Router::new()
        .route(
            "/plans",
            get(async |user: User| user.display_name().to_owned()),
        )
        .route_layer(RequireGroup::new(engineers)?)
        .layer(spnego)
        .layer(SessionManagerLayer::new(MemoryStore::default()));

    let (alice, bob) = (realm.ticket_cache("alice")?, realm.ticket_cache("bob")?);
    let plans = alice.open(&app, "http://localhost/plans").await?;
    assert_eq!(plans.status(), 200);
    assert_eq!(to_bytes(plans.into_body(), 1000).await?, "Alice Liddell");
    assert_eq!(
        bob.open(&app, "http://localhost/plans").await?.status(),
        403
    );
    Ok(())
}
