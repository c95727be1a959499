//! An HTTP request in, a response out: the one place where connectors touch the network.
//!
//! The real one is two HTTP clients; a simulation puts one of its own in their place, in which answers are late, lost
//! or come twice as its seed says.

use super::ConnectError;
use super::send::client;
use reqwest::{Client, Request, Response};
use std::future::Future;
use std::pin::Pin;

/// A response that is on its way.
pub type Carried<'a> = Pin<Box<dyn Future<Output = Result<Response, WireError>> + Send + 'a>>;

/// Carries requests.
pub trait Wire: Send + Sync + 'static {
    /// Sends one request once. `private` says whether it may reach private networks.
    fn carry(&self, request: Request, private: bool) -> Carried<'_>;

    /// Hands a mail over, where this wire does that itself; nothing where a mail server is to be talked to.
    fn post<'a>(&'a self, _mail: Mail<'a>) -> Option<Posted<'a>> {
        None
    }
}

/// A mail that is handed over.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// The sender's address.
    pub from: &'a str,
    /// To whom.
    pub to: &'a [String],
    /// Headers and text.
    pub text: &'a [u8],
}

/// A mail on its way.
pub type Posted<'a> = Pin<Box<dyn Future<Output = Result<(), WireError>> + Send + 'a>>;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// What the HTTP client says.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// The service was not reached: the request was certainly not carried out.
    #[error("the service could not be reached")]
    NotReached,
    /// It was sent, and no answer came within its time.
    #[error("no answer came")]
    Lost,
}

/// The network.
pub(super) struct Internet {
    /// For connections that stay on the public internet.
    public: Client,
    /// For connections that may reach private networks.
    anywhere: Client,
}

impl Internet {
    pub(super) fn new() -> Result<Internet, ConnectError> {
        Ok(Internet {
            public: client(false).map_err(ConnectError::Client)?,
            anywhere: client(true).map_err(ConnectError::Client)?,
        })
    }
}

impl Wire for Internet {
    fn carry(&self, request: Request, private: bool) -> Carried<'_> {
        let client = if private {
            &self.anywhere
        } else {
            &self.public
        };
        Box::pin(async move { Ok(client.execute(request).await?) })
    }
}
