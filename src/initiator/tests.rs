use super::*;
use crate::principal::AllowedRealms;

fn sid() -> Sid {
    "S-1-5-21-1-2-3-1103".parse().unwrap()
}

/// As the session keeps it.
fn stored(kept: &Kept) -> Kept {
    let text = serde_json::to_string(kept).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_recheck_asks_by_the_names_of_the_sign_in() {
    use NameMapping::{AuthToLocal, FullPrincipal, StripRealm};
    let principal: Principal = "alice@CORP".parse().unwrap();
    let realms = |realms: &[&str]| {
        let realms = realms.iter().copied().map(str::to_owned).collect();
        AllowedRealms::new(realms).unwrap()
    };
    let (one, two) = (realms(&["CORP"]), realms(&["CORP", "LAB"]));
    for (realms, mapping, name, unique_name, is_plain) in [
        (&one, None, "alice", "alice", true),
        (&two, None, "alice", "alice@CORP", false),
        (&one, Some(StripRealm), "alice", "alice", true),
        (&one, Some(FullPrincipal), "alice@CORP", "alice@CORP", false),
        (&two, Some(AuthToLocal), "al", "al", false),
    ] {
        let naming = Naming { realms, mapping };
        let (own, own_unique) = naming.names(&principal, Some("al")).unwrap();
        let at_sign_in = Initiator {
            has_plain_name: naming.is_plain(),
            ..Initiator::new(principal.clone()).mapped_to(&own, &own_unique)
        };
        let kept = stored(&at_sign_in.kept(mapping));
        let recalled = Initiator::recall(&principal, &kept, naming).unwrap();
        assert_eq!(recalled.occasion(), Occasion::Recheck);
        assert_eq!(recalled.principal(), &principal);
        for who in [at_sign_in, recalled] {
            assert_eq!(who.name(), name, "{mapping:?}");
            assert_eq!(who.unique_name(), unique_name, "{mapping:?}");
            assert_eq!(who.has_plain_name, is_plain, "{mapping:?}");
        }
    }
}

#[test]
fn a_recheck_knows_the_account_of_the_pac_and_no_more() {
    let pac = Pac::of("alice", sid(), [sid()]);
    let domain = pac.domain().to_owned();
    let ticket = Initiator::with_pac(pac);
    let kept = stored(&ticket.kept(None));
    assert_eq!(kept, ticket.kept(None));
    let recalled = ticket.recalled();
    assert_eq!(recalled.sid(), Some(sid()));
    assert_eq!(recalled.account(), Some("alice"));
    assert_eq!(recalled.domain(), Some(domain.as_str()));
    assert_eq!((recalled.pac(), recalled.groups()), (None, None));
    assert!(!recalled.is_the_same_question_as(&ticket.clone().on(Occasion::Recheck)));
    let other = Initiator::new(recalled.principal().clone()).on(Occasion::Recheck);
    assert_eq!((other.sid(), other.account()), (None, None));
    assert!(!recalled.is_the_same_question_as(&other));
}

#[test]
fn what_names_no_sid_is_nothing_that_a_login_has_kept() {
    for text in [
        r#"{"account": {"sid": "alice", "domain": "CORP"}}"#,
        r#"{"account": {"domain": "CORP"}}"#,
        r#"{"local_name": 1}"#,
    ] {
        assert!(serde_json::from_str::<Kept>(text).is_err(), "{text}");
    }
    assert_eq!(serde_json::from_str::<Kept>("{}").unwrap(), Kept::default());
}
