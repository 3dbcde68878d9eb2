//! Channel binding.

use super::SpnegoLayerBuilder;
use crate::channel_binding::{ChannelBinding, SharedEndPoint};

/// # Channel binding
impl SpnegoLayerBuilder {
    /// Whether a token must be bound to the TLS connection that it comes over. [`Off`] unless said
    /// otherwise.
    ///
    /// What clients should be bound to is the [`ServerEndPoint`] in the request's extensions, else
    /// the layer's own [`server_end_point`](Self::server_end_point). Where there is neither, as
    /// over plain HTTP, every client that sends a binding is refused.
    ///
    /// [`Off`]: ChannelBinding::Off
    /// [`ServerEndPoint`]: crate::ServerEndPoint
    pub fn channel_binding(mut self, policy: ChannelBinding) -> Self {
        self.bindings.policy = policy;
        self
    }

    /// The TLS server that clients see: its own certificate's, or that of a TLS terminator in front
    /// of this server. A [`SharedEndPoint`] can be replaced when the certificate is renewed.
    pub fn server_end_point(mut self, end_point: impl Into<SharedEndPoint>) -> Self {
        self.bindings.end_point = Some(end_point.into());
        self
    }
}
