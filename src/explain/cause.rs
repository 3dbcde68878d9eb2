//! The causes that are told apart.

/// Why a sign-in failed. An [`ErrorKind`](crate::ErrorKind) says what became of it, and may have
/// several causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// What follows `Negotiate` is not base64.
    NotBase64,
    /// The token is longer than 64 KiB.
    TokenTooLong,
    /// The client sent NTLM instead of Kerberos.
    Ntlm,
    /// The ticket is for a service that is not the site's.
    WrongSpn,
    /// The keytab has a key of the ticket's name, version and type, and it does not open the ticket:
    /// the SPN is on another account, or on two, or the keytab is of another realm.
    WrongKey,
    /// The keytab has a newer key than the ticket's, and not the ticket's.
    KvnoTooOld,
    /// The keytab has an older key than the ticket's, and not the ticket's.
    KvnoTooNew,
    /// The keytab has the key's version, and not of the ticket's encryption type.
    EnctypeMissing,
    /// The keytab lacks the ticket's key, and the ticket does not say what is wrong.
    KeyMissing,
    /// The keytab has gone, or can't be read, since the layer started.
    KeytabUnusable,
    /// The client's clock and the server's differ by too much.
    ClockSkew,
    /// The token was used before.
    Replay,
    /// The ticket has expired.
    TicketExpired,
    /// The ticket is not valid yet.
    TicketNotYetValid,
    /// The client's realm may not sign in.
    RealmNotAllowed,
    /// The token is bound to another TLS certificate than the server's.
    ChannelBindingDiffers,
    /// The token is bound to no TLS certificate, and must be.
    ChannelBindingMissing,
    /// The replay cache can't be written, or is another user's.
    ReplayCacheUnusable,
    /// The ticket has no PAC, and one is required.
    PacMissing,
    /// The handshake needs several requests, and there is no
    /// [`SpnegoConnection`](crate::SpnegoConnection) to tie them together.
    NoConnection,
    /// The handshake needs several requests, and has lost its beginning.
    HandshakeLost,
}
