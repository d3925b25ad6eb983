//! Ports for the servers that tests start.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Where pairs are taken from: below the ports that Linux gives to outgoing connections (`ip_local_port_range`, from 32768 on).
/// One of those may be a client's by the time a killed server starts again on its port.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A port for the API of `streamforge up`, free as is the one after it for files, and no other test's until this process ends.
pub(crate) fn free_pair() -> u16 {
    loop {
        let port = fastrand::u16(PORTS) & !1;
        // Nobody here serves UDP, so its port of this number tells other tests that the pair is taken.
        let Ok(taken) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) else {
            continue;
        };
        let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if is_free(port) && is_free(port + 1) {
            std::mem::forget(taken);
            return port;
        }
    }
}
