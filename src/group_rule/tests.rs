use super::Truth::{Maybe, No, Yes};
use super::*;
use crate::principal::Principal;
use crate::user::Group;

const STAFF: &str = "CN=Staff,OU=Groups,DC=corp";
const SID: &str = "S-1-5-21-1-2-3-1104";

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

fn user(groups: impl IntoIterator<Item = Group>) -> User {
    let alice: Principal = "alice@CORP".parse().unwrap();
    let user = User::builder(alice);
    groups
        .into_iter()
        .fold(user, |user, group| user.group(group))
        .build()
}

fn staff() -> Group {
    Group::new("Staff").with_dn(STAFF).with_sid(sid(SID))
}

#[test]
fn a_group_is_known_by_dn_sid_or_name_or_may_be() {
    let dn = || GroupRule::dn("cn=staff, ou=groups, dc=corp");
    let by_sid = || GroupRule::sid(sid(SID));
    let name = || GroupRule::name("Staff");
    let other = || {
        Group::new("Other")
            .with_dn("CN=Other,DC=corp")
            .with_sid(sid("S-1-5-21-1-2-3-9"))
    };
    let asserted = || Group::new("S-1-18-1").with_sid(sid("S-1-18-1"));
    for (groups, expected) in [
        (vec![], [No, No, No]),
        (vec![staff()], [Yes, Yes, Yes]),
        (vec![other()], [No, No, No]),
        (vec![other(), staff()], [Yes, Yes, Yes]),
        (vec![Group::new("Staff")], [Maybe, Maybe, Yes]),
        (vec![Group::new("Other")], [Maybe, Maybe, No]),
        (
            vec![Group::new("staff").with_dn("CN=staff,DC=corp")],
            [No, Maybe, Maybe],
        ),
        (vec![Group::new("x").with_dn("no DN")], [Maybe, Maybe, No]),
        // What is known of one group, another without a DN does not make doubtful.
        (vec![Group::new("Other"), staff()], [Yes, Yes, Yes]),
        (vec![staff().with_uncounted_name()], [Yes, Yes, No]),
        (vec![asserted()], [No, No, No]),
        (vec![Group::new(SID).with_sid(sid(SID))], [Maybe, Yes, No]),
    ] {
        let user = user(groups);
        let groups: Vec<_> = user.groups().collect();
        let known = [dn(), by_sid(), name()].map(|rule| rule.judge(&user));
        assert_eq!(known, expected, "{groups:?}");
    }
}

#[test]
fn spellings_that_only_the_server_can_judge_are_doubtful() {
    let rule = GroupRule::dn("cn=GRÖSSE,dc=corp");
    let user = user([Group::new("Größe").with_dn("cn=Größe,dc=corp")]);
    assert_eq!(rule.judge(&user), Maybe);
    assert_eq!(GroupRule::name("GRÖSSE").judge(&user), Maybe);
    let Some(Doubt::Spelling(why)) = rule.doubt(&user) else {
        panic!("a doubt");
    };
    assert!(why.contains(r#""cn=Größe,dc=corp""#), "{why}");
}

#[test]
fn rules_are_joined_as_kleene_does() {
    let user = user([Group::new("a"), Group::new("B")]);
    let rule = |known| match known {
        Yes => GroupRule::name("a"),
        Maybe => GroupRule::name("b"),
        No => GroupRule::name("c"),
    };
    let all = [No, Maybe, Yes];
    for a in all {
        assert_eq!(rule(a).judge(&user), a);
        assert_eq!((!rule(a)).judge(&user), !a);
        assert_eq!(rule(a).doubt(&user).is_some(), a == Maybe);
        for b in all {
            assert_eq!((rule(a) & rule(b)).judge(&user), a.min(b), "{a:?} {b:?}");
            assert_eq!((rule(a) | rule(b)).judge(&user), a.max(b), "{a:?} {b:?}");
            let joined = !(rule(a) & rule(b) | rule(b));
            assert_eq!(joined.doubt(&user).is_some(), joined.judge(&user) == Maybe);
            assert_eq!(joined.admits(&user), joined.judge(&user) == Yes);
        }
    }
}

#[test]
fn a_text_is_a_dn_a_sid_or_a_name() {
    for (text, words) in [
        ("Staff", r#"name "Staff""#),
        ("cn=Staff", r#"DN "cn=Staff""#),
        (SID, "SID S-1-5-21-1-2-3-1104"),
        ("s-1-5-32", r#"name "s-1-5-32""#),
    ] {
        let rule = GroupRule::from(text);
        rule.check().unwrap();
        assert_eq!(rule.to_string(), words);
    }
    for (text, words) in [
        ("S-1-5-021", "GroupRule::name(..)"),
        ("CN=Staff;DC=corp", r"\3B"),
        ("CN=Staff,corp", "attribute=value"),
        ("a = b, c", "GroupRule::name(..)"),
        ("", "empty name"),
    ] {
        let rule = GroupRule::from(text);
        let error = rule.check().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(
            !rule.admits(&user([staff()])) && !(!rule).admits(&user([])),
            "{text}"
        );
    }
}

#[test]
fn a_user_is_in_a_group_by_any_of_its_names_and_in_no_look_alike() {
    let own = user([staff()]);
    for name in ["Staff", STAFF, "cn = staff,ou=groups,dc=CORP", SID] {
        assert!(own.is_in(name), "{name}");
    }
    for name in [
        "staff",
        "CN=Staff,OU=Mallory,DC=corp",
        "S-1-5-21-1-2-3-1105",
        "",
        "a=b, c",
    ] {
        assert!(!own.is_in(name), "{name}");
    }
    // Whoever makes groups can give them any name.
    for name in [STAFF, SID] {
        let forged = user([Group::new(name).with_dn("CN=x,OU=Mallory,DC=corp")]);
        assert!(!forged.is_in(name), "{name}");
    }
}

#[test]
fn a_rule_over_nothing_is_a_mistake_wherever_it_stands() {
    let nothing = || GroupRule::any([] as [GroupRule; 0]);
    for rule in [
        nothing(),
        !nothing(),
        GroupRule::all([] as [&str; 0]),
        GroupRule::from("Staff") & (GroupRule::dn(STAFF) | nothing()),
        GroupRule::all([GroupRule::name("a"), GroupRule::dn("")]),
        !GroupRule::dn("Staff"),
    ] {
        assert!(rule.check().is_err(), "{rule}");
    }
    let user = user([staff()]);
    for rule in [nothing(), GroupRule::all([] as [&str; 0])] {
        assert!(!rule.admits(&user) && rule.doubt(&user).is_some());
        assert!(!(!rule).admits(&user));
    }
}

#[test]
fn rules_that_differ_have_other_words() {
    let (a, b) = (|| GroupRule::name("a"), || GroupRule::name("b"));
    let rules = [
        a(),
        b(),
        !a(),
        !!a(),
        a() & b(),
        b() & a(),
        a() | b(),
        !(a() & b()),
        !a() & b(),
        a() & (b() | a()),
        a() & b() | a(),
        GroupRule::any([a()]),
        GroupRule::name(r#"a" and name "b"#),
        GroupRule::dn("cn=a"),
        GroupRule::name("cn=a"),
        GroupRule::sid(sid(SID)),
        GroupRule::name(SID),
    ];
    let words: std::collections::BTreeSet<_> = rules.iter().map(GroupRule::to_string).collect();
    assert_eq!(words.len(), rules.len(), "{words:?}");
    assert_eq!(
        format!("{:?}", !(a() & GroupRule::dn("cn=b"))),
        r#"GroupRule(not (name "a" and DN "cn=b"))"#
    );
}
