//! One connection that all requests share, made anew when it is lost.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, SearchOptions, StdStream,
};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use self::addresses::Names;
use self::refused_secret::RefusedSecret;
use super::bind::Bind;
use super::exchange::start_tls;
use super::failure::Failure;
use super::lookup::Query;
use super::outcome::Answer;
use super::pages::Page;
use super::pause::{Pauses, jittered};
use super::server::{Address, Place, TlsFrom};
use super::tls::Tls;

pub(super) mod addresses;
pub(super) mod refused_secret;

/// Firewalls forget a connection that nobody uses, and tell neither end: the next search would wait
/// for nothing.
const IDLE: Duration = Duration::from_secs(120);

/// Between attempts to connect to a server that is down.
const RECONNECT: Pauses = Pauses {
    first: Duration::from_millis(50),
    factor: 2,
    longest: Duration::from_secs(1),
};

/// How to reach the server and whom to be there.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    pub(super) tls: Option<Arc<Tls>>,
    /// Who knows the address of its host.
    pub(super) names: Names,
    /// None is anonymous, which a connection is from the start (RFC 4513 section 4).
    pub(super) bind: Option<Bind>,
    /// What became of the last bind, on whichever server.
    pub(super) refused_secret: Arc<RefusedSecret>,
    /// How long a connection serves.
    pub(super) connection_age: Duration,
}

/// The connection of an [`Endpoint`].
pub(super) struct SharedConnection {
    endpoint: Endpoint,
    slot: Mutex<Option<Kept>>,
    /// Held while connecting, so that a burst of requests makes one connection. What comes about is
    /// put into the slot when it is whole; a request that gives up leaves nothing behind.
    connecting: tokio::sync::Mutex<Option<Failed>>,
}

struct Kept {
    connection: Arc<Connection>,
    used: Instant,
    /// When it has served long enough.
    ends: Instant,
}

/// The last attempt to connect.
struct Failed {
    failure: Failure,
    /// How often in a row.
    times: u32,
    at: Instant,
    /// When to try again.
    again: Instant,
}

/// How a server that was down a moment ago is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reconnect {
    /// Not yet: another server may answer sooner.
    Later,
    /// After a pause, since there is no other.
    Wait,
}

impl SharedConnection {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            slot: Mutex::new(None),
            connecting: tokio::sync::Mutex::new(None),
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A connection that turns out to be lost is made anew, once.
    pub(super) async fn search(
        &self,
        query: &Query<'_>,
        deadline: Instant,
        reconnect: Reconnect,
    ) -> Result<Answer, Failure> {
        let time = rounded(deadline.saturating_duration_since(Instant::now()));
        match self.attempt(query, deadline, reconnect).await {
            // The loss of a connection shows when it is used: a server may have restarted since.
            Err(Failure::Lost(_)) => self.attempt(query, deadline, reconnect).await,
            first => first,
        }
        .map_err(|failure| match failure {
            Failure::TimedOut(_) => Failure::TimedOut(time),
            other => other,
        })
    }

    async fn attempt(
        &self,
        query: &Query<'_>,
        deadline: Instant,
        reconnect: Reconnect,
    ) -> Result<Answer, Failure> {
        let timed_out = |_| Failure::TimedOut(Duration::ZERO);
        let connection = timeout_at(deadline, self.connection(reconnect))
            .await
            .map_err(timed_out)??;
        let answer = timeout_at(deadline, connection.search(query, deadline))
            .await
            .unwrap_or_else(|elapsed| Err(timed_out(elapsed)));
        if answer.is_err() {
            self.forget(&connection);
        }
        answer
    }

