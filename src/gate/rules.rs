//! Who may in by their groups, and what that makes of them.

use std::collections::BTreeSet;

use crate::directory::{Directory, SharedDirectory};
use crate::error::{ConfigError, Error, ErrorKind};
use crate::group_rule::{Doubt, GroupRule};
use crate::truth::Truth;
use crate::user::User;

/// The rules of one layer on groups.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) required: Vec<GroupRule>,
    pub(crate) denied: Vec<GroupRule>,
    pub(crate) roles: Vec<(String, GroupRule)>,
}

impl Rules {
    /// Whether this directory's users can be judged by them.
    pub(crate) fn check(&self, directory: &SharedDirectory) -> Result<(), ConfigError> {
        if self.roles.iter().any(|(role, _)| role.is_empty()) {
            return Err(ConfigError::EmptyRole);
        }
        let of_roles = self.roles.iter().map(|(_, rule)| rule);
        for rule in self.required.iter().chain(&self.denied).chain(of_roles) {
            rule.check()?;
            if let Some(group) = rule.unknown(&|group| directory.knows_group(group)) {
                return Err(ConfigError::GroupNotKnown { group });
            }
        }
        Ok(())
    }

    /// For the layer's fingerprint, in which nothing else begins so. Neither the order of the calls
    /// counts, nor how often the same was said.
    pub(crate) fn parts(&self) -> BTreeSet<String> {
        let required = self.required.iter().map(|rule| format!("require {rule}"));
        let denied = self.denied.iter().map(|rule| format!("deny {rule}"));
        let roles = self.roles.iter();
        let roles = roles.map(|(role, rule)| format!("role {role:?} {rule}"));
        required.chain(denied).chain(roles).collect()
    }

    /// The user with the roles, where they may in.
    pub(crate) fn admit(&self, user: User) -> Result<User, Error> {
        let mut unknown = None;
        for refusal in self.refusals_of(&user) {
            // By one rule that is known, whatever is not known of another.
            if refusal.kind() == ErrorKind::UserDenied {
                return Err(refusal);
            }
            unknown.get_or_insert(refusal);
        }
        if let Some(refusal) = unknown {
            return Err(refusal);
        }
        let roles: Vec<_> = self.roles_of(&user).collect();
        Ok(user.with_roles(roles.into_iter()))
    }

    fn refusals_of(&self, user: &User) -> impl Iterator<Item = Error> {
        let denied = self.denied.iter();
        let denied = denied
            .filter(|rule| rule.judge(user) != Truth::No)
            .map(|rule| rule.refusal(ErrorKind::UserDenied, user, ".deny_group(..) refuses"));
        let required = self.required.iter();
        let lacking = required
            .filter(|rule| !rule.admits(user))
            .map(|rule| rule.refusal(ErrorKind::UserDenied, user, ".require_group(..) asks for"));
        denied.chain(lacking)
    }

