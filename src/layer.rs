//! [`SpnegoLayer`] and its builder.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_core::response::IntoResponse;
use http::request::Parts;
use http::uri::PathAndQuery;
use tower_layer::Layer;

use crate::basic::{Basic, BasicOver, Limits};
use crate::channel_binding::{Bindings, ChannelBinding, SharedEndPoint};
use crate::clock::Clock;
use crate::cross_site::CrossSite;
use crate::directory::{Directory, SharedDirectory};
use crate::error::{ConfigError, Error};
use crate::gate::{Gate, NoLogin, WithoutLogin};
use crate::initiator::NameMapping;
use crate::kerberos::{Acceptor, AcceptorConfig, Services, TicketStore};
use crate::login::{Logins, Policy, fingerprint};
use crate::principal::{AllowedRealms, is_deceptive};
use crate::response::Refusals;
use crate::service::Spnego;

/// A [`Layer`] that signs people in by HTTP Negotiate ([RFC 4559]) and puts the [`User`] into each
/// request.
///
/// It goes inside the session layer, so add it before that one:
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use tower_sessions::cookie::SameSite;
/// use tower_sessions::{MemoryStore, SessionManagerLayer};
/// use tower_spnego::{PrincipalOnly, SpnegoLayer, User};
///
/// # fn main() -> Result<(), tower_spnego::ConfigError> {
/// let spnego = SpnegoLayer::builder()
///     .realm("CORP.EXAMPLE.COM")
///     .hostname("intranet.corp.example.com")
///     .keytab("/etc/intranet.keytab")
///     .directory(PrincipalOnly)
///     .build()?;
///
/// let app: Router = Router::new()
///     .route("/", get(async |user: User| format!("Hello, {}", user.display_name())))
///     .layer(spnego)
///     .layer(SessionManagerLayer::new(MemoryStore::default()).with_same_site(SameSite::Lax));
/// # Ok(())
/// # }
/// ```
///
/// A clone shares the accept threads, which end when the last clone (and the last service made by
/// one) is dropped.
///
/// [RFC 4559]: https://www.rfc-editor.org/rfc/rfc4559
/// [`User`]: crate::User
#[derive(Clone)]
pub struct SpnegoLayer {
    gate: Arc<Gate>,
}

impl SpnegoLayer {
    /// Settings for a layer; realm, host name and directory have no default.
    pub fn builder() -> SpnegoLayerBuilder {
        SpnegoLayerBuilder {
            realms: Vec::new(),
            hosts: Hosts::default(),
            service_realm: None,
            keytab: None,
            replay_cache: None,
            directory: None,
            mapping: None,
            bindings: Bindings::default(),
            policy: Policy::default(),
            delegation: None,
            without_login: WithoutLogin::Always(NoLogin::Challenge),
            respects_user: false,
            refusals: Refusals::default(),
            cross_site: CrossSite::default(),
            bad_origin: None,
            accept_queue: 1024,
            accept_timeout: Duration::from_secs(10),
            basic: None,
            limits: Limits::default(),
            clock: Clock::default(),
        }
    }
}

impl<S> Layer<S> for SpnegoLayer {
    type Service = Spnego<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Spnego::new(inner, Arc::clone(&self.gate))
    }
}

impl fmt::Debug for SpnegoLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpnegoLayer")
            .field("services", &self.gate.acceptor.principals())
            .finish_non_exhaustive()
    }
}

/// Makes a [`SpnegoLayer`]; from [`SpnegoLayer::builder`].
#[must_use]
pub struct SpnegoLayerBuilder {
    realms: Vec<String>,
    hosts: Hosts,
    service_realm: Option<String>,
    keytab: Option<PathBuf>,
    replay_cache: Option<PathBuf>,
    directory: Option<SharedDirectory>,
    mapping: Option<NameMapping>,
    bindings: Bindings,
    policy: Policy,
    delegation: Option<TicketStore>,
    without_login: WithoutLogin,
    respects_user: bool,
    refusals: Refusals,
    cross_site: CrossSite,
    bad_origin: Option<ConfigError>,
    accept_queue: usize,
    accept_timeout: Duration,
    basic: Option<BasicOver>,
    limits: Limits,
    clock: Clock,
}

