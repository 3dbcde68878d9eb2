//! Why a layer or a directory can't start.

use std::fmt;
use std::path::PathBuf;

use crate::explain::export_commands;

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
        "the keytab {} does not exist: put it back, or copy it from another server of the site, or \
         export one with the key of {spn}; name its path with .keytab(..). {}",
        path.display(),
        export_commands(spn, realm.as_deref(), path, false)
    )]
    #[non_exhaustive]
    KeytabMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// The principal that it should hold.
        spn: String,
        /// Its realm, where the settings tell.
        realm: Option<String>,
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
        "{} is not a keytab of MIT Kerberos ({reason}); put a good copy in its place, or export it \
         again",
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
        export_commands(spn, realm.as_deref(), path, true)
    )]
    #[non_exhaustive]
    SpnNotInKeytab {
        /// Where the keytab is.
        path: PathBuf,
        /// The principal looked for, `HTTP/<hostname>`.
        spn: String,
        /// Its realm, where the settings tell.
        realm: Option<String>,
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

impl ConfigError {
    /// Has the commands name this realm, where the principal has none yet.
    pub(crate) fn in_realm(mut self, own: Option<&str>) -> Self {
        if let Self::KeytabMissing { realm, .. } | Self::SpnNotInKeytab { realm, .. } = &mut self {
            *realm = own.map(str::to_owned);
        }
        self
    }
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
