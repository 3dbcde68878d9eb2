//! What does not fit into the documentation of one item.
//!
//! Each guide is here whatever the features, so that any may link to any other; the text of some needs the
//! items of a feature.

#[cfg_attr(all(feature = "axum", feature = "ldap-gssapi"), doc = include_str!("guide/active_directory.md"))]
#[cfg_attr(
    not(all(feature = "axum", feature = "ldap-gssapi")),
    doc = "Its text is in the documentation with the features `axum` and `ldap-gssapi`."
)]
pub mod active_directory {}

#[doc = include_str!("guide/browsers.md")]
pub mod browsers {}

#[doc = include_str!("guide/clients.md")]
pub mod clients {}

#[doc = include_str!("guide/containers.md")]
pub mod containers {}

#[cfg_attr(feature = "ldap", doc = include_str!("guide/django_auth_ldap.md"))]
#[cfg_attr(
    not(feature = "ldap"),
    doc = "Its text is in the documentation with the feature `ldap`."
)]
pub mod django_auth_ldap {}

#[cfg_attr(feature = "ldap", doc = include_str!("guide/django_auth_spnego.md"))]
#[cfg_attr(
    not(feature = "ldap"),
    doc = "Its text is in the documentation with the feature `ldap`."
)]
pub mod django_auth_spnego {}

#[cfg_attr(all(feature = "ldap-gssapi", feature = "srv"), doc = include_str!("guide/free_ipa.md"))]
#[cfg_attr(
    not(all(feature = "ldap-gssapi", feature = "srv")),
    doc = "Its text is in the documentation with the features `ldap-gssapi` and `srv`."
)]
pub mod free_ipa {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

#[doc = include_str!("guide/load_balancers.md")]
pub mod load_balancers {}

#[cfg_attr(feature = "ldap", doc = include_str!("guide/mit_kerberos.md"))]
#[cfg_attr(
    not(feature = "ldap"),
    doc = "Its text is in the documentation with the feature `ldap`."
)]
pub mod mit_kerberos {}

#[cfg_attr(all(feature = "axum", feature = "ldap"), doc = include_str!("guide/mod_auth_gssapi.md"))]
#[cfg_attr(
    not(all(feature = "axum", feature = "ldap")),
    doc = "Its text is in the documentation with the features `axum` and `ldap`."
)]
pub mod mod_auth_gssapi {}

#[doc = include_str!("guide/observability.md")]
pub mod observability {}

#[cfg_attr(all(feature = "axum", feature = "ldap-gssapi"), doc = include_str!("guide/samba.md"))]
#[cfg_attr(
    not(all(feature = "axum", feature = "ldap-gssapi")),
    doc = "Its text is in the documentation with the features `axum` and `ldap-gssapi`."
)]
pub mod samba {}

#[doc = include_str!("guide/settings.md")]
pub mod settings {}

#[cfg_attr(all(feature = "axum", feature = "ldap", feature = "testing"), doc = include_str!("guide/testing.md"))]
#[cfg_attr(
    not(all(feature = "axum", feature = "ldap", feature = "testing")),
    doc = "Its text is in the documentation with the features `axum`, `ldap` and `testing`."
)]
pub mod testing {}

#[doc = include_str!("guide/troubleshooting.md")]
pub mod troubleshooting {}
