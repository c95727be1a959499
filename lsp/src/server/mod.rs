//! The protocol in, features out: a thin shell. It keeps the order of edits, stops what became stale, and
//! translates; it knows nothing of the language.
//!
//! Handlers run interleaved. Each takes the world's lock as its first `await`, in the order in which messages
//! came, changes what it has to change before it awaits anything else, and computes on a snapshot in a thread
//! of its own. A change cancels what is still being computed.

mod ask;
mod capabilities;
mod convert;
mod frames;
mod handlers;
mod open;
mod publish;
mod uri;

use crate::disk::Disk;
use crate::world::World;
use open::Editor;
use publish::Published;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, Notify};
use tower_lsp::{Client, LspService};

/// How many requests are worked on at once.
const AT_ONCE: usize = 4;

/// What handlers share.
pub(crate) struct Shared {
    /// Documents and projects.
    pub(crate) world: Mutex<World>,
    /// What the editor can do, and how it writes the addresses of its documents.
    pub(crate) editor: std::sync::RwLock<Arc<Editor>>,
    /// What the editor was told of each file.
    pub(crate) published: Mutex<Published>,
    /// Something changed: findings have to be looked for again.
    pub(crate) changed: Notify,
    /// Whether the editor said that it is about to leave.
    pub(crate) shut_down: AtomicBool,
}

impl Shared {
    /// What is known of the editor now.
    pub(crate) fn editor(&self) -> Arc<Editor> {
        match self.editor.read() {
            Ok(editor) => editor.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// Learns something of the editor.
    pub(crate) fn learn(&self, f: impl FnOnce(&mut Editor)) {
        let mut editor = match self.editor.write() {
            Ok(editor) => editor,
            Err(poisoned) => poisoned.into_inner(),
        };
        f(Arc::make_mut(&mut editor));
    }
}

/// The server.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) shared: Arc<Shared>,
}

/// Serves one editor over an input and an output, such as the standard ones, until it leaves. Whether it left in
/// good order comes out: after `shutdown`, as the protocol asks.
pub async fn serve(
    disk: Arc<dyn Disk>,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> bool {
    let shared = Arc::new(Shared {
        world: Mutex::new(World::new(disk)),
        editor: std::sync::RwLock::default(),
        published: Mutex::new(Published::default()),
        changed: Notify::new(),
        shut_down: AtomicBool::new(false),
    });
    let of_service = shared.clone();
    let (service, socket) = LspService::build(move |client| Server {
        client,
        shared: of_service.clone(),
    })
    .custom_method("counterplay/machine", Server::machine)
    .custom_method("workspace/textDocumentContent", Server::content)
    .finish();
    let (to_service, from_editor) = frames::pipe();
    let (to_editor, from_service) = frames::pipe();
    let output = Mutex::new(output);
    let serving = tower_lsp::Server::new(from_editor, to_editor, socket)
        .concurrency_level(AT_ONCE)
        .serve(service);
    let forwarding = frames::forward(from_service, &output);
    let reading = frames::read(input, to_service, &output);
    // The service ends with the editor's `exit` or with its input; what it wrote last still goes out.
    let served = async { tokio::join!(serving, forwarding) };
    tokio::pin!(served, reading);
    tokio::select! {
        _ = &mut served => {}
        () = &mut reading => {
            served.await;
        }
    }
    shared.shut_down.load(Ordering::SeqCst)
}
