//! Basic, the fallback for people without a ticket.

use std::time::Duration;

use super::SpnegoLayerBuilder;
use crate::basic::BasicOver;

/// # Passwords
impl SpnegoLayerBuilder {
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
    /// of a cluster, the KDC is asked again. After a [logout](crate::Login::logout) the session
    /// ignores the password, until the person opens the [`sign_in_path`](Self::sign_in_path).
    ///
    /// A wrong password is a 401 and asks again; a KDC that is down or silent is a 503 in time, and
    /// threads for tokens don't wait for it. What this does not bound is in
    /// [`guide::limits`](crate::guide::limits#passwords).
    ///
    /// [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617
    pub fn basic(mut self, over: BasicOver) -> Self {
        self.basic = Some(over);
        self
    }

    /// How many wrong passwords an account may have in a span of time before the KDC is asked no
    /// more about it (429): 4 in 30 minutes unless said otherwise, for a domain often locks an
    /// account at the fifth, and then anybody could lock anybody out. A right password clears the
    /// count. Keep it below the domain's threshold, together with all other servers' and layers',
    /// each of which counts for itself. Where `krb5.conf` (`primary_kdc`, `master_kdc`) or DNS
    /// (`_kerberos-master`) names a primary KDC, halve it: libkrb5 asks that, too, about a password
    /// that another has called wrong, and the domain counts both.
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
}