    fn roles_of<'a>(&'a self, user: &User) -> impl Iterator<Item = &'a str> {
        self.roles.iter().filter_map(move |(role, rule)| {
            if rule.admits(user) {
                return Some(role.as_str());
            }
            if let Some(Doubt::Spelling(why) | Doubt::Missing(why)) = rule.doubt(user) {
                let principal = user.principal();
                tracing::warn!(%principal, role, %rule, why, "nobody knows whether the user has a role");
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{PrincipalOnly, TicketDirectory};
    use crate::sid::Sid;
    use crate::user::Group;

    fn alice(groups: impl IntoIterator<Item = Group>) -> User {
        let alice = User::builder("alice@CORP".parse().unwrap());
        groups
            .into_iter()
            .fold(alice, |user, group| user.group(group))
            .build()
    }

    fn required(rule: impl Into<GroupRule>) -> Rules {
        Rules {
            required: vec![rule.into()],
            ..Rules::default()
        }
    }

    fn denied(rule: impl Into<GroupRule>) -> Rules {
        Rules {
            denied: vec![rule.into()],
            ..Rules::default()
        }
    }

    #[track_caller]
    fn refuses(rules: &Rules, user: User, kind: ErrorKind, words: &str) {
        let error = rules.admit(user).expect_err("refused");
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("alice@CORP") && text.contains(words),
            "{text}"
        );
    }

    #[test]
    fn only_who_is_surely_in_a_required_and_surely_in_no_denied_group_gets_in() {
        use ErrorKind::{DirectoryMisconfigured, UserDenied};
        let staff = || Group::new("Staff").with_dn("cn=Staff,dc=corp");
        let umlaut = || Group::new("Größe").with_dn("cn=Größe,dc=corp");
        let bare = || Group::new("Staff");
        let dn = "CN=staff,DC=corp";
        required(dn).admit(alice([staff()])).expect("let in");
        refuses(
            &required(dn),
            alice([]),
            UserDenied,
            r#"asks for: DN "CN=staff,DC=corp"; the directory gave no groups"#,
        );
        let elsewhere = Group::new("Staff").with_dn("cn=Staff,ou=lab,dc=corp");
        refuses(
            &required("Staff"),
            alice([elsewhere.with_uncounted_name()]),
            UserDenied,
            r#"the directory gave "cn=Staff,ou=lab,dc=corp" (whose name does not count)"#,
        );
        refuses(
            &required(dn),
            alice([bare()]),
            DirectoryMisconfigured,
            "has no DN",
        );
        denied(dn).admit(alice([])).expect("let in");
        denied(dn).admit(alice([umlaut()])).expect("let in");
        refuses(&denied(dn), alice([staff()]), UserDenied, "refuses: DN");
        refuses(
            &denied(dn),
            alice([bare()]),
            DirectoryMisconfigured,
            "has no DN",
        );

        let other_case = "cn=GRÖSSE,dc=corp";
        for rules in [
            required(other_case),
            denied(other_case),
            denied(!GroupRule::dn(other_case)),
        ] {
            refuses(
                &rules,
                alice([umlaut()]),
                UserDenied,
                r#"spells a group of theirs "cn=Größe"#,
            );
        }
        let by_sid: Sid = "S-1-5-32-544".parse().unwrap();
        for rules in [required(by_sid), denied(by_sid)] {
            refuses(
                &rules,
                alice([staff()]),
                DirectoryMisconfigured,
                "has no SID",
            );
        }
        denied(by_sid).admit(alice([])).expect("let in");
    }

    #[test]
    fn of_several_all_are_required_and_any_denies() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        let rules = Rules {
            required: names(&["a", "b"]),
            denied: names(&["c", "d"]),
            roles: Vec::new(),
        };
        let is_let_in = |groups: &str| {
            let groups = groups.split_terminator(' ').map(Group::new);
            rules.admit(alice(groups)).is_ok()
        };
        assert_eq!(
            ["", "a", "b", "a b", "a b c", "a b d", "a b e"].map(is_let_in),
            [false, false, false, true, false, false, true]
        );
    }

    #[test]
    fn who_is_surely_refused_is_whatever_another_rule_can_not_tell() {
        let staff = || alice([Group::new("Staff")]);
        let mut rules = denied("S-1-5-32-544");
        refuses(&rules, staff(), ErrorKind::DirectoryMisconfigured, "no SID");
        rules.required.push("Admins".into());
        refuses(&rules, staff(), ErrorKind::UserDenied, "asks for");
        rules.denied.push("Staff".into());
        refuses(&rules, staff(), ErrorKind::UserDenied, "refuses");
    }

    #[test]
    fn a_role_is_given_on_a_sure_rule_alone() {
        let role = |role: &str, rule: GroupRule| (role.to_owned(), rule);
        let rules = Rules {
            roles: vec![
                role("admin", "Admins".into()),
                role("admin", "cn=Root,dc=corp".into()),
                role("editor", "ADMINS".into()),
                role("internal", !GroupRule::name("ADMINS")),
                role("nobody", "cn=Other,dc=corp".into()),
            ],
            ..Rules::default()
        };
        let roles = |groups: Vec<Group>| {
            let user = rules.admit(alice(groups)).expect("let in");
            user.roles().collect::<Vec<_>>().join(" ")
        };
        let root = Group::new("Root").with_dn("CN=root,DC=corp");
        assert_eq!(roles(vec![Group::new("Admins")]), "admin");
        assert_eq!(roles(vec![root]), "admin internal");
        assert_eq!(roles(vec![]), "internal");
    }

    #[test]
    fn neither_order_nor_repetition_makes_other_rules() {
        let mut rules = required("a");
        rules.required.push("b".into());
        let mut again = required("b");
        again.required.extend(["a".into(), "b".into()]);
        assert_eq!(rules.parts(), again.parts());
        assert_ne!(rules.parts(), required("a").parts());
        assert_ne!(denied("a").parts(), required("a").parts());
    }

    #[test]
    fn what_a_directory_never_tells_is_a_mistake_at_the_start() {
        let sid: Sid = "S-1-5-21-1-2-3-1104".parse().unwrap();
        let ticket = SharedDirectory::new(TicketDirectory::new().group(sid, "Staff"));
        for rules in [required(sid), denied("Staff"), denied("S-1-18-1")] {
            rules.check(&ticket).expect("known");
        }
        let principal_only = SharedDirectory::new(PrincipalOnly);
        for (rules, directory) in [
            (denied("cn=Staff,dc=corp"), &ticket),
            (denied("Other"), &ticket),
            (
                required(!(GroupRule::name("Staff") | "Other".into())),
                &ticket,
            ),
            (denied("Staff"), &principal_only),
            (required(sid), &principal_only),
        ] {
            let error = rules.check(directory).expect_err("not known");
            assert!(
                matches!(error, ConfigError::GroupNotKnown { .. }),
                "{error}"
            );
        }
        Rules::default().check(&principal_only).expect("no rules");
    }
}
