//! Whether the ports are free, or who answers there.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use url::Url;

use super::Finding;
use crate::client::{Client, ClientError};

/// Looks at the two ports of a node. Returns also the service that runs there.
pub(super) async fn look(port: u16) -> (Vec<Finding>, Option<Url>) {
    if let Some(server) = running(port).await {
        let what = format!("ports {port} and {}: StreamForge runs there", port + 1);
        return (vec![Finding::good(what)], Some(server));
    }
    let findings = [port, port + 1].map(|port| match bind(port) {
        Ok(()) => Finding::good(format!("port {port} is free")),
        Err(ErrorKind::AddrInUse) => {
            let what = format!("port {port} is in use by a program that is not StreamForge");
            let mend = match free_pair(port) {
                Some(other) => format!("streamforge up --port {other}"),
                None => "streamforge up --port PORT".to_owned(),
            };
            Finding::broken(
                what,
                format!("{mend} (who has it says: ss -ltnp sport = :{port})"),
            )
        }
        Err(kind) => Finding::broken(
            format!("port {port} cannot be had: {kind}"),
            "choose one above 1023: streamforge up --port 8080",
        ),
    });
    (findings.into(), None)
}

async fn running(port: u16) -> Option<Url> {
    let url = Url::parse(&format!("http://127.0.0.1:{port}")).ok()?;
    let client = Client::new(url.clone()).ok()?;
    let runs = match client.health().await {
        Ok(_) => true,
        // One that says what is wrong with it runs; others have problems of other kinds.
        Err(ClientError::Problem(problem)) => problem.is_ours(),
        Err(_) => false,
    };
    runs.then_some(url)
}

fn bind(port: u16) -> Result<(), ErrorKind> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bound.map(drop).map_err(|err| err.kind())
}

/// A port above `port` that is free with the next one.
fn free_pair(port: u16) -> Option<u16> {
    let mut others = (port.saturating_add(2)..u16::MAX).step_by(10).take(100);
    others.find(|other| bind(*other).is_ok() && bind(other + 1).is_ok())
}
