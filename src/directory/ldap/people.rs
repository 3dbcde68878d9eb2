//! Finding a person's entry, and nobody else's.

use ldap3::Scope;
use ldap3::asn1::StructureTag;

use super::active_directory::Rules;
use super::entry::Entry;
use super::filter::Filter;
use super::lookup::{Lookup, Query};
use crate::directory::DirectoryError;
use crate::initiator::Initiator;

/// How people are found.
#[derive(Clone)]
pub(super) struct People {
    pub(super) base: String,
    pub(super) filter: Filter,
    /// Where people are found by their PAC.
    pub(super) rules: Option<Rules>,
    /// What the server is asked for, by name.
    pub(super) requested: Vec<String>,
}

impl People {
    /// The person's entry, which nobody similar has.
    pub(super) async fn find(
        &self,
        lookup: &Lookup<'_>,
        who: &Initiator,
    ) -> Result<Entry, DirectoryError> {
        let filter = self.filter_for(who)?;
        let searched = filter.render(who).ok_or_else(DirectoryError::pac_missing)?;
        let query = Query {
            base: &self.base,
            scope: Scope::Subtree,
            filter: &searched,
            attributes: &self.requested,
            // Enough to know that there is more than one.
            limit: 2,
        };
        let answer = lookup.search(query).await?;
        let entry = parse(answer.sole_entry(&self.base, &searched)?)?;
        filter.check_name(&entry, who)?;
        if let Some(rules) = &self.rules {
            rules.check(&entry, who)?;
        }
        Ok(entry)
    }

    /// How this person is searched for, and must match.
    fn filter_for(&self, who: &Initiator) -> Result<&Filter, DirectoryError> {
        match &self.rules {
            Some(rules) if who.pac().is_none() => rules.without_pac(),
            _ => Ok(&self.filter),
        }
    }

    pub(super) fn tells_realms_apart(&self) -> bool {
        let Some(rules) = &self.rules else {
            return self.filter.tells_realms_apart();
        };
        // By the preset each entry has the PAC's SID, however it is searched.
        (rules.by_preset || self.filter.tells_realms_apart())
            && rules
                .ticket_names
                .as_ref()
                .is_none_or(Filter::tells_realms_apart)
    }

    pub(super) fn fingerprint(&self) -> String {
        let rules = match &self.rules {
            None => "",
            Some(rules) if rules.by_preset => "active directory",
            Some(_) => "pac",
        };
        let ticket_names = self
            .rules
            .iter()
            .find_map(|rules| rules.ticket_names.as_ref());
        format!(
            "{}\n{}\n{rules}\n{}",
            self.base,
            self.filter.template(),
            ticket_names.map_or("", Filter::template),
        )
    }
}

pub(super) fn parse(entry: StructureTag) -> Result<Entry, DirectoryError> {
    Entry::parse(entry).map_err(|malformed| {
        DirectoryError::unavailable()
            .with_detail(format!("look into the server's log; {malformed}"))
            .with_source(malformed)
    })
}
