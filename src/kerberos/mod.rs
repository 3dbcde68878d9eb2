//! The only room that knows GSSAPI.

pub(crate) mod ffi;
