//! Finding a person's entry, and nobody else's.

use super::account;
use super::active_directory::{self, PacRules};
use super::entry::{Entry, parse};
use super::filter::Filter;
use super::lookup::Lookup;
use crate::directory::DirectoryError;
use crate::initiator::Initiator;

mod template;
mod way;

pub(super) use self::template::DnTemplate;
pub(super) use self::way::{EntryPlace, Way};

/// How people are found.
#[derive(Clone)]
pub(super) struct People {
    /// At least one; all are asked.
    pub(super) ways: Vec<Way>,
    /// Where people are found by their PAC.
    pub(super) rules: Option<PacRules>,
    /// What the server is asked for, by name.
    pub(super) requested: Vec<String>,
}

/// An entry, and the filters by which the server found it.
struct Candidate<'a> {
    entry: Entry,
    filters: Vec<&'a Filter>,
    found: String,
}

impl People {
    /// The person's entry, which nobody similar has.
    pub(super) async fn find(
        &self,
        lookup: &Lookup<'_>,
        who: &Initiator,
    ) -> Result<Entry, DirectoryError> {
        let candidate = self.sole_candidate(lookup, who).await?;
        candidate.check_name(who)?;
        let entry = candidate.entry;
        if let Some(rules) = &self.rules {
            rules.check(&entry, who)?;
        }
        if !self.rules.as_ref().is_some_and(|rules| rules.by_preset) {
            account::check(&entry, who.occasion())?;
        }
        Ok(entry)
    }

    /// The only entry that any of the ways leads to. An entry is the same as another where the server
    /// writes its DN the same.
    async fn sole_candidate<'a>(
        &'a self,
        lookup: &Lookup<'_>,
        who: &Initiator,
    ) -> Result<Candidate<'a>, DirectoryError> {
        let mut candidates: Vec<Candidate<'a>> = Vec::new();
        let mut nowhere = Vec::new();
        for way in &self.ways {
            let filter = self.filter_for(way, who)?;
            let answer = way.ask(lookup, who, filter, &self.requested).await?;
            if !answer.is_all {
                return Err(DirectoryError::ambiguous()
                    .with_detail(format!("more than one entry {}", answer.searched)));
            }
            if answer.entries.is_empty() {
                nowhere.push(answer.described());
            }
            for entry in answer.entries {
                let entry = parse(entry)?;
                let known = candidates
                    .iter_mut()
                    .find(|known| known.entry.dn() == entry.dn());
                match known {
                    Some(known) => known.filters.push(filter),
                    None => candidates.push(Candidate {
                        entry,
                        filters: vec![filter],
                        found: answer.searched.clone(),
                    }),
                }
            }
        }
        let is_sole = candidates.len() == 1;
        match candidates.pop() {
            Some(candidate) if is_sole => Ok(candidate),
            Some(last) => {
                candidates.push(last);
                let all: Vec<_> = candidates.iter().map(Candidate::described).collect();
                Err(DirectoryError::ambiguous()
                    .with_detail(format!("more than one entry: {}", all.join(", and "))))
            }
            None => Err(DirectoryError::not_found()
                .with_detail(format!("no entry {}", nowhere.join(", nor ")))),
        }
    }

    /// How this person is searched for on this way, and must match.
    fn filter_for<'a>(&self, way: &'a Way, who: &Initiator) -> Result<&'a Filter, DirectoryError> {
        if self.rules.is_none() || who.sid().is_some() {
            return Ok(&way.filter);
        }
        way.ticket_names
            .as_ref()
            .ok_or_else(active_directory::pac_missing)
    }

    pub(super) fn tells_realms_apart(&self) -> bool {
        // By the preset each entry has the PAC's SID, however it is searched.
        let by_sid = self.rules.as_ref().is_some_and(|rules| rules.by_preset);
        self.ways.iter().all(|way| {
            (by_sid || way.filter.tells_realms_apart())
                && way
                    .ticket_names
                    .as_ref()
                    .is_none_or(Filter::tells_realms_apart)
        })
    }

    /// Where people are searched, each base once; none where their DNs are made from a template.
    pub(super) fn bases(&self) -> Vec<&str> {
        let mut bases: Vec<&str> = Vec::new();
        for way in &self.ways {
            if let EntryPlace::Below { base, .. } = &way.place
                && !bases.contains(&base.as_str())
            {
                bases.push(base);
            }
        }
        bases
    }

    pub(super) fn fingerprint(&self) -> String {
        let rules = match &self.rules {
            None => "",
            Some(rules) if rules.by_preset => "active directory",
            Some(_) => "pac",
        };
        let ways: Vec<_> = self.ways.iter().map(Way::fingerprint).collect();
        format!("{rules}\n{}", ways.join("\n"))
    }
}

impl Candidate<'_> {
    /// By one of the filters that the server found it by, it is this very person's.
    fn check_name(&self, who: &Initiator) -> Result<(), DirectoryError> {
        let mut outcome = Ok(());
        for filter in &self.filters {
            match filter.check_name(&self.entry, who) {
                Ok(()) => return Ok(()),
                Err(error) if outcome.is_ok() => outcome = Err(error),
                Err(_) => {}
            }
        }
        outcome
    }

    fn described(&self) -> String {
        format!("{} ({})", self.entry.dn(), self.found)
    }
}
