//! SASL GSSAPI (RFC 4752), before ldap3 gets the connection.
//!
//! ldap3 can do it, too, and is not asked to: it takes a server's "success" before the server has
//! proved who it is, asks for the tickets of whoever runs the process, and blocks the runtime.
//! So the exchange is ours, and with it the TLS below it; what is left is passed on between the
//! server and ldap3.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::bind::Bind;
use super::exchange::{self, start_tls};
use super::failure::Failure;
use super::message::{Operation, Reply};
use super::server::TlsFrom;
use super::tls::Tls;
use crate::channel_binding::ServerEndPoint;
use crate::kerberos::Account;

/// A connection on which the account is bound.
pub(super) struct Bound {
    /// ldap3's end.
    pub(super) stream: std::os::unix::net::UnixStream,
    /// Passes on what both sides say, until one ends.
    pub(super) passing_on: PassingOn,
    /// The end of the ticket, after which nobody is bound any more.
    pub(super) until: Option<Instant>,
}

pub(super) struct PassingOn {
    server: Box<dyn Stream>,
    client: UnixStream,
}

impl PassingOn {
    pub(super) async fn run(mut self) {
        let _ = copy_bidirectional(&mut self.server, &mut self.client).await;
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Binds as the account on a fresh connection to this host.
pub(super) async fn bind(
    mut stream: TcpStream,
    host: &str,
    tls: Option<(&Tls, TlsFrom)>,
    account: &std::sync::Arc<Account>,
) -> Result<Bound, Failure> {
    if tls.is_some_and(|(_, from)| from == TlsFrom::StartTls) {
        start_tls(&mut stream).await?;
    }
    let mut server = Server {
        stream: Box::new(stream),
        last_id: 0,
    };
    let mut channel_binding = None;
    if let Some((tls, _)) = tls {
        (server, channel_binding) = server.into_tls(tls, host).await?;
    }
    let lifetime = server.sign_in(host, channel_binding, account).await?;
    let (ours, theirs) = UnixStream::pair().map_err(Failure::io)?;
    Ok(Bound {
        stream: theirs.into_std().map_err(Failure::io)?,
        passing_on: PassingOn {
            server: server.stream,
            client: ours,
        },
        until: lifetime.map(|lifetime| Instant::now() + lifetime),
    })
}

/// A server that is asked one thing after the other.
struct Server {
    stream: Box<dyn Stream>,
    last_id: u8,
}

impl Server {
    /// With the channel binding of the server's certificate, if it has one (RFC 5929 section 4).
    async fn into_tls(self, tls: &Tls, host: &str) -> Result<(Self, Option<Vec<u8>>), Failure> {
        let invalid = |error| Failure::io(std::io::Error::other(error));
        let host = ServerName::try_from(host.to_owned()).map_err(invalid)?;
        let connector = TlsConnector::from(tls.config());
        let stream = connector.connect(host, self.stream).await;
        let stream = stream.map_err(Failure::io)?;
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        // A signature without a hash function, such as Ed25519, has no binding.
        let end_point = certificate.and_then(|found| ServerEndPoint::from_der(found).ok());
        let binding = end_point.map(|end_point| end_point.application_data().to_vec());
        let server = Self {
            stream: Box::new(stream),
            ..self
        };
        Ok((server, binding))
    }

    /// How long the account's ticket lives.
    async fn sign_in(
        &mut self,
        host: &str,
        channel_binding: Option<Vec<u8>>,
        account: &std::sync::Arc<Account>,
    ) -> Result<Option<Duration>, Failure> {
        let refused = |reply: Reply| Bind::Gssapi(account.clone()).refused(reply.code, reply.text);
        let (sign_in, token) = account.sign_in("ldap", host, channel_binding).await?;
        let proof = match self.ask(&Operation::Bind(Some(&token))).await? {
            Reply {
                code: GOES_ON,
                credentials: Some(proof),
                ..
            } => proof,
            // Nobody has proved anything yet, whatever the server calls it.
            Reply {
                code: 0 | GOES_ON, ..
            } => return Err(Failure::Unproved),
            refusal => return Err(refused(refusal)),
        };
        let mut signed_in = sign_in.prove(proof).await?;
        let offer = match self.ask(&Operation::Bind(None)).await? {
            Reply {
                code: GOES_ON,
                credentials: Some(offer),
                ..
            } => signed_in.unwrap(offer).await?,
            Reply {
                code: 0 | GOES_ON, ..
            } => return Err(Failure::Unproved),
            refusal => return Err(refused(refusal)),
        };
        // A set of layers, then the size of the server's buffer (RFC 4752 section 3.1).
        match <[u8; 4]>::try_from(offer) {
            Ok([layers, ..]) if layers & NO_LAYER != 0 => {}
            Ok(_) => return Err(Failure::WantsLayer),
            Err(_) => return Err(Failure::Garbled),
        }
        // The account's own name, and with no layer there is no buffer.
        let choice = signed_in.wrap(vec![NO_LAYER, 0, 0, 0]).await?;
        match self.ask(&Operation::Bind(Some(&choice))).await? {
            Reply { code: 0, .. } => Ok(signed_in.lifetime()),
            refusal => Err(refused(refusal)),
        }
    }

    async fn ask(&mut self, operation: &Operation<'_>) -> Result<Reply, Failure> {
        self.last_id += 1;
        exchange::ask(&mut self.stream, operation, self.last_id).await
    }
}

/// `saslBindInProgress` (RFC 4511 section 4.1.9).
const GOES_ON: u32 = 14;

const NO_LAYER: u8 = 1;
