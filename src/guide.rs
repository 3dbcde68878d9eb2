//! What does not fit into the documentation of one item.

#[doc = include_str!("guide/clients.md")]
pub mod clients {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}
