use super::*;
use crate::error::ErrorKind;
use crate::kerberos::Pac;

const ENGINEERS: &str = "S-1-5-21-1-2-3-1104";
const BUILT_IN: &str = "S-1-5-32-545";

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

fn alice() -> Initiator {
    let groups = [ENGINEERS, "S-1-5-21-1-2-3-513", BUILT_IN].map(sid);
    Initiator::with_pac(Pac::of("alice", sid("S-1-5-21-1-2-3-1103"), groups))
}

fn names(user: &User) -> Vec<&str> {
    user.groups().map(Group::name).collect()
}

#[tokio::test]
async fn a_user_is_what_the_ticket_says() {
    let directory = TicketDirectory::new().group(sid(ENGINEERS), "Engineers");
    let user = directory.find(&alice()).await.unwrap();
    assert_eq!(user.id(), "S-1-5-21-1-2-3-1103");
    assert_eq!(user.username(), "alice");
    assert_eq!(user.display_name(), "alice");
    assert_eq!(user.principal().to_string(), "alice@CORP");
    assert_eq!(names(&user), ["Engineers", "S-1-5-21-1-2-3-513", BUILT_IN]);
    let sids: Vec<_> = user.groups().filter_map(Group::sid).collect();
    assert_eq!(sids, alice().groups().unwrap());
}

#[tokio::test]
async fn a_recheck_keeps_the_groups_of_the_ticket_and_learns_of_no_other() {
    let directory = TicketDirectory::new();
    let before = directory.find(&alice()).await.unwrap();
    let recheck = alice().recalled();
    assert!(recheck.pac().is_none());
    assert_eq!(directory.recheck(&recheck, &before).await.unwrap(), before);
    // Since it was given a name; and what the application has added of its own is not its affair.
    let directory = directory.group(sid(ENGINEERS), "Engineers");
    let before = before
        .into_builder()
        .role("admin")
        .group(Group::new("Members"));
    let user = directory.recheck(&recheck, &before.build()).await.unwrap();
    assert_eq!(names(&user), ["Engineers", "S-1-5-21-1-2-3-513", BUILT_IN]);
    assert_eq!(user.roles().len(), 0);
    let without = Initiator::new("alice@CORP".parse().unwrap()).recalled();
    let refused = directory.recheck(&without, &user).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PacMissing);
    // Asked as one that knows of no recheck would.
    let refused = directory.find(&recheck).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PacMissing);
}

#[tokio::test]
async fn a_ticket_without_a_pac_is_refused() {
    let no_pac = Initiator::new("alice@CORP".parse().unwrap());
    let error = TicketDirectory::new().find(&no_pac).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PacMissing);
}

#[test]
fn no_other_group_takes_a_name_of_the_table_or_the_text_of_a_sid() {
    let directory = TicketDirectory::new().group(sid(ENGINEERS), "Engineers");
    let other = sid("S-1-5-21-1-2-3-1200");
    let named = |sid, name: &str| {
        let found = Group::new(name).with_dn("CN=found");
        let group = directory.named(sid, Some(found));
        assert_eq!(group.sid(), Some(sid));
        (group.name().to_owned(), group.dn().map(str::to_owned))
    };
    let dn = || Some("CN=found".to_owned());
    assert_eq!(named(other, "Staff"), ("Staff".to_owned(), dn()));
    for name in ["Engineers", ENGINEERS, "S-1-5-32-544"] {
        assert_eq!(named(other, name), (other.to_string(), dn()));
    }
    assert_eq!(
        named(sid(ENGINEERS), "Renamed"),
        ("Engineers".to_owned(), None)
    );
}

#[test]
fn a_directory_with_another_table_has_another_fingerprint() {
    let new = TicketDirectory::new;
    let mut all = vec![
        new().fingerprint(),
        new().group(sid(ENGINEERS), "Engineers").fingerprint(),
        new().group(sid(ENGINEERS), "Staff").fingerprint(),
        new().group(sid(BUILT_IN), "Engineers").fingerprint(),
    ];
    assert_eq!(new().fingerprint(), all[0]);
    assert!(all.iter().all(Option::is_some));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
    assert!(new().tells_realms_apart());
}

#[cfg(feature = "ldap")]
mod with_ldap {
    use super::*;

    /// Where nobody listens.
    fn ldap(url: &str) -> LdapDirectory {
        let builder = LdapDirectory::active_directory("corp.example.com").server(url);
        builder.build().unwrap()
    }

    #[tokio::test]
    async fn only_groups_of_a_domain_that_the_table_lacks_are_asked_about() {
        let directory = TicketDirectory::new().names_from(ldap("ldap://localhost:1"));
        let find = async |directory: &TicketDirectory| {
            let found = directory.find(&alice()).await;
            found.map(|user| names(&user).join(" "))
        };
        let error = find(&directory).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryUnavailable);
        let directory = directory
            .group(sid(ENGINEERS), "Engineers")
            .group(sid("S-1-5-21-1-2-3-513"), "Users");
        let found = find(&directory).await.unwrap();
        assert_eq!(found, "Engineers Users S-1-5-32-545");
    }

    #[test]
    fn where_the_names_are_from_is_in_the_fingerprint() {
        let from = |url| TicketDirectory::new().names_from(ldap(url)).fingerprint();
        assert_ne!(from("ldap://localhost:1"), from("ldap://localhost:2"));
        assert_ne!(
            from("ldap://localhost:1"),
            TicketDirectory::new().fingerprint()
        );
    }
}
