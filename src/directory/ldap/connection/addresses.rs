//! A connection to a host that may have several addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long an address may be silent before the next one is tried beside it (RFC 8305 section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Who knows a host's addresses.
#[derive(Debug, Clone, Default)]
pub(in super::super) enum Names {
    /// The system: `/etc/hosts`, DNS, and whatever else it is set up for.
    #[default]
    System,
    /// DNS, as the servers themselves.
    #[cfg(feature = "srv")]
    Dns(super::super::dns::Dns),
}

/// That a host has no address, as whoever was asked says.
#[derive(Debug)]
pub(in super::super) struct UnknownHost(io::Error);

impl fmt::Display for UnknownHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for UnknownHost {}

impl Names {
    pub(super) async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let addresses = self.addresses(host, port).await;
        let addresses = addresses.map_err(|error| io::Error::other(UnknownHost(error)))?;
        connect_to_any(&addresses).await
    }

    pub(in super::super) async fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> io::Result<Vec<SocketAddr>> {
        Ok(match (self, host.parse::<IpAddr>()) {
            (_, Ok(ip)) => vec![SocketAddr::new(ip, port)],
            (Self::System, Err(_)) => tokio::net::lookup_host((host, port)).await?.collect(),
            #[cfg(feature = "srv")]
            (Self::Dns(dns), Err(_)) => {
                let addresses = dns.addresses(host).await?;
                addresses.map(|ip| SocketAddr::new(ip, port)).collect()
            }
        })
    }
}

/// Whichever answers. Each gets its start when those before it have failed, or have said nothing for
/// a while: an address that swallows what is sent to it keeps nobody from the next.
async fn connect_to_any(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut left = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    loop {
        let next = left.next();
        if let Some(address) = next {
            attempts.spawn(TcpStream::connect(address));
        }
        let ended = match next {
            Some(_) => timeout(NEXT_ADDRESS, attempts.join_next()).await,
            None => Ok(attempts.join_next().await),
        };
        match ended {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(failure)))) => error = failure,
            Ok(Some(Err(panic))) => error = io::Error::other(panic),
            Ok(None) => return Err(error),
            // The next one beside it.
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Accepts no connection, since its queue is full: what is sent to it is lost.
    async fn black_hole() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let listener = socket.listen(1).unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) =
            timeout(Duration::from_millis(200), TcpStream::connect(address)).await
        {
            queued.push(stream.unwrap());
        }
        (listener, queued, address)
    }

    async fn refusing() -> SocketAddr {
        listener().await.1
    }

    #[tokio::test]
    async fn an_address_that_swallows_everything_does_not_eat_the_time_of_the_next() {
        let (_hole, _queued, hole) = black_hole().await;
        let (_listener, address) = listener().await;
        let started = Instant::now();
        let addresses = [hole, hole, refusing().await, address];
        let stream = timeout(LONG, connect_to_any(&addresses));
        let stream = stream.await.expect("in time").unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        assert!(started.elapsed() >= 2 * NEXT_ADDRESS);
    }

    #[tokio::test]
    async fn where_all_refuse_the_last_refusal_is_the_reason() {
        let addresses = [refusing().await, refusing().await];
        let error = timeout(LONG, connect_to_any(&addresses)).await.unwrap();
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let error = connect_to_any(&[]).await.unwrap_err();
        assert!(error.to_string().contains("no address"), "{error}");
    }
}