impl SpnegoLayerBuilder {
    /// Lets the principals of this realm sign in; those of every other are refused. Realms are
    /// compared to the letter, and are written in upper case nearly everywhere.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realms.push(realm.into());
        self
    }

    /// Lets the principals of several realms sign in. A name is then unique only with its realm:
    /// the directory must tell `alice@A` from `alice@B`.
    pub fn realms<R: Into<String>>(mut self, realms: impl IntoIterator<Item = R>) -> Self {
        self.realms.extend(realms.into_iter().map(Into::into));
        self
    }

    /// The name by which browsers open the site. The service's principal (SPN) is
    /// `HTTP/<hostname>`, in lower case as browsers ask for it.
    ///
    /// A ticket for it counts whatever `Host` a request names, as where a browser looks up an alias
    /// and asks for a ticket for the true name. Over plain http that lets a page of another name in
    /// the browser's trusted zone, which points here, act as the person who has it open:
    /// [`hostnames`](Self::hostnames) shuts it out.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hosts.names.push(hostname.into());
        self
    }

    /// The names by which browsers open the site, each with a key for `HTTP/<hostname>` in the
    /// keytab. A ticket counts only in a request to the host that it is for: the one that `Host`
    /// names, which a proxy must pass on unchanged.
    pub fn hostnames<H: Into<String>>(mut self, hostnames: impl IntoIterator<Item = H>) -> Self {
        self.hosts
            .names
            .extend(hostnames.into_iter().map(Into::into));
        self.hosts.checked = true;
        self
    }

    /// Accepts tickets for any principal of the keytab (of [one realm](Self::service_realm)), and
    /// says that all of them are one trust domain: whoever holds one of these keys, another
    /// application, say, can forward a token that a person sent there to this site, and is taken
    /// for the person. In place of [`hostname`](Self::hostname).
    pub fn whole_keytab_is_one_trust_domain(mut self) -> Self {
        self.hosts.any = true;
        self
    }

    /// The realm of the service's own principal, where the keytab has keys for the SPN in several.
    /// It need not be one whose principals may sign in.
    pub fn service_realm(mut self, realm: impl Into<String>) -> Self {
        self.service_realm = Some(realm.into());
        self
    }

    /// The keytab with the SPN's key. Without it, the system's default keytab: `KRB5_KTNAME`, else
    /// `default_keytab_name` of krb5.conf, else `/etc/krb5.keytab`.
    ///
    /// A new key in it counts within a second, with no restart. While the file is missing or
    /// broken, the last good keys stay in use, and the log says so.
    pub fn keytab(mut self, path: impl Into<PathBuf>) -> Self {
        self.keytab = Some(path.into());
        self
    }

    /// A folder for the replay cache, made with mode 0700 where it is missing. Neither it nor what
    /// is above it may be another user's to write. Without it, the
    /// cache is MIT Kerberos's own in `/var/tmp`, which any local user can block by making a file
    /// of its name first. It can't be turned off: it is what refuses a stolen token.
    pub fn replay_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.replay_cache = Some(folder.into());
        self
    }

    /// Where the user behind a principal is found: an `LdapDirectory`,
    /// [`PrincipalOnly`](crate::PrincipalOnly), or one of your own.
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.directory = Some(SharedDirectory::new(directory));
        self
    }

    /// What a principal's name becomes before the directory is asked. Unless said otherwise, it
    /// loses its realm where one realm is allowed, and keeps it where several are.
    pub fn name_mapping(mut self, mapping: NameMapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// Whether a token must be bound to the TLS connection that it comes over. [`Off`] unless said
    /// otherwise.
    ///
    /// What clients should be bound to is the [`ServerEndPoint`] in the request's extensions, else
    /// the layer's own [`server_end_point`](Self::server_end_point). Where there is neither, as
    /// over plain HTTP, every client that sends a binding is refused.
    ///
    /// [`Off`]: ChannelBinding::Off
    /// [`ServerEndPoint`]: crate::ServerEndPoint
    pub fn channel_binding(mut self, policy: ChannelBinding) -> Self {
        self.bindings.policy = policy;
        self
    }

    /// The TLS server that clients see: its own certificate's, or that of a TLS terminator in front
    /// of this server. A [`SharedEndPoint`] can be replaced when the certificate is renewed.
    pub fn server_end_point(mut self, end_point: impl Into<SharedEndPoint>) -> Self {
        self.bindings.end_point = Some(end_point.into());
        self
    }

    /// Ends a login this long after the sign-in, or at the ticket's end if that is earlier. 600
    /// minutes unless said otherwise. The rest of the session stays, and a browser with a ticket is
    /// signed in again unseen, under the same session id: who stole the cookie is shut out only
    /// until then.
    pub fn expire_login(mut self, after: Duration) -> Self {
        self.policy.limit = Some(after);
        self
    }

    /// Lets a login last as long as its session, whatever the ticket's end.
    pub fn never_expire_login(mut self) -> Self {
        self.policy.limit = None;
        self
    }

    /// Lets a login last beyond the ticket's end, up to the limit of
    /// [`expire_login`](Self::expire_login).
    pub fn outlive_ticket(mut self) -> Self {
        self.policy.outlive_ticket = true;
        self
    }

    /// Calls the handler also for requests without a login, and leaves the challenge to it: where
    /// an extractor asks for a [`User`](crate::User) that is not there, the answer is the layer's
    /// own 401 (which, unlike the layer's other refusals, does not read the request's body first);
    /// `Option<User>` is `None`.
    ///
    /// A part of the application may have a second, stricter layer inside: with the same realms,
    /// host names, channel binding and directory, because a token counts once. An own directory without a
    /// [fingerprint](Directory::fingerprint) is the same only as one
    /// [`SharedDirectory`].
    ///
    /// Where handlers serve people and nobody alike, and a sign-in fails with a 5xx, what the
    /// handler saved itself of the session stays under the id from before.
    pub fn optional(mut self) -> Self {
        self.without_login = WithoutLogin::Always(NoLogin::PassAsNobody);
        self
    }

    /// Decides for each request that has neither credentials nor a login: a challenge, on to the
    /// handler as nobody's, or 403. In place of [`optional`](Self::optional).
    ///
    /// ```
    /// use http::Method;
    /// use tower_spnego::{NoLogin, SpnegoConnection, SpnegoLayer};
    ///
    /// let builder = SpnegoLayer::builder().without_login(|request| {
    ///     let peer = SpnegoConnection::of(&request.extensions).and_then(SpnegoConnection::peer);
    ///     if request.method == Method::OPTIONS
    ///         && request.headers.contains_key("access-control-request-method")
    ///     {
    ///         NoLogin::PassAsNobody // a CORS preflight, for a CORS layer inside
    ///     } else if request.uri.path().starts_with("/api/") {
    ///         NoLogin::PassAsNobody // it has a second way in
    ///     } else if peer.is_some_and(|peer| peer.ip().is_loopback()) {
    ///         NoLogin::Forbid // the health check needs no challenge
    ///     } else {
    ///         NoLogin::Challenge
    ///     }
    /// });
    /// ```
    pub fn without_login(
        mut self,
        rule: impl Fn(&Parts) -> NoLogin + Send + Sync + 'static,
    ) -> Self {
        self.without_login = WithoutLogin::Ask(Arc::new(rule));
        self
    }

    /// Respects a [`User`](crate::User) whom a layer further out has put into the request's
    /// extensions, as one that checks API keys: the request goes to the handler as that user's,
    /// whatever else it brings. It has no [`Login`](crate::Login), and writes none.
    pub fn respect_user(mut self) -> Self {
        self.respects_user = true;
        self
    }

    /// Sends no word of Negotiate beside the refusal of a token: 403 in place of 401 and the reject
    /// token. For an application with a second way in that its refusal page leads to. Where
    /// [`basic`](Self::basic) is offered, that is the second way: 401, with its challenge alone.
    pub fn negotiate_once(mut self) -> Self {
        self.refusals.negotiate_once = true;
        self
    }

    /// Makes the page of every refusal out of the request and the error. Of what it answers the
    /// body and the headers count; the status, `WWW-Authenticate` and `Cache-Control` stay the
    /// layer's, and so does a `Retry-After` that it leaves out.
    ///
    /// The error says more than a stranger should read: show its
    /// [`kind`](crate::Error::kind)'s status, and an advice of your own.
    ///
    /// ```
    /// use axum::response::Html;
    /// use tower_spnego::SpnegoLayer;
    ///
    /// let builder = SpnegoLayer::builder().refusal_page(|request, error| {
    ///     let path = if request.uri.path().starts_with("/de/") { "de" } else { "en" };
    ///     Html(format!("<p lang={path}>{}</p>", error.kind().status()))
    /// });
    /// ```
    pub fn refusal_page<R: IntoResponse>(
        mut self,
        page: impl Fn(&Parts, &Error) -> R + Send + Sync + 'static,
    ) -> Self {
        self.refusals.page = Some(Arc::new(move |request, error| {
            page(request, error).into_response()
        }));
        self
    }

    /// Takes the ticket that a client forwards (delegation, RFC 4121 section 4.1.1), and gives it
    /// to handlers as a [`DelegatedTicket`](crate::DelegatedTicket): a ticket cache in this
    /// process's memory. Without it such a ticket is dropped.
    ///
    /// With it the application can act as the person everywhere, not only here, until the ticket
    /// ends. It is stored only once the person has been admitted.
    pub fn accept_delegation(mut self) -> Self {
        self.delegation = Some(TicketStore::Memory);
        self
    }

    /// As [`accept_delegation`](Self::accept_delegation), with the ticket caches in files, for
    /// programs that the application starts.
    ///
    /// The folder is made with mode 0700 where it is missing; neither it nor what is above it may
    /// be another user's to write. In it each layer has a folder of its own, locked while it is in
    /// use, so that several layers and processes can share one; the files have mode 0600. What a
    /// process that was killed left behind is removed when the next layer starts.
    pub fn accept_delegation_into(mut self, folder: impl Into<PathBuf>) -> Self {
        self.delegation = Some(TicketStore::Folder(folder.into()));
        self
    }

    /// Lets pages of this origin, such as `https://portal.example.com`, send requests that change
    /// something. Whatever such a page sends runs as the person who has it open. For requests by
    /// script the page needs CORS, too; its layer goes outside of this one, so that preflights are
    /// not challenged.
    pub fn allow_origin(mut self, origin: impl AsRef<str>) -> Self {
        if let Err(error) = self.cross_site.allow_origin(origin.as_ref()) {
            self.bad_origin.get_or_insert(error);
        }
        self
    }

    /// Lets every site's pages send requests that change something.
    ///
    /// Negotiate is ambient: a browser signs in whatever it sends, a form on a stranger's page
    /// included, and no `SameSite` cookie hinders it. Only for an application that guards itself.
    pub fn dangerously_allow_cross_site(mut self) -> Self {
        self.cross_site.disable();
        self
    }

    /// How many tokens may wait for an accept thread: 1,024 unless said otherwise. One more is
    /// answered 503.
    pub fn accept_queue(mut self, length: usize) -> Self {
        self.accept_queue = length;
        self
    }

    /// How long a request waits for an accept thread before it is answered 503: 10 seconds unless
    /// said otherwise.
    pub fn accept_timeout(mut self, timeout: Duration) -> Self {
        self.accept_timeout = timeout;
        self
    }

    /// Lets people without a ticket sign in by user name and password: Basic ([RFC 7617]), offered
    /// beside Negotiate. Off unless asked for, and for good reason: whoever runs this site then
    /// sees passwords.
    ///
    /// Where [`BasicOver`] says that a request did not come over TLS, Basic is neither offered nor
    /// read.
    ///
    /// A user name is `name@REALM`, of a realm that is allowed, or the name alone: of the one
    /// realm, or of the service's own where several are allowed. The KDC (of `krb5.conf`) checks
    /// the password, and must prove by a ticket for our own SPN that it is the realm's. With
    /// [`whole_keytab_is_one_trust_domain`](Self::whole_keytab_is_one_trust_domain) that is
    /// `HTTP/` and the request's host.
    ///
    /// A browser sends the password with every request. One that the session's login was made by
    /// rides on the login, and nobody is asked, until the login ends. It is known by a keyed hash
    /// in the session, whose key each process makes anew: after a restart, and on another server
    /// of a cluster, the KDC is asked again.
    ///
    /// [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617
    pub fn basic(mut self, over: BasicOver) -> Self {
        self.basic = Some(over);
        self
    }

    /// How many wrong passwords an account may have in a span of time before the KDC is asked no
    /// more about it (429): 4 in 30 minutes unless said otherwise, for a domain often locks an
    /// account at the fifth, and then anybody could lock anybody out. A right password clears the
    /// count. Keep it below the domain's threshold, together with all other servers'. Where
    /// `krb5.conf` (`primary_kdc`, `master_kdc`) or DNS (`_kerberos-master`) names a primary KDC,
    /// halve it: libkrb5 asks that, too, about a password that another has called wrong, and the
    /// domain counts both.
    ///
    /// An address (of IPv6 its network of 64 bits) may have ten times as many, for all accounts. It
    /// is the client's only where the request has a [`SpnegoConnection`](crate::SpnegoConnection)
    /// and [`BasicOver`] knows the proxies; without an address, accounts alone are counted.
    pub fn basic_failures(mut self, count: usize, window: Duration) -> Self {
        self.limits.failures = count;
        self.limits.window = window;
        self
    }

    /// How many passwords are checked at once, each on a thread of its own: 8 unless said
    /// otherwise. An address has half of them at most, an account one.
    pub fn basic_checks(mut self, at_once: usize) -> Self {
        self.limits.checks = at_once;
        self
    }

    /// How long a password's check may take, with all its waiting, before the answer is 503: 10
    /// seconds unless said otherwise. A KDC that does not answer holds the check's thread for as
    /// long as libkrb5 waits for it, and so the layer's drop.
    pub fn basic_timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// A path such as `/sign-in` where people sign in, whatever came before: a request to it is
    /// challenged in optional mode, too, and after a logout. Its handler typically redirects.
    ///
    /// After the [logout](crate::Login::logout) of a login made by a password, the session ignores
    /// the password that the browser still sends, and has no challenge: the answer is 403, with a
    /// page that links to this path. Without one there is no way back but a new session.
    ///
    /// It is compared with the path that the layer sees, which inside of axum's `nest` lacks the
    /// beginning.
    pub fn sign_in_path(mut self, path: impl Into<String>) -> Self {
        self.refusals.sign_in_path = Some(path.into().into());
        self
    }

    /// Replaces the clock by which logins expire, for tests.
    #[cfg(feature = "testing")]
    pub fn clock(
        mut self,
        now: impl Fn() -> std::time::SystemTime + Send + Sync + 'static,
    ) -> Self {
        self.clock = Clock::new(now);
        self
    }

    /// Checks the settings, the keytab and the replay cache, and starts the accept threads. It asks
    /// no DNS, KDC or directory: an application starts while they are down.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] whose text says what to mend.
    pub fn build(self) -> Result<SpnegoLayer, ConfigError> {
        if self.realms.is_empty() {
            return Err(ConfigError::NoRealm);
        }
        if let Some(realm) = self
            .realms
            .iter()
            .chain(&self.service_realm)
            .find(|realm| !is_realm(realm))
        {
            return Err(ConfigError::BadRealm(realm.clone()));
        }
        let services = self.hosts.services()?;
        let by_host = matches!(services, Services::Hosts(_)).then_some("Host");
        if self.policy.limit.is_some_and(|limit| limit.is_zero()) {
            return Err(ConfigError::ZeroExpiry);
        }
        if let Some(error) = self.bad_origin {
            return Err(error);
        }
        if let Some(path) = self.refusals.sign_in_path.as_deref()
            && !is_path(path)
        {
            return Err(ConfigError::BadSignInPath(path.to_owned()));
        }
        let directory = self.directory.ok_or(ConfigError::NoDirectory)?;
        if self.bindings.policy == ChannelBinding::Off && self.bindings.end_point.is_some() {
            return Err(ConfigError::EndPointUnused);
        }
        let realms = AllowedRealms::new(self.realms);
        match self.mapping {
            Some(mapping) => mapping.check(&realms)?,
            None if realms.is_single() || directory.tells_realms_apart() => {}
            None => return Err(ConfigError::RealmsNotToldApart),
        }
        let acceptor = Acceptor::start(AcceptorConfig {
            services,
            service_realm: self.service_realm,
            keytab: self.keytab,
            replay_cache: self.replay_cache,
            queue: self.accept_queue,
            patience: self.accept_timeout,
            local_name: self.mapping == Some(NameMapping::AuthToLocal),
            delegation: self.delegation,
            bound_only: self.bindings.policy == ChannelBinding::Required,
        })?;
        for principal in acceptor.principals() {
            if let Some((_, own)) = principal.rsplit_once('@')
                && let Some(realm) = realms.in_other_case(own)
            {
                return Err(ConfigError::RealmInOtherCase {
                    realm: realm.to_owned(),
                    own: own.to_owned(),
                });
            }
        }
        let basic = match self.basic {
            Some(over) => {
                let site = acceptor.site();
                Some(Basic::start(over, self.limits, site, self.clock.clone())?)
            }
            None => None,
        };
        tracing::info!(
            services = ?acceptor.principals(),
            realms = ?realms.iter().collect::<Vec<_>>(),
            "people can sign in"
        );
        let mapping = self.mapping.map(|mapping| format!("{mapping:?}"));
        // What a layer asks of a token beyond a ticket, another one's sign-in does not stand for.
        let binding = self.bindings.policy;
        let binding = (binding != ChannelBinding::Off).then(|| format!("{binding:?}"));
        let made_by: Arc<str> = fingerprint(
            realms
                .iter()
                .chain(mapping.as_deref())
                .chain(binding.as_deref())
                .chain(by_host)
                .chain(acceptor.principals().iter().map(String::as_str))
                .chain(directory.fingerprint().as_deref()),
        )
        .into();
        Ok(SpnegoLayer {
            gate: Arc::new(Gate {
                logins: Logins::new(self.policy, realms.clone(), made_by, self.clock),
                cross_site: self.cross_site,
                basic,
                acceptor,
                realms,
                mapping: self.mapping,
                bindings: self.bindings,
                directory,
                without_login: self.without_login,
                respects_user: self.respects_user,
                refusals: self.refusals,
            }),
        })
    }
}

