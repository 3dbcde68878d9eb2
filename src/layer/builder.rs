//! The settings of a [`SpnegoLayer`], and the checks before it starts.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::service::Hosts;
#[cfg(feature = "doctor")]
pub(crate) use self::service::is_hostname;
use super::SpnegoLayer;
use crate::basic::{Basic, BasicOver, GuessLimits};
use crate::channel_binding::{Bindings, ChannelBinding};
use crate::clock::Clock;
use crate::cross_site::CrossSite;
use crate::directory::{Directory, SharedDirectory};
use crate::error::ConfigError;
use crate::gate::{Gate, NoLogin, Rechecks, Rules, WithoutLogin};
use crate::hooks::{Hooks, OnLogout};
use crate::initiator::NameMapping;
use crate::kerberos::{Acceptor, AcceptorConfig, Services, TicketStore};
use crate::login::{EndedLogins, Logins, Policy, fingerprint};
use crate::observe;
use crate::principal::{AllowedRealms, check_realm};
use crate::response::{Log, Refusals};

// The documentation shows the settings in this order: what is required first.
mod people;
mod service;

mod challenge;
mod channel_binding;
mod login;

mod basic;
mod cross_site;
mod delegation;
mod hooks;

/// Makes a [`SpnegoLayer`]; from [`SpnegoLayer::builder`].
#[must_use]
pub struct SpnegoLayerBuilder {
    realms: Vec<String>,
    hosts: Hosts,
    service_realm: Option<String>,
    keytab: Option<PathBuf>,
    replay_cache: Option<PathBuf>,
    directory: Option<SharedDirectory>,
    rules: Rules,
    hooks: Hooks,
    on_logout: Vec<OnLogout>,
    mapping: Option<NameMapping>,
    requires_pac: bool,
    bindings: Bindings,
    policy: Policy,
    ended_logins: EndedLogins,
    stateless: bool,
    /// A setting that was said, and is about logins that are kept.
    about_logins: Option<&'static str>,
    delegation: Option<TicketStore>,
    without_login: WithoutLogin,
    respects_user: bool,
    refusals: Refusals,
    cross_site: CrossSite,
    bad_origin: Option<ConfigError>,
    accept_queue: usize,
    accept_timeout: Duration,
    basic: Option<BasicOver>,
    limits: GuessLimits,
    clock: Clock,
}

/// # The layer
impl SpnegoLayerBuilder {
    pub(super) fn new() -> Self {
        Self {
            realms: Vec::new(),
            hosts: Hosts::default(),
            service_realm: None,
            keytab: None,
            replay_cache: None,
            directory: None,
            rules: Rules::default(),
            hooks: Hooks::default(),
            on_logout: Vec::new(),
            mapping: None,
            requires_pac: false,
            bindings: Bindings::default(),
            policy: Policy::default(),
            ended_logins: EndedLogins::default(),
            stateless: false,
            about_logins: None,
            delegation: None,
            without_login: WithoutLogin::Always(NoLogin::Challenge),
            respects_user: false,
            refusals: Refusals::default(),
            cross_site: CrossSite::default(),
            bad_origin: None,
            accept_queue: 1024,
            accept_timeout: Duration::from_secs(10),
            basic: None,
            limits: GuessLimits::default(),
            clock: Clock::default(),
        }
    }

