//! What a directory has said, remembered for a while.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::memory::{Key, Memory};
use super::{Directory, DirectoryError};
use crate::error::ErrorKind;
use crate::group_rule::GroupKey;
use crate::initiator::{Initiator, Occasion};
use crate::observe::{self, Remembered};
use crate::principal::Principal;
use crate::user::User;

mod memory;

type Answer = Result<User, DirectoryError>;

/// Any [`Directory`], with its answers remembered for a while.
///
/// ```
/// use std::time::Duration;
/// # use tower_spnego::{Directory, DirectoryError, Initiator, User};
/// use tower_spnego::Cached;
/// # #[derive(Clone)]
/// # struct Staff;
/// # impl Directory for Staff {
/// #     async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
/// #         Ok(User::builder(who.principal().clone()).build())
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let staff = Staff;
/// let directory = Cached::new(staff, Duration::from_secs(5 * 60));
/// // The layer gets one: .directory(directory.clone())
/// # let alice = Initiator::new("alice@CORP.EXAMPLE.COM".parse()?);
/// # let user = directory.find(&alice).await?;
///
/// // And where the application has changed somebody in the directory:
/// directory.invalidate(user.principal());
/// # Ok(())
/// # }
/// ```
///
/// The session keeps a login, so that a browser asks the directory once in hours. This is for what
/// signs in with every request (programs that keep no cookie, layers with
/// [`optional`](crate::SpnegoLayerBuilder::optional) sessions that few requests share), and for the
/// morning when everybody comes at once.
///
/// # What is remembered
///
/// | answer | for how long |
/// |---|---|
/// | a user | the time given to [`new`](Self::new), from the moment when the directory was asked |
/// | [not found](DirectoryError::not_found) | 10 seconds, or [`not_found_for`](Self::not_found_for) |
/// | any other refusal | not at all: whoever is let in again need not wait |
/// | the directory is [unavailable](DirectoryError::unavailable) or [misconfigured](DirectoryError::misconfigured) | not at all |
///
/// **For that long, whoever is disabled, or taken out of a group, still signs in as before**, unless the
/// application calls [`invalidate`](Self::invalidate). Minutes are enough to save most of the work. A
/// refusal ends what was remembered for that same question, not for another ticket of the person's.
///
/// An answer is given again only for the same question: the whole principal, the names that the layer's
/// mapping makes of it, and all that the ticket's [`Pac`](crate::Pac) says, its groups included. The
/// times are left out, of the PAC and of the ticket, since they change with each: a directory that looks
/// at those does not belong in here.
///
/// **Passwords are asked about each time** ([`Occasion::Password`]): a lockout, which counts for them
/// alone, is there to stop the next guess, even if it is right. Beside the KDC, which every password asks
/// anyway, that costs little.
///
/// **A [recheck](crate::SpnegoLayerBuilder::recheck_every) asks each time**, and what it learns ends what
/// was remembered of the person: whom it throws out does not sign in again by an older answer.
///
/// Whoever signs in while the directory is asked the same about them waits for that answer: a hundred
/// sign-ins of one person at once are one lookup. It runs in a task of its own, and goes on when its first
/// asker has gone away.
///
/// Clones share what they remember.
pub struct Cached<D> {
    directory: Arc<D>,
    memory: Arc<Memory>,
    settings: Settings,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    time_to_live: Duration,
    not_found_for: Duration,
    stale_if_unavailable: Option<Duration>,
}

/// How many people are remembered, unless said otherwise.
const CAPACITY: usize = 10_000;

const NOT_FOUND_FOR: Duration = Duration::from_secs(10);

impl<D: Directory> Cached<D> {
    /// Remembers a user for this long. Zero remembers nobody, and still asks once for all who sign in at
    /// the same moment.
    pub fn new(directory: D, time_to_live: Duration) -> Self {
        Self {
            directory: Arc::new(directory),
            memory: Arc::new(Memory::new(CAPACITY)),
            settings: Settings {
                time_to_live,
                not_found_for: NOT_FOUND_FOR,
                stale_if_unavailable: None,
            },
        }
    }

    /// Remembers for this long that the directory has nobody by a principal: 10 seconds, unless said
    /// otherwise, and never longer than a user is remembered. Who is added to the directory signs in that
    /// much later.
    #[must_use]
    pub fn not_found_for(mut self, time: Duration) -> Self {
        self.settings.not_found_for = time;
        self
    }

    /// Remembers at most about this many people, 10,000 unless said otherwise. Those who were asked about
    /// once are forgotten first. What is remembered so far is not taken along.
    #[must_use]
    pub fn capacity(mut self, people: usize) -> Self {
        self.memory = Arc::new(Memory::new(people));
        self
    }

