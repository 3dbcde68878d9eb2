//! One way to a person's entry: a search, or the DN itself.

use super::super::filter::Filter;
use super::super::lookup::{Lookup, Query};
use super::super::outcome::Found;
use super::super::scope::Scope;
use super::DnTemplate;
use crate::directory::DirectoryError;
use crate::initiator::Initiator;

#[derive(Debug, Clone)]
pub(in super::super) struct Way {
    pub(in super::super) place: EntryPlace,
    /// What an entry found on this way must pass, byte for byte; of a search, the server is asked
    /// for it, too.
    pub(in super::super) filter: Filter,
    /// The same for a ticket without a PAC, where people are found by their PAC and the names of
    /// tickets are trusted.
    pub(in super::super) ticket_names: Option<Filter>,
}

#[derive(Debug, Clone)]
pub(in super::super) enum EntryPlace {
    Below { base: String, scope: Scope },
    Named(DnTemplate),
}

impl Way {
    /// Up to two entries: enough to know that there is more than one.
    pub(super) async fn ask(
        &self,
        lookup: &Lookup<'_>,
        who: &Initiator,
        filter: &Filter,
        attributes: &[String],
    ) -> Result<Found, DirectoryError> {
        match &self.place {
            EntryPlace::Below { base, scope } => {
                let filter = filter.render(who).ok_or_else(DirectoryError::pac_missing)?;
                let searched = format!("{} with {filter}", described(*scope, base));
                let query = Query {
                    base,
                    scope: (*scope).into(),
                    filter: &filter,
                    attributes,
                    limit: 2,
                };
                lookup.search(query).await?.found(searched)
            }
            EntryPlace::Named(template) => template.read(lookup, who, attributes).await,
        }
    }

    pub(super) fn fingerprint(&self) -> String {
        let place = match &self.place {
            EntryPlace::Below { base, scope } => described(*scope, base),
            EntryPlace::Named(template) => template.text().to_owned(),
        };
        format!(
            "{place}\n{}\n{}",
            self.filter.template(),
            self.ticket_names.as_ref().map_or("", Filter::template),
        )
    }
}

/// The base with this scope, as an error says it.
fn described(scope: Scope, base: &str) -> String {
    match scope {
        Scope::Subtree => format!("below {base:?}"),
        Scope::OneLevel => format!("right below {base:?}"),
        Scope::Base => format!("at {base:?}"),
    }
}
