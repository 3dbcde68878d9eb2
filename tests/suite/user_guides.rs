//! The guides for those who use the crate: what they show is run, and what they list is whole.

mod browsers;
mod mod_auth_gssapi;
mod spnego_of_django;
mod testing;
mod troubleshooting;
