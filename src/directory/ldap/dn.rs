//! Distinguished names as text (RFC 4514).

use crate::dn::Dn;
pub(super) use crate::dn::is_attribute_name;

/// Whether a search can begin at, or below, this DN; the root's is empty, and is none here.
pub(super) fn is_base(dn: &str) -> bool {
    first_value(dn).is_some() && !dn.contains(char::is_control)
}

/// The value of the first attribute of the first RDN, unescaped: `Engineers` of
/// `cn=Engineers,ou=groups,dc=example`. `None` where the text is no DN, or the value is written in
/// hex (`#0403…`).
pub(super) fn first_value(dn: &str) -> Option<String> {
    let dn: Dn = dn.parse().ok()?;
    dn.first_value().map(str::to_owned)
}
