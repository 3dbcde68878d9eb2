//! A loopback address that no other server has.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use crate::testing::port::random;

pub(super) const KERBEROS: u16 = 88;
pub(super) const LDAP: u16 = 389;
pub(super) const LDAPS: u16 = 636;
const KPASSWD: u16 = 464;
const GLOBAL_CATALOG: u16 = 3268;
const GLOBAL_CATALOG_TLS: u16 = 3269;

const TCP: [u16; 6] = [
    KERBEROS,
    LDAP,
    KPASSWD,
    LDAPS,
    GLOBAL_CATALOG,
    GLOBAL_CATALOG_TLS,
];
const UDP: [u16; 3] = [KERBEROS, LDAP, KPASSWD];

/// Samba's ports are fixed, so each server has an address; ours for as long as this lives.
#[derive(Debug)]
pub(super) struct Address {
    ip: Ipv4Addr,
    _claim: TcpListener,
}

impl Address {
    /// Claims an address on which Samba's ports are free.
    pub(super) fn claim() -> io::Result<Self> {
        let mut last_error = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..20 {
            let ip = draw();
            match try_claim(ip) {
                Ok(claim) => return Ok(Self { ip, _claim: claim }),
                Err(error) => last_error = error,
            }
        }
        Err(io::Error::new(
            last_error.kind(),
            format!(
                "no loopback address has a domain controller's ports free; does a KDC or an LDAP \
                 server listen on 0.0.0.0? {last_error}"
            ),
        ))
    }

    pub(super) fn ip(&self) -> Ipv4Addr {
        self.ip
    }

    pub(super) fn port(&self, port: u16) -> SocketAddr {
        (self.ip, port).into()
    }
}

/// Outside of 127.0.0.0/16, where a machine's own servers are.
fn draw() -> Ipv4Addr {
    let [third, fourth] = random().to_be_bytes();
    let second = random() % 254 + 1;
    Ipv4Addr::new(127, second as u8, third, fourth.clamp(1, 254))
}

/// The claim is a listener on port 1, which only one process can have.
fn try_claim(ip: Ipv4Addr) -> io::Result<TcpListener> {
    let claim = TcpListener::bind((ip, 1))?;
    for port in TCP {
        TcpListener::bind((ip, port))?;
    }
    for port in UDP {
        UdpSocket::bind((ip, port))?;
    }
    Ok(claim)
}
