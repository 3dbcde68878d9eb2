//! Signing in to another service as an account whose keytab we have, on a thread of its own: a KDC
//! may take its time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ffi::{Initiation, InitiatorStep, KRB5_ERRORS, Refusal};
use super::keytab::Keytab;
use super::keytab_file::{Keys, Stamp, contents};
use super::worker::{Disposable, Pool, Size};
use crate::error::{ConfigError, Error};
use crate::principal::Principal;

/// An account of a realm. Its keytab is read anew for each sign-in.
pub(crate) struct Account {
    pool: Pool<()>,
    principal: Principal,
    keytab: PathBuf,
}

/// Why an account got no further.
#[derive(Debug, Clone)]
pub(crate) struct AccountRefused {
    /// The KDC can't be reached, or our thread is busy: no mistake of the set-up.
    pub(crate) is_outage: bool,
    /// The KDC was shown a key that is not the account's, which it may count as a wrong password.
    pub(crate) is_wrong_key: bool,
    /// Cause and mend.
    pub(crate) detail: String,
}

/// Why there can't be an account.
#[derive(Debug)]
pub(crate) enum AccountError {
    /// Something is wrong with the keytab.
    Keytab(String),
    Thread(ConfigError),
}

impl Account {
    /// Looks whether the keytab has a key of the principal. It asks no KDC.
    pub(crate) fn open(principal: Principal, keytab: &Path) -> Result<Self, AccountError> {
        keys_of(&principal, keytab).map_err(AccountError::Keytab)?;
        let size = Size {
            name: "spnego-account",
            threads: 1,
            queue: 16,
            // How long one waits is on the caller.
            patience: Duration::MAX,
        };
        Ok(Self {
            pool: Pool::start(size, || Ok(())).map_err(AccountError::Thread)?,
            keytab: keytab.to_owned(),
            principal,
        })
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Which keys there are now.
    pub(crate) fn keytab_stamp(&self) -> Option<Stamp> {
        Stamp::of_file(&self.keytab)
    }

    /// Begins to sign in to the service `name/host` of the account's realm, and makes the first
    /// token for it, bound to this application data. The KDC is asked for both tickets.
    pub(crate) async fn sign_in(
        &self,
        name: &str,
        host: &str,
        channel_binding: Option<Vec<u8>>,
    ) -> Result<(SignIn<'_>, Vec<u8>), AccountRefused> {
        let realm = self.principal.realm().to_owned();
        let service = Principal::from_parts(vec![name.to_owned(), host.to_owned()], realm)
            .map_err(|error| AccountRefused::unspecific(error.to_string()))?
            .to_string();
        let (account, keytab, about) =
            (self.principal.clone(), self.keytab.clone(), service.clone());
        let disposal = self.pool.disposal();
        let begin = move |(): &mut ()| {
            let keys = keys_of(&account, &keytab).map_err(AccountRefused::unspecific)?;
            let account = account.to_string();
            let refused = |refusal| AccountRefused::by(refusal, &account, &about, &keytab);
            let initiation = Initiation::new(&account, &keys.name(), &about);
            let mut initiation = initiation.map_err(refused)?;
            let step = initiation.step(&[], channel_binding.as_deref());
            let token = step.map_err(refused)?.token;
            Ok::<_, AccountRefused>((disposal.of((initiation, channel_binding)), token))
        };
        let mut waiting = Waiting(Some(self.principal.to_string()));
        let begun = self.pool.run(begin).await;
        waiting.0 = None;
        let (state, token) = begun??;
        let sign_in = SignIn {
            account: self,
            service,
            state: Some(state),
        };
        Ok((sign_in, token))
    }
}

/// Says in the log that nobody waits any more: who gives up knows of a server that took too long.
struct Waiting(Option<String>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(account) = &self.0 {
            tracing::warn!(
                "the KDC has not answered yet about {account}: look whether it hangs, and whether \
                 krb5.conf (or KRB5_CONFIG) names the right one"
            );
        }
    }
}

/// A sign-in that waits for the service's proof.
pub(crate) struct SignIn<'a> {
    account: &'a Account,
    service: String,
    state: Option<State>,
}

/// With the application data of its channel binding.
type State = Disposable<(Initiation, Option<Vec<u8>>)>;

impl<'a> SignIn<'a> {
    /// Takes the service's proof that it is the one of that name.
    pub(crate) async fn prove(mut self, token: Vec<u8>) -> Result<SignedIn<'a>, AccountRefused> {
        let step = self
            .run(move |(initiation, binding)| initiation.step(&token, binding.as_deref()))
            .await?;
        match step {
            InitiatorStep {
                is_proved: true,
                token,
                lifetime,
            } if token.is_empty() => Ok(SignedIn {
                sign_in: self,
                lifetime,
            }),
            _ => Err(AccountRefused::unspecific(format!(
                "{} did not prove who it is",
                self.service
            ))),
        }
    }

    async fn run<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut (Initiation, Option<Vec<u8>>)) -> Result<R, Refusal> + Send + 'static,
    ) -> Result<R, AccountRefused> {
        let gone = || AccountRefused::unspecific("the sign-in has ended".to_owned());
        let state = self.state.take().ok_or_else(gone)?;
        let disposal = self.account.pool.disposal();
        let done = self
            .account
            .pool
            .run(move |(): &mut ()| {
                let mut state = state.take()?;
                let result = work(&mut state);
                Some((disposal.of(state), result))
            })
            .await?;
        let (state, result) = done.ok_or_else(gone)?;
        self.state = Some(state);
        result.map_err(|refusal| {
            let Account {
                principal, keytab, ..
            } = self.account;
            AccountRefused::by(refusal, &principal.to_string(), &self.service, keytab)
        })
    }
}

