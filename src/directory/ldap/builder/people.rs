//! How a person is found.

use super::super::active_directory::{self, PacRules};
use super::super::filter::Filter;
use super::super::people::{DnTemplate, EntryPlace, People, Way};
use super::super::scope::Scope;
use super::super::{account, dn, free_ipa, openldap};
use super::groups::GroupDefaults;
use super::{LdapDirectoryBuilder, no_domain, wrong};
use crate::error::ConfigError;

#[derive(Debug, Default)]
pub(super) struct PeopleSettings {
    preset: Option<Preset>,
    /// In place of the preset's.
    ways: Vec<WaySettings>,
    trust_ticket_names: bool,
}

#[derive(Debug)]
pub(super) enum Preset {
    ActiveDirectory { domain: String },
    OpenLdap { base: String },
    FreeIpa { domain: String },
}

#[derive(Debug)]
enum WaySettings {
    Search {
        base: String,
        scope: Scope,
        filter: String,
    },
    Template(String),
}

/// # Finding a person
impl LdapDirectoryBuilder {
    /// Where to search, the whole subtree of `base`, and by which filter (RFC 4515). In the filter
    /// `{user}` stands for the principal's name ([`Initiator::name`](crate::Initiator::name)),
    /// `{principal}` for the whole principal, `{realm}` for its realm and `{sid}` for the SID in
    /// the ticket's PAC, each escaped. A brace itself is written `\7b`.
    ///
    /// It can be said several times: each search is made, one after the other, and all together must
    /// find exactly one entry. A base that does not exist is an error, and never nobody. What a preset
    /// searches is left out as soon as a search is named.
    ///
    /// At least one `(attribute=value)`, not negated, must hold `{user}`, `{principal}` or `{sid}`.
    /// Those with a placeholder are compared with the entry to the letter, `{realm}` included, and
    /// of an OR one alternative must hold so as a whole. A value has one of the placeholders, or
    /// `{user}@{realm}`: joined in another way it could be two people's.
    ///
    /// `{sid}` is for Active Directory and Samba, and binary, as the value of `objectSid` is: it
    /// stands alone, as in `(objectSid={sid})`. With it, a ticket without a PAC is refused, and so
    /// is an entry whose `sAMAccountName` is not the PAC's account, ASCII case aside.
    pub fn search(self, base: impl Into<String>, filter: impl Into<String>) -> Self {
        self.search_in(Scope::Subtree, base, filter)
    }

    /// The same as [`search`](Self::search), with another scope than the whole subtree.
    ///
    /// ```no_run
    /// use tower_spnego::ldap::{LdapDirectory, Scope};
    ///
    /// let directory = LdapDirectory::builder("ldaps://ldap.example.com")
    ///     .search_in(Scope::OneLevel, "ou=staff,dc=example,dc=com", "(uid={user})")
    ///     .search_in(Scope::OneLevel, "ou=guests,dc=example,dc=com", "(uid={user})")
    ///     .build()?;
    /// # Ok::<_, tower_spnego::ConfigError>(())
    /// ```
    pub fn search_in(
        mut self,
        scope: Scope,
        base: impl Into<String>,
        filter: impl Into<String>,
    ) -> Self {
        self.people.ways.push(WaySettings::Search {
            base: base.into(),
            scope,
            filter: filter.into(),
        });
        self
    }

    /// The DN of everybody, made from the name with no search (RFC 4514), as in
    /// `uid={user},ou=people,dc=example,dc=com`: the entry is read, and its `uid` must be the name to
    /// the letter. `{user}`, `{principal}` and `{realm}` can stand in the first value, each escaped;
    /// the rest is the same for all.
    ///
    /// Who has no entry there is not found; but where its parent does not exist, or the bind account
    /// may not see it, that is a mistake of the set-up. Beside searches it is one of them.
    pub fn dn_template(mut self, template: impl Into<String>) -> Self {
        self.people
            .ways
            .push(WaySettings::Template(template.into()));
        self
    }

    /// Finds people of Active Directory whose ticket has no PAC by the ticket's name: where the
    /// filter has `{sid}`, by `sAMAccountName={user}`, to the letter. Without it they are refused.
    ///
    /// There, **the ticket's name is the client's choice**, and so is whether there is a PAC
    /// (`kinit --no-request-pac`). Whoever may create an account `carol$`, which by default is every
    /// user, or write an account's UPN, can get a ticket in the name `carol`, and signs in as her
    /// (CVE-2020-25717, CVE-2020-25719, CVE-2020-25721, CVE-2021-42278). Say it only where nobody but
    /// administrators can create accounts and change their names. A ticket that has a PAC still
    /// counts by it.
    pub fn trust_ticket_names(mut self) -> Self {
        self.people.trust_ticket_names = true;
        self
    }
}

impl PeopleSettings {
    pub(super) fn of(preset: Preset) -> Self {
        Self {
            preset: Some(preset),
            ..Self::default()
        }
    }

    /// Where and how groups are searched where no setting says so.
    pub(super) fn group_defaults(&self) -> Result<GroupDefaults, ConfigError> {
        let people = self.ways()?.into_iter().filter_map(|way| match way.place {
            EntryPlace::Below { base, .. } => Some(base),
            EntryPlace::Named(_) => None,
        });
        let people = people.collect();
        Ok(match &self.preset {
            None => GroupDefaults::of_entry(people),
            Some(preset) => preset.group_defaults(people)?,
        })
    }

