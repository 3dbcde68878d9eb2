//! Why a request was refused ([`Error`]), and why a layer can't start ([`ConfigError`]).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use http::StatusCode;

use crate::explain::{Explanation, export_commands};
use crate::principal::printable;

/// How much of a detail is kept, in characters.
const MAX_DETAIL: usize = 1_000;

/// Why a request was refused or could not be served.
///
/// It is in the extensions of the response that the client got, so that layers further out can
/// count or log it; the body never says more than the status does.
///
/// `Display` is one line for the log, with the cause and, where the set-up is at fault, the mend:
/// the text of the [`explanation`](Self::explanation), where there is one. What it quotes of a
/// stranger's token has its control characters escaped; it never holds a token or a password.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    explanation: Option<Explanation>,
    detail: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                explanation: None,
                detail: None,
                source: None,
            }),
        }
    }

    pub(crate) fn with_detail(mut self, detail: impl AsRef<str>) -> Self {
        // GSSAPI's texts quote the names of a stranger's token, as long as they are.
        let detail = detail.as_ref();
        let end = detail.char_indices().nth(MAX_DETAIL);
        let end = end.map_or(detail.len(), |(end, _)| end);
        let mut shown = printable(detail.get(..end).unwrap_or(detail));
        if end < detail.len() {
            shown.push('…');
        }
        Arc::make_mut(&mut self.inner).detail = Some(shown);
        self
    }

    pub(crate) fn explained(mut self, explanation: impl Into<Option<Explanation>>) -> Self {
        Arc::make_mut(&mut self.inner).explanation = explanation.into();
        self
    }

    /// Has more said by the explanation that it has.
    pub(crate) fn map_explanation(self, more: impl FnOnce(Explanation) -> Explanation) -> Self {
        let explanation = self.inner.explanation.clone();
        match explanation {
            Some(explanation) => self.explained(more(explanation)),
            None => self,
        }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.inner).source = Some(Arc::new(source));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Who can mend it.
    pub fn fault(&self) -> Fault {
        self.inner.kind.fault()
    }

    /// What was seen, what it means, and the commands that mend it: of a token that was refused, and
    /// of a ticket that lets nobody in for its realm or for want of a PAC.
    ///
    /// ```
    /// use tower_spnego::{Error, explain::Cause};
    ///
    /// fn is_keytab_outdated(error: &Error) -> bool {
    ///     error.explanation().is_some_and(|why| why.kind() == Cause::KvnoTooNew)
    /// }
    /// ```
    pub fn explanation(&self) -> Option<&Explanation> {
        self.inner.explanation.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.explanation {
            Some(explanation) => write!(f, "{explanation}")?,
            None => f.write_str(self.inner.kind.message())?,
        }
        match &self.inner.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("explanation", &self.inner.explanation)
            .field("detail", &self.inner.detail)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner
            .source
            .as_ref()
            .map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}

/// Who can mend an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The client: no ticket, a broken token, a person who may not sign in.
    Client,
    /// The set-up: keytab, SPN, clock, layers in the wrong order.
    Setup,
    /// The directory.
    Directory,
    /// The KDC, for passwords.
    Kdc,
    /// The session store.
    SessionStore,
    /// This server: too busy, or a defect of ours.
    Server,
}

macro_rules! error_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident => $status:ident, $fault:ident, $message:literal;)+) => {
        /// The kind of an [`Error`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl ErrorKind {
            /// The status that the client gets. Where
            /// [`negotiate_once`](crate::SpnegoLayerBuilder::negotiate_once) is chosen, and Basic
            /// is not offered, a refused token has 403 in place of 401.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)+ }
            }

            /// Who can mend it.
            pub fn fault(self) -> Fault {
                match self { $(Self::$kind => Fault::$fault,)+ }
            }

            /// As its `Debug` has it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind),)+ }
            }

            fn message(self) -> &'static str {
                match self { $(Self::$kind => $message,)+ }
            }
        }
    };
}

