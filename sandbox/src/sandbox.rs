//! In: options. Out: a running sandbox, and the handle that reads and steers it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fault::Fault;
use crate::listener::{Gate, Switch};
use crate::record::RecordedRequest;
use crate::tenant::Tenant;
use crate::world::Shared;
use crate::{demo_tenant, http, notify, smtp};

/// How long [`Sandbox::stop`] waits for answers that are under way.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Where a sandbox listens and what it holds at first.
#[derive(Clone, Debug)]
pub struct Options {
    /// The HTTP address; port 0 takes a free one.
    pub http: SocketAddr,
    /// The SMTP address; port 0 takes a free one.
    pub smtp: SocketAddr,
    /// The initial state, to which `POST /sandbox/reset` returns.
    pub tenant: Tenant,
}

impl Default for Options {
    /// Free ports on 127.0.0.1 and the [`demo_tenant`].
    fn default() -> Options {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Options {
            http: any,
            smtp: any,
            tenant: demo_tenant(),
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens there.
    #[error(
        "the {service} address {address} is already in use; choose another port, or 0 for a free one"
    )]
    PortTaken {
        /// `HTTP` or `SMTP`.
        service: &'static str,
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen for {service} on {address}: {source}")]
    Listen {
        /// `HTTP` or `SMTP`.
        service: &'static str,
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A running sandbox. Dropping it stops it without waiting.
pub struct Sandbox {
    world: Shared,
    http: SocketAddr,
    smtp: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Opens both ports and answers on them until the sandbox is stopped or dropped.
    pub async fn start(options: Options) -> Result<Sandbox, StartError> {
        let (web, http) = listen("HTTP", options.http).await?;
        let (mail, smtp) = listen("SMTP", options.smtp).await?;
        let world = Shared::new(options.tenant);
        let (stop, stopped) = watch::channel(false);
        let client = reqwest::Client::new();
        let router = http::router(world.clone(), http, stopped.clone(), client.clone())
            .into_make_service_with_connect_info::<Switch>();
        let until = wait_for_stop(stopped.clone());
        let serve = axum::serve(Gate(web), router).with_graceful_shutdown(until);
        let tasks = vec![
            tokio::spawn(async move {
                // Its only error is never returned: accept retries by itself.
                let _ = serve.await;
            }),
            tokio::spawn(smtp::serve(mail, world.clone(), stopped.clone())),
            tokio::spawn(notify::serve(world.clone(), client, stopped)),
        ];
        Ok(Sandbox {
            world,
            http,
            smtp,
            stop,
            tasks,
        })
    }

    /// Where HTTP is answered.
    pub fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// Where mail is accepted.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp
    }

    /// `http://127.0.0.1:PORT`, the start of every service's base.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// A snapshot of the state.
    pub fn state(&self) -> Tenant {
        self.world.lock().tenant.clone()
    }

    /// The last 10,000 calls that arrived, oldest first; those to `/sandbox` and `/` are left out.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world.lock().requests()
    }

    /// Adds trouble. Faults are tried in the order in which they were added.
    pub fn inject(&self, fault: Fault) {
        self.world.lock().faults.push(fault);
    }

    /// Ends all trouble.
    pub fn clear_faults(&self) {
        self.world.lock().faults.clear();
    }

    /// Changes the state, as if by another person or program.
    pub fn update(&self, change: impl FnOnce(&mut Tenant)) {
        change(&mut self.world.lock().tenant);
    }

    /// Forgets every subscription, as if they had lapsed.
    pub fn drop_subscriptions(&self) {
        self.world.lock().subscriptions.clear();
    }

    /// Closes both ports. Answers under way get two seconds.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for mut task in self.tasks {
            if tokio::time::timeout(STOP_WAIT, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

async fn listen(
    service: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { service, address },
        _ => StartError::Listen {
            service,
            address,
            source,
        },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Ends when the sandbox is stopped or dropped.
pub(crate) async fn wait_for_stop(mut stopped: watch::Receiver<bool>) {
    // An error means that the handle was dropped: stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}
