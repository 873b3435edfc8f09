//! What the rehearsal is sent to: this machine, unless another one is named.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::Uri;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::terminal::failure::{Failure, Result};

/// Where the service is. Only addresses that were checked are connected to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Scheme, host and port, and a path if there is one, without a slash at its end.
    base: String,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Target {
    /// Resolves the host of `url`. All its addresses have to be of this machine, unless
    /// `allowed` is that host.
    pub(crate) async fn find(url: &str, allowed: Option<&str>) -> Result<Self> {
        let place =
            Place::read(url).map_err(|what| Failure::new(format!("--url {url}: {what}")))?;
        let host = place.host.as_str();
        let found = lookup_host((host, place.port)).await;
        let addresses: Vec<_> = found
            .map_err(|error| Failure::new(format!("--url {url}: `{host}` is not found: {error}")))?
            .collect();
        check(host, &addresses, allowed).map_err(Failure::new)?;
        Ok(Self { base: place.base, addresses })
    }

    /// The whole address of a path.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Whether anybody is there at all.
    pub(crate) async fn is_up(&self) -> Result<()> {
        match timeout(PATIENCE, TcpStream::connect(self.addresses.as_slice())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::new(format!("{self}: nothing answers there: {error}"))),
            Err(_) => Err(Failure::new(format!("{self}: no connection within {PATIENCE:?}"))),
        }
    }
}

/// How long the first connection may take.
const PATIENCE: Duration = Duration::from_secs(3);

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// What an URL says.
#[derive(Debug, PartialEq)]
struct Place {
    base: String,
    host: String,
    port: u16,
}

impl Place {
    fn read(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("no URL: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err("has to begin with http:// (for TLS, ask the service behind it)".to_owned());
        }
        let authority = uri.authority().ok_or("no host")?;
        if authority.as_str().contains('@') {
            return Err("may have no user and no password; say them in `headers`".to_owned());
        }
        if uri.query().is_some() {
            return Err("may have no query; say it in `route`".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            base: format!("http://{authority}{path}"),
            host,
            port: uri.port_u16().unwrap_or(80),
        })
    }
}

fn check(host: &str, addresses: &[SocketAddr], allowed: Option<&str>) -> Result<(), String> {
    if addresses.is_empty() {
        return Err(format!("--url: `{host}` has no address"));
    }
    if allowed.is_some_and(|allowed| allowed.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    match addresses.iter().map(SocketAddr::ip).find(|address| !is_here(*address)) {
        None => Ok(()),
        Some(address) => Err(format!(
            "--url: `{host}` is at {address}, which is not this machine; if it is yours and may \
             break, say --allow-host {host}"
        )),
    }
}

fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(addresses: &[&str]) -> Vec<SocketAddr> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        addresses.map(|address: IpAddr| SocketAddr::new(address, 80)).collect()
    }

    #[test]
    fn only_this_machine_is_a_target() {
        assert_eq!(check("shop", &at(&["127.0.0.1", "::1", "127.9.9.9"]), None), Ok(()));
        assert_eq!(check("shop", &at(&["::ffff:127.0.0.1"]), None), Ok(()));
        for other in ["192.0.2.1", "0.0.0.0", "::", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            let said = check("shop", &at(&["127.0.0.1", other]), None).unwrap_err();
            assert!(said.contains("--allow-host shop"), "one of several is enough: {said}");
        }
        assert!(check("shop", &[], Some("shop")).is_err());
    }

    #[test]
    fn a_host_is_allowed_by_its_very_name() {
        let far = at(&["192.0.2.1"]);
        assert_eq!(check("shop.example", &far, Some("Shop.Example")), Ok(()));
        for other in ["example", "shop.example.org", "*.example", "", "192.0.2.1"] {
            assert!(check("shop.example", &far, Some(other)).is_err(), "{other}");
        }
    }

    #[test]
    fn an_url_is_host_port_and_path() {
        let read = |url| Place::read(url).map(|place| (place.base, place.host, place.port));
        let place = |base: &str, host: &str, port| Ok((base.to_owned(), host.to_owned(), port));
        assert_eq!(read("http://shop"), place("http://shop", "shop", 80));
        assert_eq!(read("http://[::1]:3000/v1/"), place("http://[::1]:3000/v1", "::1", 3000));
        for wrong in ["https://shop", "shop", "/path", "http://me:pw@127.0.0.1", "http://a/?q=1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        // Whoever is named before an @ is not the host.
        assert!(read("http://127.0.0.1@shop.example/").is_err());
    }

    #[tokio::test]
    async fn an_address_elsewhere_is_refused_before_anything_is_sent() {
        let said = Target::find("http://192.0.2.1:3000", None).await.unwrap_err().to_string();
        assert!(said.contains("not this machine"), "{said}");
        let target = Target::find("http://127.0.0.1:3000", None).await.unwrap();
        assert_eq!(target.uri("/a?b=1"), "http://127.0.0.1:3000/a?b=1");
    }
}