error_kinds! {
    /// An unsafe request or a WebSocket upgrade came from another site.
    CrossSite => FORBIDDEN, Client, "a request that changes something came from another site; if \
        that site is yours, name it with allow_origin()";
    /// There are no credentials and no login.
    NoCredentials => UNAUTHORIZED, Client, "no credentials";
    /// There is no login, and no challenge either: the rule of
    /// [`without_login`](crate::SpnegoLayerBuilder::without_login) forbids it, or a handler has asked
    /// for one in a request that has brought credentials already.
    NotChallenged => FORBIDDEN, Client, "no challenge is sent here: the rule of without_login() \
        forbids it, or the request that a handler would challenge has brought credentials already";
    /// There is more than one `Authorization` header.
    SeveralAuthorizationHeaders => BAD_REQUEST, Client, "the request has more than one \
        Authorization header";
    /// What follows `Negotiate` is not base64 (RFC 4648 section 4).
    NotBase64 => UNAUTHORIZED, Client, "the Negotiate token is not base64";
    /// The token is longer than 64 KiB.
    TokenTooLong => UNAUTHORIZED, Client, "the Negotiate token is longer than 64 KiB";
    /// The client sent NTLM instead of Kerberos.
    Ntlm => UNAUTHORIZED, Client, "the client sent NTLM instead of Kerberos";
    /// The token is neither SPNEGO (RFC 4178) nor Kerberos (RFC 4121), or offers no Kerberos.
    NotKerberos => UNAUTHORIZED, Client, "the token is neither SPNEGO nor Kerberos, or offers no \
        Kerberos";
    /// The token lists more than 16 mechanisms.
    TooManyMechanisms => UNAUTHORIZED, Client, "the SPNEGO token lists more than 16 mechanisms";
    /// The token is cut off, or its lengths don't add up, or GSSAPI calls it defective.
    MalformedToken => UNAUTHORIZED, Client, "the token is malformed";
    /// The handshake goes on with the client's next request on this connection. No refusal yet.
    HandshakeGoesOn => UNAUTHORIZED, Client, "the handshake goes on with the next request";
    /// The handshake needs several requests, and nothing ties them together.
    UnfinishedHandshake => UNAUTHORIZED, Setup, "the handshake needs several requests, and \
        nothing ties this one to another";
    /// The request is for a host that is none of the layer's.
    UnknownHost => UNAUTHORIZED, Setup, "the request's Host is none of the layer's host names: \
        add it with hostnames(), and its SPN to the keytab; a proxy must pass Host on unchanged";
    /// The client's channel binding (RFC 5929) is another than this server's.
    ChannelBindingDiffers => UNAUTHORIZED, Setup, "the token is bound to another TLS \
        certificate than this server's";
    /// The client sent no channel binding, and one is required.
    ChannelBindingMissing => UNAUTHORIZED, Client, "the client sent no channel binding, and one is \
        required";
    /// The ticket can't be decrypted with our key, or its authenticator is garbled.
    WrongKey => UNAUTHORIZED, Setup, "the ticket can't be decrypted with the keytab's key";
    /// The ticket has expired.
    TicketExpired => UNAUTHORIZED, Client, "the ticket has expired";
    /// The ticket is not valid yet.
    TicketNotYetValid => UNAUTHORIZED, Client, "the ticket is not valid yet";
    /// The token was used before.
    Replay => UNAUTHORIZED, Client, "the token was used before (a replay)";
    /// The ticket is for another service than ours.
    WrongService => UNAUTHORIZED, Setup, "the ticket is for another service than this one";
    /// The client's clock and ours differ by more than the allowed skew.
    ClockSkew => UNAUTHORIZED, Setup, "the client's clock and this server's differ by more than \
        the allowed skew";
    /// The keytab lacks the ticket's key version or encryption type.
    KeyMissing => UNAUTHORIZED, Setup, "the keytab has no key of the ticket's version (kvno) or \
        encryption type";
    /// The replay cache can't be written.
    ReplayCacheUnusable => UNAUTHORIZED, Setup, "the replay cache can't be written";
    /// GSSAPI refused the token for another reason.
    TokenRefused => UNAUTHORIZED, Client, "GSSAPI refused the token";
    /// What follows `Basic` is no user name and password in UTF-8 (RFC 7617), or is longer than
    /// 1,024 bytes.
    BasicUnreadable => UNAUTHORIZED, Client, "what follows Basic is no user name and password in \
        UTF-8, or is longer than 1,024 bytes";
    /// The user name that Basic brought names no person of an allowed realm. No KDC was asked.
    BasicNameNotAllowed => UNAUTHORIZED, Client, "the user name that Basic brought may not sign in";
    /// The password is wrong, or the KDC knows no such user.
    WrongPassword => UNAUTHORIZED, Client, "the password is wrong, or there is no such user";
    /// The password has expired.
    PasswordExpired => UNAUTHORIZED, Client, "the password has expired: it must be changed before \
        it counts again";
    /// The KDC gives this account no ticket: it is locked, disabled or out of its time.
    AccountLocked => UNAUTHORIZED, Client, "the account is locked, disabled or out of its time";
    /// Too many wrong passwords for this account, or from this address: the KDC is not asked.
    TooManyFailures => TOO_MANY_REQUESTS, Client, "too many wrong passwords; the KDC is not asked \
        about this one";
    /// The KDC can't be reached, took too long, or does not serve us.
    KdcUnavailable => SERVICE_UNAVAILABLE, Kdc, "the KDC can't be reached, took too long, or does \
        not serve us: it is the one that krb5.conf (or KRB5_CONFIG) or the DNS names for the realm";
    /// The KDC took the password, and its ticket for our own service is none.
    KdcNotTrusted => SERVICE_UNAVAILABLE, Setup, "the KDC took the password, and did not prove \
        that it is the realm's: its ticket for this service does not open with the keytab's key. \
        Either somebody stands in for the KDC, or the keytab is out of date: export it again";
    /// The person has signed out of the session, which takes nothing that a browser sends by itself
    /// before they ask to sign in.
    SignedOut => FORBIDDEN, Client, "the person has signed out of this session";
    /// The ticket has no PAC (MS-PAC) that counts, and one is required.
    PacMissing => FORBIDDEN, Client, "the ticket has no PAC, which tells who the client really is on Active \
        Directory";
    /// The ticket's PAC can't be read.
    PacUnreadable => FORBIDDEN, Setup, "the ticket's PAC can't be read";
    /// The client asked to stay anonymous (RFC 8062).
    Anonymous => FORBIDDEN, Client, "the client is anonymous";
    /// The principal's realm is not allowed.
    RealmNotAllowed => FORBIDDEN, Client, "the principal's realm may not sign in here";
    /// The name is a machine's, has several components, or characters that deceive.
    NameNotAllowed => FORBIDDEN, Client, "the principal's name is not a person's";
    /// No `auth_to_local` rule makes a name of the principal.
    NoLocalName => FORBIDDEN, Setup, "no auth_to_local rule of krb5.conf makes a name of the \
        principal";
    /// The directory knows nobody by this principal.
    UserNotFound => FORBIDDEN, Client, "the directory has no such user";
    /// The directory has more than one entry for this principal.
    UserAmbiguous => FORBIDDEN, Directory, "the directory has more than one entry for this user; \
        narrow the search base or the filter";
    /// What the directory found is not the person asked for, only similar.
    UserDiffers => FORBIDDEN, Client, "the directory found somebody similar to the user, and not \
        the same";
    /// The person may not sign in.
    UserDenied => FORBIDDEN, Client, "the user may not sign in";
    /// A [`RequireGroup`](crate::RequireGroup) around the route refuses the user.
    RouteDenied => FORBIDDEN, Client, "the user may not open this route";
    /// A handler needs a forwarded ticket, and the client forwarded none.
    TicketNotForwarded => FORBIDDEN, Client, "the client forwarded no ticket: the KDC must trust \
        the service's account for delegation (ok-as-delegate), the person's tickets be \
        forwardable, and the browser be told to (Chrome and Edge by AuthNegotiateDelegateAllowlist, \
        Firefox by network.negotiate-auth.delegation-uris)";
    /// The directory can't be reached or took too long.
    DirectoryUnavailable => SERVICE_UNAVAILABLE, Directory, "the directory can't be reached, or \
        took too long";
    /// The directory does not serve us as set up.
    DirectoryMisconfigured => SERVICE_UNAVAILABLE, Directory, "the directory refuses to serve this \
        application as set up";
    /// Too many sign-ins at once.
    Busy => SERVICE_UNAVAILABLE, Server, "too many sign-ins at once";
    /// There is no session in the request.
    SessionLayerMissing => INTERNAL_SERVER_ERROR, Setup, "there is no session of tower-sessions \
        0.14 in the request: add a SessionManagerLayer outside of (after) the SpnegoLayer; one of \
        another version compiles, and does not count";
    /// A handler has called [`Login::logout`](crate::Login::logout) behind a
    /// [stateless](crate::SpnegoLayerBuilder::stateless) layer.
    NoLogout => INTERNAL_SERVER_ERROR, Setup, "there is nothing to sign out of behind a stateless() \
        layer, which signs the client in anew at each request: leave the logout out, or stateless()";
    /// What [`on_sign_in`](crate::SpnegoLayerBuilder::on_sign_in) calls has made another user of the
    /// one that it was given.
    UserChanged => INTERNAL_SERVER_ERROR, Setup, "what .on_sign_in(..) calls has changed the user's \
        principal or id: it may add to a user, by into_builder(), and the session belongs to these two";
    /// An outer layer with other settings has used the token.
    TokenUsed => INTERNAL_SERVER_ERROR, Setup, "an outer SpnegoLayer with other settings has used \
        the token, which counts once: give both the same realms, host names, channel binding, \
        directory (an own Directory without a fingerprint as one SharedDirectory) and stateless(), \
        if one has it, or put them around different routes";
    /// The session store failed.
    SessionStore => INTERNAL_SERVER_ERROR, SessionStore, "the session store failed";
    /// The forwarded ticket could not be stored.
    DelegationFailed => INTERNAL_SERVER_ERROR, Server, "the forwarded ticket can't be stored";
    /// A defect of ours.
    Internal => INTERNAL_SERVER_ERROR, Server, "tower-spnego failed";
}