    /// Lets people in by what the directory said last while it is
    /// [unavailable](DirectoryError::unavailable), up to this long after that has ended. Off unless asked
    /// for: **whoever is disabled in an outage stays in through it**.
    ///
    /// The directory is asked first, each time; each such sign-in is logged as a warning. A refusal is
    /// never given so, and a refusal ends what was remembered before it. Nor is a
    /// [misconfigured](DirectoryError::misconfigured) directory unavailable: it has answered.
    #[must_use]
    pub fn stale_if_unavailable(mut self, time: Duration) -> Self {
        self.settings.stale_if_unavailable = Some(time);
        self
    }

    /// Forgets what the directory said of this principal: the next sign-in asks anew. That holds for a
    /// lookup that is under way, too: those who wait for it get its answer, and nobody after them.
    ///
    /// The principal is that of [`User::principal`]. On Active Directory, that is the account's name.
    pub fn invalidate(&self, principal: &Principal) {
        self.memory.forget(|who| who.principal() == principal);
    }

    /// Forgets everybody, as [`invalidate`](Self::invalidate) does one.
    pub fn clear(&self) {
        self.memory.forget(|_| true);
    }

    /// What is remembered and young enough.
    fn fresh(&self, who: &Initiator) -> Option<Answer> {
        let remembered = self.memory.get(who)?;
        let Settings {
            time_to_live,
            not_found_for,
            ..
        } = self.settings;
        let time = match &remembered.answer {
            Ok(_) => time_to_live,
            Err(_) => time_to_live.min(not_found_for),
        };
        (remembered.since.elapsed() < time).then_some(remembered.answer)
    }

    /// What was remembered before the outage.
    fn stale(&self, who: &Initiator, error: &DirectoryError) -> Option<User> {
        let longer = self.settings.stale_if_unavailable?;
        let remembered = self.memory.get(who)?;
        let age = remembered.since.elapsed();
        let user = remembered.answer.ok()?;
        if age >= self.settings.time_to_live.saturating_add(longer) {
            return None;
        }
        tracing::warn!(
            %error,
            principal = %who.principal(),
            age = age.as_secs(),
            "the directory is unavailable: a user is let in by what it said this many seconds ago"
        );
        observe::remembered(Remembered::Stale);
        Some(user)
    }

    /// What the directory says now, whatever is remembered.
    async fn renew(&self, who: &Initiator, asked: impl Future<Output = Answer>) -> Answer {
        let since = Instant::now();
        let answer = asked.await;
        self.memory.renew(who, &answer, since);
        answer
    }

    /// Asks the directory, or waits with whoever asks it the same.
    async fn ask(&self, who: &Initiator) -> Answer {
        let (this, key) = (self.clone(), Key::of(who));
        let questions = &self.memory.questions;
        let question = questions.ask_one(key.clone(), |asking| async move {
            // Another question may have been answered just before this one.
            if let Some(answer) = this.fresh(key.who()) {
                return asking.end(answer, |_| ());
            }
            let since = Instant::now();
            let answer = this.directory.find(key.who()).await;
            asking.end(answer, |answer| this.memory.take(key, answer, since));
        });
        question.await.unwrap_or_else(|| {
            Err(DirectoryError::unavailable().with_detail(
                "the lookup was broken off: the directory panicked, or the runtime that asked it \
                 ended",
            ))
        })
    }
}

impl<D: Directory> Directory for Cached<D> {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        match who.occasion() {
            Occasion::Ticket => {}
            // A guess must meet a lockout at once.
            Occasion::Password => {
                observe::remembered(Remembered::Password);
                return self.directory.find(who).await;
            }
            // By a directory around this one that knows of nothing but `find`.
            Occasion::Recheck => return self.renew(who, self.directory.find(who)).await,
        }
        if let Some(answer) = self.fresh(who) {
            observe::remembered(Remembered::Hit);
            return answer;
        }
        observe::remembered(Remembered::Miss);
        match self.ask(who).await {
            Err(error) if error.kind() == ErrorKind::DirectoryUnavailable => {
                self.stale(who, &error).ok_or(error)
            }
            answer => answer,
        }
    }

    async fn recheck(&self, who: &Initiator, user: &User) -> Result<User, DirectoryError> {
        self.renew(who, self.directory.recheck(who, user)).await
    }

    fn fingerprint(&self) -> Option<String> {
        self.directory.fingerprint()
    }

    fn tells_realms_apart(&self) -> bool {
        self.directory.tells_realms_apart()
    }

    fn serves(&self, realm: &str) -> bool {
        self.directory.serves(realm)
    }

    fn knows_group(&self, group: GroupKey<'_>) -> bool {
        self.directory.knows_group(group)
    }
}

impl<D> Clone for Cached<D> {
    fn clone(&self) -> Self {
        Self {
            directory: Arc::clone(&self.directory),
            memory: Arc::clone(&self.memory),
            settings: self.settings,
        }
    }
}

impl<D> fmt::Debug for Cached<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