impl fmt::Debug for SpnegoLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpnegoLayerBuilder")
            .field("realms", &self.realms)
            .field("hostnames", &self.hosts.names)
            .field("keytab", &self.keytab)
            .finish_non_exhaustive()
    }
}

/// Which hosts' tickets count.
#[derive(Default)]
struct Hosts {
    names: Vec<String>,
    /// A ticket must be for the host of its request.
    checked: bool,
    any: bool,
}

impl Hosts {
    fn services(self) -> Result<Services, ConfigError> {
        if let Some(name) = self.names.iter().find(|name| !is_hostname(name)) {
            return Err(ConfigError::BadHostname(name.clone()));
        }
        let mut names: Vec<_> = self
            .names
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        names.sort();
        names.dedup();
        match (self.any, names.as_slice()) {
            (true, []) => Ok(Services::WholeKeytab),
            (true, _) => Err(ConfigError::HostnameBesideWholeKeytab),
            (false, []) => Err(ConfigError::NoHostname),
            (false, [_]) if !self.checked => Ok(Services::Host(names.remove(0))),
            (false, _) => Ok(Services::Hosts(names)),
        }
    }
}

fn is_realm(realm: &str) -> bool {
    !realm.is_empty() && !realm.contains(['@', '/', '\\', ' ']) && !realm.contains(is_deceptive)
}

