//! One connection to a server: made, bound, and asked.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, SearchOptions, StdStream,
};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::addresses::Names;
use self::refused_secret::RefusedSecret;
pub(super) use self::shared::{Reconnect, SharedConnection};
use super::bind::Bind;
use super::exchange::start_tls;
use super::failure::Failure;
use super::lookup::Query;
use super::outcome::Answer;
use super::pages::Page;
use super::server::{Address, Place, TlsFrom};
use super::tls::Tls;

pub(super) mod addresses;
pub(super) mod refused_secret;
mod shared;

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

impl Endpoint {
    /// The realm of the account that binds with a ticket.
    #[cfg(feature = "doctor")]
    pub(super) fn kdc_realm(&self) -> Option<&str> {
        match self.bind.as_ref()? {
            Bind::Gssapi(account) => Some(account.principal().realm()),
            Bind::Simple { .. } | Bind::External => None,
        }
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

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs() + 1).unwrap_or(i32::MAX)
}
