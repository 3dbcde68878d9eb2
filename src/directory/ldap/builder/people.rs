//! How a person is found.

use super::super::active_directory::{self, Rules};
use super::super::dn;
use super::super::filter::Filter;
use super::super::people::People;
use super::{LdapDirectoryBuilder, wrong};
use crate::error::ConfigError;

#[derive(Debug, Default)]
pub(super) struct PeopleSettings {
    /// Of Active Directory, by its DNS name.
    domain: Option<String>,
    search: Option<(String, String)>,
    trust_ticket_names: bool,
}

/// # Finding a person
impl LdapDirectoryBuilder {
    /// Where to search, the whole subtree of `base`, and by which filter (RFC 4515). In the filter
    /// `{user}` stands for the principal's name ([`Initiator::name`](crate::Initiator::name)),
    /// `{principal}` for the whole principal, `{realm}` for its realm and `{sid}` for the SID in
    /// the ticket's PAC, each escaped. A brace itself is written `\7b`.
    ///
    /// At least one `(attribute=value)`, not negated, must hold `{user}`, `{principal}` or `{sid}`.
    /// Those with a placeholder are compared with the entry to the letter, `{realm}` included, and
    /// of an OR one alternative must hold so as a whole. A value has one of the placeholders, or
    /// `{user}@{realm}`: joined in another way it could be two people's.
    ///
    /// `{sid}` is for Active Directory and Samba, and binary, as the value of `objectSid` is: it
    /// stands alone, as in `(objectSid={sid})`. With it, a ticket without a PAC is refused, and so
    /// is an entry whose `sAMAccountName` is not the PAC's account, ASCII case aside.
    pub fn search(mut self, base: impl Into<String>, filter: impl Into<String>) -> Self {
        self.people.search = Some((base.into(), filter.into()));
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
    pub(super) fn of_domain(domain: String) -> Self {
        Self {
            domain: Some(domain),
            ..Self::default()
        }
    }

    /// Of an entry, `wanted` is asked for besides what finding it takes.
    pub(super) fn build(self, wanted: &[&str]) -> Result<People, ConfigError> {
        let preset = self.domain.as_deref().map(search_of).transpose()?;
        let (base, filter) = self.search.or(preset).ok_or_else(|| {
            wrong(
                "search",
                "there is none; write it as in \
                 .search(\"ou=people,dc=example,dc=com\", \"(uid={user})\")",
            )
        })?;
        check_base(&base)?;
        let filter = Filter::parse(&filter)?;
        let rules = rules(&filter, self.domain.is_some(), self.trust_ticket_names)?;
        let mut requested: Vec<String> = Vec::new();
        let for_rules = rules.iter().flat_map(Rules::attributes);
        let all = filter.attributes().chain(for_rules);
        for name in all.chain(wanted.iter().copied()) {
            if !requested.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                requested.push(name.to_owned());
            }
        }
        Ok(People {
            base,
            filter,
            rules,
            requested,
        })
    }
}

/// Base and filter for a domain.
fn search_of(domain: &str) -> Result<(String, String), ConfigError> {
    let base = active_directory::base(domain).ok_or_else(|| {
        wrong(
            "domain",
            format!("{domain:?} is no domain's DNS name; write it as in corp.example.com"),
        )
    })?;
    Ok((base, active_directory::FILTER.to_owned()))
}

fn rules(
    filter: &Filter,
    by_preset: bool,
    trust_ticket_names: bool,
) -> Result<Option<Rules>, ConfigError> {
    if !by_preset && !filter.has_sid() {
        return match trust_ticket_names {
            false => Ok(None),
            true => Err(wrong(
                "search",
                ".trust_ticket_names() stands beside a filter without {sid}, which trusts them \
                 anyway; leave it out, or search as in (objectSid={sid})",
            )),
        };
    }
    let ticket_names = trust_ticket_names.then(|| filter.by_account_name());
    Ok(Some(Rules {
        ticket_names: ticket_names.transpose()?,
        by_preset,
    }))
}

fn check_base(base: &str) -> Result<(), ConfigError> {
    let is_dn = base.is_empty() || dn::first_value(base).is_some();
    if is_dn && !base.contains(|c: char| c.is_control()) {
        return Ok(());
    }
    Err(wrong(
        "search",
        format!("the base {base:?} is no DN; write it as in ou=people,dc=example,dc=com"),
    ))
}
