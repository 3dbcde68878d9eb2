//! What went wrong, which status that is, and who can mend it.

use http::StatusCode;

/// Who can mend an [`Error`](crate::Error).
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
        /// The kind of an [`Error`](crate::Error).
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

            pub(crate) fn message(self) -> &'static str {
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