    /// Checks the settings, the keytab and the replay cache, and starts the accept threads. It asks
    /// no DNS, KDC or directory: an application starts while they are down.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] whose text says what to mend.
    pub fn build(self) -> Result<SpnegoLayer, ConfigError> {
        let realms = AllowedRealms::new(self.realms)?;
        if let Some(realm) = &self.service_realm {
            check_realm(realm)?;
        }
        let services = self.hosts.services()?;
        let with_pac = self.requires_pac.then_some("with a PAC");
        let stateless = self.stateless.then_some("stateless");
        let by_host = matches!(services, Services::Hosts(_)).then_some("by host");
        let policy = match (self.stateless, self.about_logins) {
            (true, Some(setting)) => return Err(ConfigError::Stateless { setting }),
            (true, None) => Policy::of_tickets(),
            (false, _) => self.policy,
        };
        policy.check()?;
        self.bindings.check()?;
        self.refusals.check()?;
        if let Some(error) = self.bad_origin {
            return Err(error);
        }
        let directory = self.directory.ok_or(ConfigError::NoDirectory)?;
        check_names(self.mapping, &realms, &directory)?;
        check_served(&realms, &directory)?;
        self.rules.check(&directory)?;
        self.hooks.check()?;
        let refusals = Refusals {
            log: Log::new(self.clock.clone()),
            ..self.refusals
        };
        // Most services are of the realm whose people they let in.
        let own_realm = self.service_realm.clone().or_else(|| realms.sole());
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
        })
        .map_err(|error| error.in_realm(own_realm.as_deref()))?;
        check_case(&realms, acceptor.principals())?;
        let basic = self
            .basic
            .map(|over| Basic::start(over, self.limits, acceptor.site(), self.clock.clone()))
            .transpose()?;
        tracing::info!(
            services = ?acceptor.principals(),
            realms = ?realms.iter().collect::<Vec<_>>(),
            "people can sign in"
        );
        observe::describe();
        let rules = self.rules.parts();
        let hooks = self.hooks.parts();
        // What a layer asks of a token beyond a ticket, another one's sign-in does not stand for.
        let made_by = fingerprint(
            realms
                .iter()
                .chain(self.mapping.map(NameMapping::as_str))
                .chain(self.bindings.policy.as_str())
                .chain(by_host)
                .chain(with_pac)
                .chain(stateless)
                .chain(rules.iter().map(String::as_str))
                .chain(hooks.iter().map(String::as_str))
                .chain(acceptor.principals().iter().map(String::as_str))
                .chain(directory.fingerprint().as_deref()),
        );
        Ok(SpnegoLayer {
            gate: Arc::new(Gate {
                rechecks: policy.recheck().map(Rechecks::new),
                logins: Logins::new(
                    policy,
                    realms.clone(),
                    basic.is_some(),
                    made_by.into(),
                    self.ended_logins,
                    self.on_logout.into(),
                    self.clock,
                ),
                keeps_logins: !self.stateless,
                cross_site: self.cross_site,
                basic,
                acceptor,
                realms,
                mapping: self.mapping,
                requires_pac: self.requires_pac,
                bindings: self.bindings,
                directory,
                rules: self.rules,
                hooks: self.hooks,
                without_login: self.without_login,
                respects_user: self.respects_user,
                refusals,
            }),
        })
    }
}

/// Whether the directory is asked about no two people by one name.
fn check_names(
    mapping: Option<NameMapping>,
    realms: &AllowedRealms,
    directory: &SharedDirectory,
) -> Result<(), ConfigError> {
    match mapping {
        Some(mapping) => mapping.check(realms),
        None if realms.is_single() || directory.tells_realms_apart() => Ok(()),
        None => Err(ConfigError::RealmsNotToldApart),
    }
}

/// Whether the directory has people of every realm.
fn check_served(realms: &AllowedRealms, directory: &SharedDirectory) -> Result<(), ConfigError> {
    match realms.iter().find(|realm| !directory.serves(realm)) {
        Some(realm) => Err(ConfigError::RealmNotServed {
            realm: realm.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Whether a realm that the keytab has, too, is written as there.
fn check_case(realms: &AllowedRealms, principals: &[String]) -> Result<(), ConfigError> {
    for principal in principals {
        if let Some((_, own)) = principal.rsplit_once('@')
            && let Some(realm) = realms.in_other_case(own)
        {
            return Err(ConfigError::RealmInOtherCase {
                realm: realm.to_owned(),
                own: own.to_owned(),
            });
        }
    }
    Ok(())
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