/// A path of this site, as a link on its pages may have it.
fn is_path(path: &str) -> bool {
    let parsed = path.parse::<PathAndQuery>();
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && parsed.is_ok_and(|parsed| parsed.path() == path)
}

/// A host name by RFC 1123 section 2.1, and the underscore that Windows allows.
fn is_hostname(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_has_no_scheme_port_or_path() {
        for name in [
            "localhost",
            "intranet.corp.example.com",
            "WEB_1.corp",
            "10.0.0.1",
        ] {
            assert!(is_hostname(name), "{name}");
        }
        for name in [
            "",
            ".",
            "a..b",
            "intranet.",
            "https://intranet",
            "intranet:8080",
            "intranet/x",
            "-a",
            "a-",
            "in tranet",
            "intränet",
            "[::1]",
            "HTTP/intranet",
        ] {
            assert!(!is_hostname(name), "{name}");
        }
        assert!(!is_hostname(&"a".repeat(64)));
        assert!(!is_hostname(&["abcdefg"; 32].join(".")));
    }

    #[test]
    fn a_path_is_one_of_this_site() {
        for path in ["/", "/sign-in", "/a/b.html"] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "",
            "sign-in",
            "//evil.example",
            r"/\evil.example",
            "https://evil.example/",
            "/sign in",
            "/sign-in?again",
            "/sign-in#here",
        ] {
            assert!(!is_path(path), "{path}");
        }
    }

    #[test]
    fn a_realm_has_no_separator() {
        assert!(is_realm("CORP.EXAMPLE.COM"));
        for realm in ["", "@CORP", "CORP/X", r"CO\RP", "CORP EXAMPLE", "CORP\n"] {
            assert!(!is_realm(realm), "{realm:?}");
        }
    }
}