    /// Of an entry, `wanted` is asked for, and the `wildcards`, besides what finding it takes.
    pub(super) fn build(
        self,
        wanted: &[&str],
        wildcards: &[String],
    ) -> Result<People, ConfigError> {
        let by_preset = matches!(self.preset, Some(Preset::ActiveDirectory { .. }));
        let mut ways = self.ways()?;
        let by_pac = by_preset || ways.iter().any(|way| way.filter.has_sid());
        if self.trust_ticket_names {
            if !by_pac {
                return Err(wrong(
                    "search",
                    ".trust_ticket_names() stands beside a filter without {sid}, which trusts them \
                     anyway; leave it out, or search as in (objectSid={sid})",
                ));
            }
            for way in &mut ways {
                way.ticket_names = Some(way.filter.by_account_name()?);
            }
        }
        check_together(ways.iter().map(|way| &way.filter))?;
        check_together(ways.iter().filter_map(|way| way.ticket_names.as_ref()))?;
        let rules = by_pac.then_some(PacRules { by_preset });
        let for_account: &[&str] = if by_preset { &[] } else { &account::ATTRIBUTES };
        let filters = ways
            .iter()
            .flat_map(|way| [Some(&way.filter), way.ticket_names.as_ref()]);
        let requested = each_once(
            filters
                .flatten()
                .flat_map(Filter::attributes)
                .chain(rules.iter().flat_map(PacRules::attributes))
                .chain(wanted.iter().copied())
                .chain(for_account.iter().copied())
                .chain(wildcards.iter().map(String::as_str)),
        );
        Ok(People {
            ways,
            rules,
            requested,
        })
    }

    /// Those that were named, else the preset's, which must be sound in any case.
    fn ways(&self) -> Result<Vec<Way>, ConfigError> {
        let of_preset = self.preset.as_ref().map(Preset::way).transpose()?;
        if !self.ways.is_empty() {
            return self.ways.iter().map(WaySettings::build).collect();
        }
        let way = of_preset.ok_or_else(|| {
            wrong(
                "search",
                "there is none; write it as in \
                 .search(\"ou=people,dc=example,dc=com\", \"(uid={user})\")",
            )
        })?;
        Ok(vec![way])
    }
}

fn each_once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            once.push(name.to_owned());
        }
    }
    once
}

impl Preset {
    fn group_defaults(&self, people: Vec<String>) -> Result<GroupDefaults, ConfigError> {
        let root = |domain| active_directory::base(domain).ok_or_else(|| no_domain(domain));
        Ok(match self {
            Self::ActiveDirectory { domain } => GroupDefaults::of_domain(root(domain)?, people),
            Self::OpenLdap { base } => GroupDefaults::by_members(base.clone(), people),
            Self::FreeIpa { domain } => {
                let groups = free_ipa::groups(domain).ok_or_else(|| no_domain(domain))?;
                GroupDefaults::by_members(groups, people)
            }
        })
    }

    fn way(&self) -> Result<Way, ConfigError> {
        let (base, filter) = match self {
            Self::ActiveDirectory { domain } => {
                let base = active_directory::base(domain).ok_or_else(|| no_domain(domain))?;
                (base, active_directory::FILTER)
            }
            Self::OpenLdap { base } => {
                check_base("base", base)?;
                (base.clone(), openldap::FILTER)
            }
            Self::FreeIpa { domain } => {
                let base = free_ipa::base(domain).ok_or_else(|| no_domain(domain))?;
                (base, free_ipa::FILTER)
            }
        };
        let search = WaySettings::Search {
            base,
            scope: Scope::Subtree,
            filter: filter.to_owned(),
        };
        search.build()
    }
}

impl WaySettings {
    fn build(&self) -> Result<Way, ConfigError> {
        let (place, filter) = match self {
            Self::Search {
                base,
                scope,
                filter,
            } => {
                // The empty DN is the root of all that the server has.
                if !base.is_empty() {
                    check_base("search", base)?;
                }
                let place = EntryPlace::Below {
                    base: base.clone(),
                    scope: *scope,
                };
                (place, Filter::parse(filter)?)
            }
            Self::Template(template) => {
                let (template, filter) = DnTemplate::parse(template)?;
                (EntryPlace::Named(template), filter)
            }
        };
        Ok(Way {
            place,
            filter,
            ticket_names: None,
        })
    }
}

/// Two searches are alternatives, as those of an OR are.
fn check_together<'a>(filters: impl Iterator<Item = &'a Filter>) -> Result<(), ConfigError> {
    let filters: Vec<_> = filters.collect();
    for (place, filter) in filters.iter().enumerate() {
        for other in filters.iter().skip(place + 1) {
            if let Some(attribute) = filter.meets(other) {
                return Err(wrong(
                    "search",
                    format!(
                        "{attribute:?} is compared in one way in {:?} and in another in {:?}, and one \
                         value can be one person's by the first and another's by the second; compare \
                         it in one way, or another attribute",
                        filter.template(),
                        other.template(),
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn check_base(setting: &'static str, base: &str) -> Result<(), ConfigError> {
    if dn::is_base(base) {
        return Ok(());
    }
    Err(wrong(
        setting,
        format!("the base {base:?} is no DN; write it as in ou=people,dc=example,dc=com"),
    ))
}
