//! The names of groups: remembered, and asked for once however many people sign in at once.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::directory::DirectoryError;
use crate::directory::ldap::LdapDirectory;
use crate::questions::Questions;
use crate::sid::Sid;
use crate::user::Group;

/// How many groups are remembered. Those asked about once are forgotten first.
const REMEMBERED: usize = 50_000;

const NAMED_FOR: Duration = Duration::from_secs(60 * 60);

/// A group may just have been made, and not be on every server yet.
const UNNAMED_FOR: Duration = Duration::from_secs(5 * 60);

/// How long a name is good where nobody can be asked.
const NAMED_AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);

/// Who knows names.
pub(super) trait Source: Send + Sync + 'static {
    /// Those of these groups that it has.
    fn groups(
        &self,
        sids: &[Sid],
    ) -> impl Future<Output = Result<HashMap<Sid, Group>, DirectoryError>> + Send;
}

impl Source for LdapDirectory {
    async fn groups(&self, sids: &[Sid]) -> Result<HashMap<Sid, Group>, DirectoryError> {
        self.groups_by_sid(sids).await
    }
}

/// Clones share what is remembered.
pub(super) struct Names<S> {
    shared: Arc<Shared<S>>,
}

impl<S> Clone for Names<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

struct Shared<S> {
    source: S,
    known: Cache<Sid, Known>,
    /// Each may be about many groups.
    questions: Arc<Questions<Sid, Answer>>,
}

/// What the source has said of a group.
#[derive(Clone)]
struct Known {
    group: Option<Arc<Group>>,
    since: Instant,
}

type Answer = Result<Arc<HashMap<Sid, Group>>, DirectoryError>;

impl<S: Source> Names<S> {
    pub(super) fn new(source: S) -> Self {
        Self {
            shared: Arc::new(Shared {
                source,
                known: Cache::new(REMEMBERED),
                questions: Arc::default(),
            }),
        }
    }

    pub(super) fn source(&self) -> &S {
        &self.shared.source
    }

    /// Those of these groups that have a name.
    ///
    /// An error where one is not known, and the source does not answer.
    pub(super) async fn of(
        &self,
        sids: impl Iterator<Item = Sid>,
    ) -> Result<HashMap<Sid, Group>, DirectoryError> {
        let mut named = HashMap::new();
        let mut unknown = Vec::new();
        for sid in sids {
            match self.shared.fresh(sid) {
                Some(group) => named.extend(group.map(|group| (sid, Group::clone(&group)))),
                None => unknown.push(sid),
            }
        }
        if unknown.is_empty() {
            return Ok(named);
        }
        let mut outage = None;
        let asked = &self.shared.questions;
        let questions = asked.ask(unknown, |asking| {
            let shared = Arc::clone(&self.shared);
            async move {
                let answer = shared.ask(asking.keys()).await;
                asking.end(answer, |_| ());
            }
        });
        for (sid, question) in questions {
            let answer = question.answer().await;
            match answer.unwrap_or_else(|| Err(broken_off())) {
                Ok(groups) => named.extend(groups.get(&sid).map(|group| (sid, group.clone()))),
                Err(error) => match self.shared.stale(sid, &error) {
                    Some(group) => {
                        named.insert(sid, group);
                        outage = Some(error);
                    }
                    None => return Err(error),
                },
            }
        }
        if let Some(error) = outage {
            tracing::warn!(%error, "names of groups may be out of date");
        }
        Ok(named)
    }
}

impl<S> Shared<S> {
    /// What is known and need not be asked again.
    fn fresh(&self, sid: Sid) -> Option<Option<Arc<Group>>> {
        let known = self.known.get(&sid)?;
        let time = match known.group {
            Some(_) => NAMED_FOR,
            None => UNNAMED_FOR,
        };
        (known.since.elapsed() < time).then_some(known.group)
    }

    /// The name from before the outage.
    fn stale(&self, sid: Sid, error: &DirectoryError) -> Option<Group> {
        let known = self.known.get(&sid)?;
        let counts = error.kind().is_outage() && known.since.elapsed() < NAMED_AT_MOST;
        let group = known.group.filter(|_| counts)?;
        Some(Group::clone(&group))
    }
}

impl<S: Source> Shared<S> {
    async fn ask(&self, sids: &[Sid]) -> Answer {
        let mut named = HashMap::new();
        let mut unknown = Vec::new();
        for sid in sids {
            // Another question may have been answered just before this one.
            match self.fresh(*sid) {
                Some(group) => named.extend(group.map(|group| (*sid, Group::clone(&group)))),
                None => unknown.push(*sid),
            }
        }
        if unknown.is_empty() {
            return Ok(Arc::new(named));
        }
        let groups = self.source.groups(&unknown).await?;
        let since = Instant::now();
        let mut unnamed = Vec::new();
        for sid in unknown {
            let group = groups.get(&sid).cloned().map(Arc::new);
            if group.is_none() {
                unnamed.push(sid.to_string());
            }
            self.known.insert(sid, Known { group, since });
        }
        named.extend(groups);
        if !unnamed.is_empty() {
            tracing::warn!(
                sids = unnamed.join(" "),
                "tickets name groups that are not below the base of .names_from(..), or that its \
                 account may not see: their names are their SIDs"
            );
        }
        Ok(Arc::new(named))
    }
}

fn broken_off() -> DirectoryError {
    DirectoryError::unavailable().with_detail("the search for groups' names was broken off")
}

#[cfg(test)]
mod tests;
