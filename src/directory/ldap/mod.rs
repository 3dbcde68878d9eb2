//! LDAP.
