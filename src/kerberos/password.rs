//! Asks the KDC about passwords, on threads of its own: a KDC may take its time.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::ffi::{Credential, KRB5_ERRORS, Refusal};
use super::worker::{Pool, Size};
use crate::error::{ConfigError, Error, ErrorKind};
use crate::principal::Principal;

/// What the token of a password is bound to. An acceptor that demands a channel binding gets one,
/// and nobody else's token passes for ours.
pub(crate) const BINDING: &[u8] = b"tower-spnego password";

/// The threads.
pub(crate) struct PasswordChecks(Pool<()>);

/// A password to be checked, and for which service.
pub(crate) struct Question {
    pub(crate) client: Principal,
    pub(crate) password: SecretString,
    /// Our own principal, whose key we have.
    pub(crate) service: String,
}

/// A password that gets no token.
pub(crate) struct RefusedPassword {
    /// Its kind, and so the answer, is the same whether or not the account exists.
    pub(crate) error: Error,
    /// The KDC has looked at the account's key.
    pub(crate) account_exists: bool,
}

impl PasswordChecks {
    /// As many threads as checks run at once. How long one waits is on the caller.
    pub(crate) fn start(threads: usize, queue: usize) -> Result<Self, ConfigError> {
        let size = Size {
            name: "spnego-password",
            threads,
            queue,
            patience: Duration::MAX,
        };
        Pool::start(size, || Ok(())).map(Self)
    }

    /// A token that the KDC gives out for the password. It proves nothing yet: anybody can be a
    /// KDC, and only who knows our key makes a token that our acceptor takes.
    ///
    /// `answered` hears what came of it also when nobody waits for it any more. It is dropped
    /// where the KDC was not asked.
    pub(crate) async fn token(
        &self,
        question: Question,
        answered: impl FnOnce(&Result<Vec<u8>, RefusedPassword>) + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let ask = move |_: &mut ()| {
            let token = question.ask();
            answered(&token);
            token
        };
        self.0.run(ask).await?.map_err(|refused| refused.error)
    }
}

impl Question {
    fn ask(self) -> Result<Vec<u8>, RefusedPassword> {
        let client = self.client.to_string();
        let password = self.password.expose_secret().as_bytes();
        let credential = Credential::of_password(&client, password)
            .map_err(|refusal| refused(password_refused(code(&refusal)), refusal))?;
        credential
            .token_for(&self.service, BINDING)
            .map_err(|refusal| refused(ticket_refused(code(&refusal)), refusal))
    }
}

fn refused(kind: ErrorKind, refusal: Refusal) -> RefusedPassword {
    RefusedPassword {
        account_exists: matches!(code(&refusal), WRONG_PASSWORD | WRONG_KEY),
        error: Error::new(kind).with_detail(refusal.text),
    }
}

fn code(refusal: &Refusal) -> i32 {
    refusal.minor.cast_signed().wrapping_sub(KRB5_ERRORS)
}

/// Why the KDC gives no ticket for the password, by RFC 4120 section 7.5.9. Who is unknown gets the
/// same as who is known: what exists is no stranger's business.
fn password_refused(code: i32) -> ErrorKind {
    match code {
        UNKNOWN_CLIENT | WRONG_PASSWORD | WRONG_KEY => ErrorKind::WrongPassword,
        // The account's end or beginning, a lock, or the KDC's rules (on AD: the hours).
        1 | 12 | 18 | 21 => ErrorKind::AccountLocked,
        23 => ErrorKind::PasswordExpired,
        _ => ErrorKind::KdcUnavailable,
    }
}

/// Why it gives no ticket for our own service to whom it has just given one for itself.
fn ticket_refused(code: i32) -> ErrorKind {
    match code {
        NO_KDC | NO_ADDRESS | UNKNOWN_REALM => ErrorKind::KdcUnavailable,
        _ => ErrorKind::KdcNotTrusted,
    }
}

/// `KDC_ERR_C_PRINCIPAL_UNKNOWN`, `KDC_ERR_PREAUTH_FAILED` and, found by libkrb5 itself where no
/// preauthentication is asked for, `KRB_AP_ERR_BAD_INTEGRITY`.
const UNKNOWN_CLIENT: i32 = 6;
const WRONG_PASSWORD: i32 = 24;
const WRONG_KEY: i32 = 31;

/// libkrb5's own codes, counted as those of KRB-ERROR are: `KRB5_KDC_UNREACH`,
/// `KRB5_REALM_CANT_RESOLVE` and `KRB5_REALM_UNKNOWN` of krb5.h.
const NO_KDC: i32 = 156;
const NO_ADDRESS: i32 = 220;
const UNKNOWN_REALM: i32 = 154;

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::testing::TestRealm;

    const TEST: &str = "kerberos::password::tests::the_kdc_tells_which_accounts_exist";

    /// In a process of its own, whose `KRB5_CONFIG` knows the realm.
    #[test]
    fn the_kdc_tells_which_accounts_exist() {
        const CHILD: &str = "TOWER_SPNEGO_ASKS_THE_KDC";
        if std::env::var_os(CHILD).is_none() {
            let realm = TestRealm::start().unwrap();
            realm
                .kadmin(["modprinc", "+requires_preauth", "alice"])
                .unwrap();
            let status = Command::new(std::env::current_exe().unwrap())
                .args([TEST, "--exact", "--nocapture"])
                .env("KRB5_CONFIG", realm.krb5_conf())
                .env(CHILD, "")
                .status()
                .unwrap();
            assert!(status.success(), "{status}");
            return;
        }
        // Only with preauthentication does the KDC itself call a password wrong.
        for (user, account_exists) in [("alice", true), ("bob", true), ("nobody", false)] {
            let question = Question {
                client: format!("{user}@EXAMPLE.TEST").parse().unwrap(),
                password: "wrong".to_owned().into(),
                service: "HTTP/localhost@EXAMPLE.TEST".to_owned(),
            };
            let refused = question.ask().expect_err("a wrong password");
            assert_eq!(refused.error.kind(), ErrorKind::WrongPassword, "{user}");
            assert_eq!(refused.account_exists, account_exists, "{user}");
        }
    }
}
