//! The address of a service as people write it in, the one that requests go to out.

use url::{Host, Url};

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Scheme, host and port; no `/` at its end.
    pub base: String,
    /// Whether it is this machine.
    pub is_here: bool,
    /// Whether what is sent there crosses a network in clear.
    pub in_clear: bool,
}

/// Reads an address such as `https://counterplay.msp.example`; nothing where it is none, or has a path or a name.
pub fn read(text: &str) -> Option<Address> {
    let read = Url::parse(text.trim()).ok()?;
    let bare = read.path() == "/"
        && read.query().is_none()
        && read.fragment().is_none()
        && read.username().is_empty()
        && read.password().is_none();
    let is_here = match read.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let in_clear = match read.scheme() {
        "https" => false,
        "http" => !is_here,
        _ => return None,
    };
    bare.then(|| Address {
        base: read.origin().ascii_serialization(),
        is_here,
        in_clear,
    })
}