impl ErrorKind {
    /// Whether another user name or password may be the answer.
    pub(crate) fn asks_for_password(self) -> bool {
        matches!(
            self,
            Self::BasicUnreadable
                | Self::BasicNameNotAllowed
                | Self::WrongPassword
                | Self::PasswordExpired
                | Self::AccountLocked
        )
    }

    /// Whether nobody has judged the password.
    pub(crate) fn leaves_password_open(self) -> bool {
        matches!(
            self,
            Self::TooManyFailures | Self::Busy | Self::KdcUnavailable
        )
    }

    /// Whether the directory could not answer, which says nothing about the person.
    pub(crate) fn is_outage(self) -> bool {
        matches!(
            self,
            Self::DirectoryUnavailable | Self::DirectoryMisconfigured
        )
    }
}

/// Why a layer or a directory can't be built. Each text says how to mend it; `Debug` is that text,
/// too, because it is what a `main` that returns the error prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No realm was named.
    #[error(
        "no realm: name the Kerberos realm whose principals may sign in, as in \
         .realm(\"CORP.EXAMPLE.COM\")"
    )]
    NoRealm,
    /// A realm is none.
    #[error("{0:?} can't be a Kerberos realm: write it as the KDC does, as in CORP.EXAMPLE.COM")]
    BadRealm(String),
    /// A realm differs from the service's own in upper and lower case alone.
    #[error(
        "the realm {realm:?} is written {own:?} in the keytab; realms are compared to the letter, so \
         that nobody could sign in: write it as there"
    )]
    #[non_exhaustive]
    RealmInOtherCase {
        /// As it was named.
        realm: String,
        /// The service's own.
        own: String,
    },
    /// No host name was given.
    #[error(
        "no host name: name the host by which browsers open the site, as in \
         .hostname(\"intranet.corp.example.com\"); the SPN is HTTP/<hostname>"
    )]
    NoHostname,
    /// The host name can't be one.
    #[error(
        "{0:?} can't be a host name: give the bare name by which browsers open the site, with no \
         scheme, port or path, as in intranet.corp.example.com"
    )]
    BadHostname(String),
    /// A host name stands beside the whole keytab.
    #[error(
        "a host name stands beside .whole_keytab_is_one_trust_domain(), which takes tickets for \
         every host: leave one of them out"
    )]
    HostnameBesideWholeKeytab,
    /// libkrb5 can't be set up, most often for a mistake in krb5.conf.
    #[error(
        "Kerberos can't be set up on this machine: {0}; look at /etc/krb5.conf (or KRB5_CONFIG)"
    )]
    Krb5(String),
    /// The system's default keytab is no file.
    #[error(
        "the system's default keytab is {0:?}, and only a file will do: name one with .keytab(..)"
    )]
    DefaultKeytab(String),
    /// The keytab is not there.
    #[error(
        "the keytab {} does not exist: export one with the key of {spn}, and name its path with \
         .keytab(..). {}",
        path.display(),
        export_commands(spn, path, false)
    )]
    #[non_exhaustive]
    KeytabMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// The principal that it should hold.
        spn: String,
    },
    /// The keytab can't be read.
    #[error("the keytab {} can't be read: {reason}", path.display())]
    #[non_exhaustive]
    KeytabUnreadable {
        /// Where it is.
        path: PathBuf,
        /// Why, and how to mend it.
        reason: String,
    },
    /// The file is no keytab.
    #[error(
        "{} is not a keytab of MIT Kerberos ({reason}); export it again",
        path.display()
    )]
    #[non_exhaustive]
    KeytabMalformed {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The keytab has no key for the SPN.
    #[error(
        "the keytab {} has no key for {spn}; it has {}. Add the SPN's key to the keytab, or set \
         the host name to that of a principal it has, and .service_realm(..), if any, to its realm \
         (upper and lower case differ). {}",
        path.display(),
        list(principals),
        export_commands(spn, path, true)
    )]
    #[non_exhaustive]
    SpnNotInKeytab {
        /// Where the keytab is.
        path: PathBuf,
        /// The principal looked for, `HTTP/<hostname>`.
        spn: String,
        /// What the keytab holds.
        principals: Vec<String>,
    },
    /// The keytab has the SPN in several realms.
    #[error(
        "the keytab holds {spn} in several realms ({}): name the service's own with \
         .service_realm(..)",
        list(realms)
    )]
    #[non_exhaustive]
    ServiceRealmAmbiguous {
        /// The principal, `HTTP/<hostname>`.
        spn: String,
        /// The realms it has keys for.
        realms: Vec<String>,
    },
    /// GSSAPI gives no credential for the SPN.
    #[error("GSSAPI can't use the key of {spn}: {reason}")]
    #[non_exhaustive]
    Credential {
        /// The principal.
        spn: String,
        /// GSSAPI's words.
        reason: String,
    },
    /// The replay cache can't be written.
    #[error(
        "the replay cache {} can't be used: {reason}. Make it writable for the user this process \
         runs as, or give it a folder of its own with .replay_cache(..)",
        path.display()
    )]
    #[non_exhaustive]
    ReplayCache {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The folder for forwarded tickets can't be used.
    #[error(
        "the folder {} for forwarded tickets can't be used: {reason}. Give \
         .accept_delegation_into(..) one on a local disk that belongs to the user this process \
         runs as, and that nobody else may write to",
        path.display()
    )]
    #[non_exhaustive]
    DelegationFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The login's expiry is no time.
    #[error(
        "a login that expires after no time can't be kept: give .expire_login(..) a longer \
         duration, or say .never_expire_login()"
    )]
    ZeroExpiry,
    /// A setting is about logins that last, and the layer keeps none.
    #[error(
        ".stateless() keeps no login, and .{setting}(..) is about logins that are kept: leave one of \
         them out"
    )]
    #[non_exhaustive]
    Stateless {
        /// The setting.
        setting: &'static str,
    },
    /// The idle timeout is zero.
    #[error(
        "a login that ends as soon as it is idle ends at once: give .idle_timeout(..) a longer \
         time, or leave it out"
    )]
    ZeroIdleTimeout,
    /// The directory would be asked at every request.
    #[error(
        "a directory that is to be asked again after no time would be asked at every request: give \
         .recheck_every(..) some minutes"
    )]
    ZeroRecheckInterval,
    /// There is a grace time for rechecks, and there are none.
    #[error(
        ".recheck_grace(..) says how long a login goes on when it can't be rechecked, and no login is \
         ever rechecked: say .recheck_every(..), too, or leave it out"
    )]
    GraceWithoutRecheck,
    /// No directory was chosen.
    #[error(
        "no directory: give .directory(..) an LdapDirectory, which finds the user and the groups, a \
         TicketDirectory, which reads them in the tickets of Active Directory, or PrincipalOnly, \
         which lets in everybody whom the KDC knows"
    )]
    NoDirectory,
    /// The directory would take `alice@A` for `alice@B`.
    #[error(
        "several realms may sign in, and the directory does not tell them apart, so that alice@A \
         would be alice@B: put {{principal}} or {{realm}} into the filter of an LdapDirectory; \
         on Active Directory {{sid}}, with no .trust_ticket_names()"
    )]
    RealmsNotToldApart,
    /// There is a TLS server to be bound to, and no word of what to do with it.
    #[error(
        "a server end point is given, and channel binding is off: say .channel_binding(..) with \
         WhenSent or Required, or leave the end point out"
    )]
    EndPointUnused,
    /// Names without their realm would stand for people of several.
    #[error(
        "several realms may sign in, and NameMapping::StripRealm would make alice of alice@A and of \
         alice@B: use FullPrincipal or AuthToLocal, or a layer for each realm"
    )]
    StrippingSeveralRealms,
    /// An origin that is allowed to send requests can't be one.
    #[error(
        "{0:?} is no origin: write scheme and host as a browser sends them, as in \
         https://portal.example.com, with no path and no default port"
    )]
    BadOrigin(String),
    /// What should be the server's certificate, for channel binding, is none.
    #[error(
        "this is no X.509 certificate: channel binding needs the one that clients see, in DER for \
         ServerEndPoint::from_der, or in PEM, between BEGIN CERTIFICATE and END CERTIFICATE, for \
         from_pem"
    )]
    NotACertificate,
    /// The certificate's signature, by this algorithm, has no hash function that channel binding
    /// could take.
    #[error(
        "the certificate is signed by {0}, for which channel binding (RFC 5929) has no hash that \
         clients agree on: have the server's certificate signed by RSA or ECDSA with SHA-2, or \
         leave channel binding off"
    )]
    NoCertificateHash(String),
    /// A hash of this many bytes is none of a certificate.
    #[error(
        "{0} bytes that are no certificate's hash: give the raw bytes, not their text in hex, of a \
         SHA-256 (32 bytes), SHA-384 (48), SHA-512 (64) or SHA-224 (28)"
    )]
    BadCertificateHash(usize),
    /// A proxy's address is none.
    #[error(
        "{0:?} is no address of a proxy: write the proxy's own IP address, or a network of \
         nothing but proxies, as in 10.0.0.8/30 or fd00:7::/64"
    )]
    BadProxy(String),
    /// Requests count that a proxy has forwarded, and there is no proxy.
    #[error(
        "BasicOver::forwarded_from(..) names no proxy, so that Basic is offered to nobody: name the \
         proxies' own IP addresses"
    )]
    NoProxy,
    /// The path to sign in at is none.
    #[error("{0:?} is no path to sign in at: write a path of this site, as in /sign-in")]
    BadSignInPath(String),
    /// No user could ever type a password.
    #[error(
        "Basic would let nobody in: .basic_failures(..) must allow at least one failure, in a \
         window longer than none, .basic_checks(..) at least one check at once, and \
         .basic_timeout(..) some time for it"
    )]
    BasicLetsNobodyIn,
    /// A rule on groups can't be one.
    #[error("the group rule {rule} is wrong: {reason}")]
    #[non_exhaustive]
    GroupRule {
        /// The rule, in words.
        rule: String,
        /// What is wrong with it, and how to mend it.
        reason: String,
    },
    /// A rule names a group of which the directory never tells who is in it.
    #[error(
        "a group rule names a group by {group}, and the directory never tells who is in it. \
         PrincipalOnly knows no groups. A TicketDirectory knows SIDs, the names that it is given by \
         .group(..), and others and DNs with .names_from(..): write the rule with \
         GroupRule::sid(..), or name the group there. An LdapDirectory knows names and DNs, and SIDs \
         on Active Directory alone: write the rule with GroupRule::dn(..)"
    )]
    #[non_exhaustive]
    GroupNotKnown {
        /// What the rule says.
        group: String,
    },
    /// A role has no name.
    #[error("a role has an empty name: write it as in .role(\"admin\", ..)")]
    EmptyRole,
    /// What is called at a sign-in has no name.
    #[error(
        "what is called at a sign-in has an empty name: write it as in .on_sign_in(\"members\", ..)"
    )]
    UnnamedHook,
    /// A realm's people may sign in, and the directory serves no such realm.
    #[error(
        "the realm {realm:?} may sign in, and the directory has nobody of it: give \
         RealmDirectories a directory for it, with .realm({realm:?}, ..), to the letter, or leave \
         the realm out"
    )]
    #[non_exhaustive]
    RealmNotServed {
        /// As it was named.
        realm: String,
    },
    /// A setting of an LDAP directory is wrong.
    #[error("the LDAP directory's {setting} is wrong: {reason}")]
    #[non_exhaustive]
    Ldap {
        /// Which setting: its method, or what was given to one (`URL`, `filter`).
        setting: &'static str,
        /// What is wrong, and how to mend it.
        reason: String,
    },
    /// A thread for tokens or for passwords could not be started.
    #[error(
        "a thread can't be started: {0}; let this process have more of them (ulimit -u, or TasksMax \
         of its systemd unit)"
    )]
    Thread(String),
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        return "no principals at all".to_owned();
    }
    items.join(", ")
}
