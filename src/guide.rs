//! What does not fit into the documentation of one item.

#[cfg(all(feature = "axum", feature = "ldap-gssapi"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "axum", feature = "ldap-gssapi"))))]
#[doc = include_str!("guide/active_directory.md")]
pub mod active_directory {}

#[doc = include_str!("guide/browsers.md")]
pub mod browsers {}

#[doc = include_str!("guide/clients.md")]
pub mod clients {}

#[doc = include_str!("guide/containers.md")]
pub mod containers {}

#[cfg(feature = "ldap")]
#[cfg_attr(docsrs, doc(cfg(feature = "ldap")))]
#[doc = include_str!("guide/django_auth_ldap.md")]
pub mod django_auth_ldap {}

#[cfg(feature = "ldap")]
#[cfg_attr(docsrs, doc(cfg(feature = "ldap")))]
#[doc = include_str!("guide/django_auth_spnego.md")]
pub mod django_auth_spnego {}

#[cfg(all(feature = "ldap-gssapi", feature = "srv"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "ldap-gssapi", feature = "srv"))))]
#[doc = include_str!("guide/free_ipa.md")]
pub mod free_ipa {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

#[doc = include_str!("guide/load_balancers.md")]
pub mod load_balancers {}

#[cfg(feature = "ldap")]
#[cfg_attr(docsrs, doc(cfg(feature = "ldap")))]
#[doc = include_str!("guide/mit_kerberos.md")]
pub mod mit_kerberos {}

#[cfg(all(feature = "axum", feature = "ldap"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "axum", feature = "ldap"))))]
#[doc = include_str!("guide/mod_auth_gssapi.md")]
pub mod mod_auth_gssapi {}

#[doc = include_str!("guide/observability.md")]
pub mod observability {}

#[cfg(all(feature = "axum", feature = "ldap-gssapi"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "axum", feature = "ldap-gssapi"))))]
#[doc = include_str!("guide/samba.md")]
pub mod samba {}

#[cfg(all(feature = "axum", feature = "ldap", feature = "testing"))]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
#[doc = include_str!("guide/testing.md")]
pub mod testing {}

#[doc = include_str!("guide/troubleshooting.md")]
pub mod troubleshooting {}
