//! What an application does of its own at a sign-in, a refusal, an outage and a logout.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;

use crate::directory::DirectoryError;
use crate::error::{ConfigError, Error, ErrorKind};
use crate::initiator::Initiator;
use crate::user::User;

pub(crate) type OnRefusal = Arc<dyn Fn(&Error, &Parts) + Send + Sync>;
pub(crate) type OnDirectoryError = Box<dyn Fn(&Error, &Initiator) + Send + Sync>;
pub(crate) type OnLogout = Arc<dyn Fn(&User) + Send + Sync>;

type Made = Pin<Box<dyn Future<Output = Result<User, DirectoryError>> + Send>>;

/// What is called at each sign-in, with a name.
pub(crate) struct OnSignIn {
    name: String,
    make: Box<dyn Fn(Initiator, User) -> Made + Send + Sync>,
}

impl OnSignIn {
    pub(crate) fn new<F>(
        name: String,
        hook: impl Fn(Initiator, User) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<User, DirectoryError>> + Send + 'static,
    {
        Self {
            name,
            make: Box::new(move |who, user| Box::pin(hook(who, user))),
        }
    }

    /// What it makes of the user. Whose session it is, it must leave as it was: the session's data
    /// belongs to the id.
    async fn call(&self, who: &Initiator, user: User) -> Result<User, Error> {
        let before = user.clone();
        let user = (self.make)(who.clone(), user).await?;
        if user.principal() == before.principal() && user.id() == before.id() {
            return Ok(user);
        }
        Err(Error::new(ErrorKind::UserChanged).with_detail(format!(
            "{:?} made {} with the id {:?} of {} with the id {:?}",
            self.name,
            user.principal(),
            user.id(),
            before.principal(),
            before.id()
        )))
    }
}

/// The hooks of one layer on sign-ins.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) sign_in: Vec<OnSignIn>,
    pub(crate) directory_error: Vec<OnDirectoryError>,
}

impl Hooks {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match self.sign_in.iter().any(|hook| hook.name.is_empty()) {
            true => Err(ConfigError::UnnamedHook),
            false => Ok(()),
        }
    }

    /// For the layer's fingerprint, in which nothing else begins so: a hook may refuse people, and a
    /// login that another one let in stands for nothing here.
    pub(crate) fn parts(&self) -> Vec<String> {
        let hooks = self.sign_in.iter();
        hooks.map(|hook| format!("hook {:?}", hook.name)).collect()
    }

    /// One after the other, each with what the one before has made.
    pub(crate) async fn at_sign_in(&self, who: &Initiator, mut user: User) -> Result<User, Error> {
        for hook in &self.sign_in {
            user = hook.call(who, user).await?;
        }
        Ok(user)
    }

    pub(crate) fn at_directory_error(&self, error: &Error, who: &Initiator) {
        for hook in &self.directory_error {
            hook(error, who);
        }
    }
}