/// A sign-in in which both sides have proved who they are.
pub(crate) struct SignedIn<'a> {
    sign_in: SignIn<'a>,
    lifetime: Option<Duration>,
}

impl SignedIn<'_> {
    /// How long the ticket lives, where it is known.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// A message of the service, its integrity checked.
    pub(crate) async fn unwrap(&mut self, wrapped: Vec<u8>) -> Result<Vec<u8>, AccountRefused> {
        let unwrap = move |state: &mut (Initiation, _)| state.0.unwrap(&wrapped);
        self.sign_in.run(unwrap).await
    }

    /// A message for the service, its integrity protected, not encrypted.
    pub(crate) async fn wrap(&mut self, message: Vec<u8>) -> Result<Vec<u8>, AccountRefused> {
        let wrap = move |state: &mut (Initiation, _)| state.0.wrap(&message);
        self.sign_in.run(wrap).await
    }
}

/// A copy of the keytab, which has keys of the principal. libkrb5 would not say what is wrong with it,
/// and wait for whoever writes it.
fn keys_of(principal: &Principal, path: &Path) -> Result<Keys, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        format!(
            "{shown} can't be read ({error}); export the account's keys to it, and let this \
             process read it"
        )
    };
    let bytes = contents(path).map_err(unreadable)?;
    let keytab = Keytab::parse(&bytes)
        .map_err(|error| format!("{shown} is no keytab: {error}; export it again"))?;
    if keytab.principals().any(|held| held == principal) {
        let principal = vec![principal.to_string()];
        return Keys::new(path, &bytes, &keytab, principal).map_err(unreadable);
    }
    let held: Vec<_> = keytab.principals().map(ToString::to_string).collect();
    Err(format!(
        "{shown} has no key of {principal}, only of {}; name one of those, with upper and lower \
         case as they are, or export the account's keys again",
        match held.is_empty() {
            true => "nobody".to_owned(),
            false => held.join(", "),
        }
    ))
}

impl AccountRefused {
    fn unspecific(detail: String) -> Self {
        Self {
            is_outage: false,
            is_wrong_key: false,
            detail,
        }
    }

    /// By RFC 4120 section 7.5.9, and libkrb5's own codes.
    fn by(refusal: Refusal, account: &str, service: &str, keytab: &Path) -> Self {
        let keytab = keytab.display();
        let code = refusal.minor.cast_signed().wrapping_sub(KRB5_ERRORS);
        let mend = match code {
            NO_KDC | NO_ADDRESS => {
                "is the KDC running, and the one that krb5.conf (or KRB5_CONFIG) or the DNS names \
                 for the realm?"
                    .to_owned()
            }
            UNKNOWN_REALM => {
                "neither krb5.conf (or KRB5_CONFIG) nor the DNS names a KDC of the realm".to_owned()
            }
            6 => format!(
                "the KDC has no account {account}: name the account itself, as svc-web@REALM; on \
                 Active Directory an SPN such as HTTP/… is none"
            ),
            7 => format!(
                "the KDC has no {service}: write the URL with the host name of the server's SPN, or \
                 add that SPN to the server's account"
            ),
            1 | 12 | 18 | 21 | 23 => format!(
                "the account {account} is disabled, locked, expired or out of its hours, or its \
                 password has expired"
            ),
            24 | 31 => format!(
                "{keytab} has another key of {account} than the KDC: its password was changed \
                 since; export the keytab again"
            ),
            14 => format!(
                "{keytab} has no key of an encryption type that the KDC takes for {account}; \
                 export it again, with AES keys"
            ),
            37 => {
                "this machine's clock and the KDC's or the server's differ by too much; set both \
                   by NTP"
                    .to_owned()
            }
            _ => format!("look whether kinit -k -t {keytab} {account} works, and the KDC's log"),
        };
        Self {
            is_outage: matches!(code, NO_KDC | NO_ADDRESS | UNKNOWN_REALM),
            is_wrong_key: matches!(code, 24 | 31),
            detail: format!("{}: {mend}", refusal.text),
        }
    }
}

impl From<Error> for AccountRefused {
    fn from(error: Error) -> Self {
        Self {
            is_outage: true,
            is_wrong_key: false,
            detail: error.to_string(),
        }
    }
}

/// libkrb5's own codes, counted as those of KRB-ERROR are: `KRB5_KDC_UNREACH`,
/// `KRB5_REALM_CANT_RESOLVE` and `KRB5_REALM_UNKNOWN` of krb5.h.
const NO_KDC: i32 = 156;
const NO_ADDRESS: i32 = 220;
const UNKNOWN_REALM: i32 = 154;
