//! What does not fit into the documentation of one item.

#[doc = include_str!("guide/clients.md")]
pub mod clients {}

#[cfg(feature = "ldap")]
#[cfg_attr(docsrs, doc(cfg(feature = "ldap")))]
#[doc = include_str!("guide/django_auth_ldap.md")]
pub mod django_auth_ldap {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

#[doc = include_str!("guide/load_balancers.md")]
pub mod load_balancers {}

#[doc = include_str!("guide/observability.md")]
pub mod observability {}