    /// Connects, if there is no connection.
    pub(super) async fn connection(
        &self,
        reconnect: Reconnect,
    ) -> Result<Arc<Connection>, Failure> {
        if let Some(connection) = self.kept() {
            return Ok(connection);
        }
        let arrived = Instant::now();
        let mut failed = self.connecting.lock().await;
        if let Some(connection) = self.kept() {
            return Ok(connection);
        }
        if let Some(failed) = &*failed {
            // Whoever waited for an attempt has its outcome too.
            if failed.at >= arrived
                || (reconnect == Reconnect::Later && Instant::now() < failed.again)
            {
                return Err(failed.failure.clone());
            }
            sleep_until(failed.again).await;
        }
        match self.open().await {
            Ok(connection) => {
                *failed = None;
                Ok(connection)
            }
            Err(failure) => {
                let times = failed.as_ref().map_or(0, |failed| failed.times) + 1;
                let at = Instant::now();
                *failed = failure.is_the_servers().then(|| Failed {
                    failure: failure.clone(),
                    times,
                    at,
                    again: at + RECONNECT.after(times),
                });
                Err(failure)
            }
        }
    }

    async fn open(&self) -> Result<Arc<Connection>, Failure> {
        let secret = self.endpoint.bind.as_ref().map(Bind::secret);
        let attempt = self.endpoint.refused_secret.attempt(secret)?;
        let opened = Connection::open(&self.endpoint).await;
        attempt.ended(&opened);
        let connection = Arc::new(opened?);
        let now = Instant::now();
        *self.lock() = Some(Kept {
            connection: connection.clone(),
            used: now,
            ends: now + jittered(self.endpoint.connection_age),
        });
        Ok(connection)
    }

    fn kept(&self) -> Option<Arc<Connection>> {
        let mut slot = self.lock();
        let kept = slot.as_mut()?;
        let now = Instant::now();
        if kept.connection.is_over() || kept.used + IDLE < now || kept.ends < now {
            *slot = None;
            return None;
        }
        kept.used = now;
        Some(kept.connection.clone())
    }

