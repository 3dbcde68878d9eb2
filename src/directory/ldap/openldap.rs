//! OpenLDAP, and others with its schema.

/// People, by the attribute that names them there (RFC 4519 section 2.39).
pub(super) const FILTER: &str = "(&(objectClass=person)(uid={user}))";
