//! Ports that no other test gets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// A port of 127.0.0.1, ours for as long as this lives.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    _claim: TcpListener,
}

impl Port {
    /// Claims a port that is free for TCP and UDP.
    ///
    /// krb5kdc binds with SO_REUSEPORT: two KDCs on one port both start, and answer each other's
    /// clients. So the claim is a listener on 127.0.0.2, which only one process can have. The
    /// numbers are below the range from which the kernel serves outgoing connections, else one of
    /// those could take the port while the server is stopped.
    pub(super) fn claim() -> io::Result<Self> {
        let mut last_error = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..200 {
            let number = 10_000 + random() % 22_000;
            match Self::try_claim(number) {
                Ok(claim) => {
                    return Ok(Self {
                        number,
                        _claim: claim,
                    });
                }
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    fn try_claim(number: u16) -> io::Result<TcpListener> {
        let claim = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), number))?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number))?;
        UdpSocket::bind((Ipv4Addr::LOCALHOST, number))?;
        Ok(claim)
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// Where a server listens on it.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

pub(super) fn random() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(0_u8) % 65_536) as u16
}