    fn forget(&self, lost: &Arc<Connection>) {
        let mut slot = self.lock();
        if slot
            .as_ref()
            .is_some_and(|kept| Arc::ptr_eq(&kept.connection, lost))
        {
            *slot = None;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Kept>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Connection {
    ldap: Ldap,
    driver: Driver,
    /// When what it was bound by ends.
    until: Option<Instant>,
}

/// The task that reads and writes the socket; it ends with the connection.
struct Driver(JoinHandle<()>);

impl Driver {
    fn of(connection: LdapConnAsync) -> Self {
        Self(tokio::spawn(drive(connection)))
    }
}

async fn drive(connection: LdapConnAsync) {
    if let Err(error) = connection.drive().await {
        tracing::debug!(%error, "the connection to the LDAP server broke");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, Failure> {
        #[cfg(feature = "ldap-gssapi")]
        if let (Some(Bind::Gssapi(account)), Place::Network { host, port }) =
            (&endpoint.bind, endpoint.address.place())
        {
            return Self::open_by_gssapi(endpoint, (host, *port), account).await;
        }
        let address = &endpoint.address;
        let stream = connect(endpoint).await?;
        let url = match address.tls() {
            // Done already.
            TlsFrom::StartTls => address.ldaps_url().ok_or(Failure::Garbled)?,
            TlsFrom::TheStart | TlsFrom::Never => address.url().clone(),
        };
        let mut settings = LdapConnSettings::new().set_std_stream(stream);
        if let Some(tls) = &endpoint.tls {
            settings = settings.set_config(tls.config());
        }
        let (connection, ldap) = LdapConnAsync::from_url_with_settings(settings, &url)
            .await
            .map_err(|error| Failure::Connect(error.into()))?;
        let driver = Driver::of(connection);
        if let Some(bind) = &endpoint.bind {
            bind.on(&ldap).await?;
        }
        Ok(Self {
            ldap,
            driver,
            until: None,
        })
    }

    #[cfg(feature = "ldap-gssapi")]
    async fn open_by_gssapi(
        endpoint: &Endpoint,
        (host, port): (&str, u16),
        account: &Arc<crate::kerberos::Account>,
    ) -> Result<Self, Failure> {
        let stream = dial(endpoint, host, port).await.map_err(Failure::io)?;
        let tls = endpoint.tls.as_deref();
        let tls = tls.map(|tls| (tls, endpoint.address.tls()));
        let bound = super::gssapi::bind(stream, host, tls, account).await?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(bound.stream));
        let (connection, ldap) = LdapConnAsync::with_settings(settings, "ldapi:///")
            .await
            .map_err(|error| Failure::Connect(error.into()))?;
        let driver = tokio::spawn(async move {
            let passing_on = async {
                bound.passing_on.run().await;
                // ldap3 sees that, and ends too.
                std::future::pending().await
            };
            tokio::select! {
                () = drive(connection) => {}
                () = passing_on => {}
            }
        });
        Ok(Self {
            ldap,
            driver: Driver(driver),
            until: bound.until,
        })
    }

    /// Whether the driver has ended, with the server or with the runtime it was on, or the ticket
    /// that it was bound by.
    fn is_over(&self) -> bool {
        self.driver.0.is_finished() || self.until.is_some_and(|until| until <= Instant::now())
    }

    /// All pages of it, which only this connection can go on with.
    pub(super) async fn search(
        &self,
        query: &Query<'_>,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        let mut page = Page::first(query);
        loop {
            let result = self.ask(query, &page, deadline, &mut answer).await?;
            answer.code = result.rc;
            match page.next(&result).map_err(|_| Failure::Garbled)? {
                Some(_) if answer.is_cut => return Ok(answer),
                Some(next) => page = next,
                None => {
                    answer.text = result.text;
                    return Ok(answer);
                }
            }
        }
    }

    async fn ask(
        &self,
        query: &Query<'_>,
        page: &Page,
        deadline: Instant,
        answer: &mut Answer,
    ) -> Result<LdapResult, Failure> {
        let options = SearchOptions::new()
            .sizelimit(page.size_limit(query))
            .timelimit(seconds(deadline.saturating_duration_since(Instant::now())));
        let mut stream = self
            .ldap
            .clone()
            .with_search_options(options)
            .with_controls(page.controls())
            .streaming_search(query.base, query.scope, query.filter, query.attributes)
            .await
            .map_err(lost)?;
        while let Some(item) = stream.next().await.map_err(lost)? {
            if item.is_ref() {
                answer.refers_elsewhere = true;
            } else if item.is_intermediate() {
                continue;
            } else if answer.entries.len() < query.limit.into() {
                answer.entries.push(item.0);
            } else {
                answer.is_cut = true;
            }
        }
        Ok(stream.finish().await)
    }
}

/// With StartTLS, what follows on it is TLS.
async fn connect(endpoint: &Endpoint) -> Result<StdStream, Failure> {
    match endpoint.address.place() {
        Place::Network { host, port } => {
            let mut stream = dial(endpoint, host, *port).await.map_err(Failure::io)?;
            if endpoint.address.tls() == TlsFrom::StartTls {
                start_tls(&mut stream).await?;
            }
            stream.into_std().map(StdStream::Tcp)
        }
        Place::Socket(path) => {
            let stream = UnixStream::connect(path).await.map_err(Failure::io)?;
            stream.into_std().map(StdStream::Unix)
        }
    }
    .map_err(Failure::io)
}

/// ldap3's own sockets lack TCP_NODELAY, which costs 40 ms for a bind over TLS.
pub(super) async fn dial(endpoint: &Endpoint, host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = endpoint.names.connect(host, port).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn lost(error: LdapError) -> Failure {
    Failure::Lost(error.into())
}

/// As a person would say it.
fn rounded(time: Duration) -> Duration {
    let hundredths = (time.as_millis() + 5) / 10;
    Duration::from_millis(
        u64::try_from(hundredths)
            .unwrap_or(u64::MAX)
            .saturating_mul(10),
    )
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs() + 1).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
