//! In: SMTP connections. Out: mails, parsed and kept in the tenant.
//!
//! The crate `mailin` knows the protocol and `mail-parser` knows MIME; here is only the I/O between them.
//! Signing in is possible with the application's credentials and not required. There is no TLS.

use std::net::IpAddr;

use mail_parser::MessageParser;
use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder, response};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ids;
use crate::sandbox::wait_for_stop;
use crate::tenant::{Mail, Via};
use crate::world::Shared;

/// The largest mail that is taken.
const MAIL_MAX_BYTES: usize = 10 * 1024 * 1024;
/// The longest line that is read.
const LINE_MAX_BYTES: u64 = 64 * 1024;
/// The name in the greeting.
const HOST: &str = "sandbox.contoso.example";

/// Accepts connections until the sandbox stops; then ends those that are open.
pub(crate) async fn serve(listener: TcpListener, world: Shared, stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = wait_for_stop(stopped.clone()) => break,
            accepted = listener.accept() => {
                if let Ok((stream, peer)) = accepted {
                    connections.spawn(converse(stream, peer.ip(), world.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

/// One connection; an I/O error ends it.
async fn converse(stream: TcpStream, peer: IpAddr, world: Shared) {
    let mut builder = SessionBuilder::new(HOST);
    let open = builder.build(peer, Receiver::new(world.clone()));
    builder
        .enable_auth(AuthMechanism::Plain)
        .enable_auth(AuthMechanism::Login)
        .insecure_enable_plaintext_auth();
    let mut talk = Talk {
        session: builder.build(peer, Receiver::new(world)),
        open: Some(open),
        hello: None,
    };
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    if send(&mut write, &talk.session.greeting()).await.is_err() {
        return;
    }
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut read).take(LINE_MAX_BYTES);
        match limited.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) if !line.ends_with(b"\n") => return,
            Ok(_) => {}
        }
        let answer = talk.hear(&line);
        let sent = match answer.action {
            Action::NoReply => Ok(()),
            _ => send(&mut write, &answer).await,
        };
        if sent.is_err() || answer.action == Action::Close {
            return;
        }
    }
}

async fn send(write: &mut (impl AsyncWriteExt + Unpin), answer: &Response) -> std::io::Result<()> {
    write.write_all(&answer.buffer()?).await
}

/// A session that asks for authentication, and falls back to one that does not when the client begins
/// a mail without: `mailin` knows only "required" and "not offered".
struct Talk {
    session: Session<Receiver>,
    open: Option<Session<Receiver>>,
    hello: Option<Vec<u8>>,
}

impl Talk {
    fn hear(&mut self, line: &[u8]) -> Response {
        let verb: Vec<u8> = line.iter().take(4).map(u8::to_ascii_uppercase).collect();
        if self.open.is_some() {
            match verb.as_slice() {
                b"EHLO" => self.hello = Some(line.to_vec()),
                b"HELO" | b"MAIL" => {
                    if let Some(mut open) = self.open.take() {
                        if let Some(hello) = &self.hello {
                            open.process(hello);
                        }
                        self.session = open;
                    }
                }
                _ => {}
            }
        }
        let answer = self.session.process(line);
        if answer.code == response::AUTH_OK.code {
            self.open = None;
        }
        answer
    }
}

/// Takes in one mail after another.
struct Receiver {
    world: Shared,
    from: String,
    to: Vec<String>,
    data: Vec<u8>,
}

impl Receiver {
    fn new(world: Shared) -> Receiver {
        Receiver {
            world,
            from: String::new(),
            to: Vec::new(),
            data: Vec::new(),
        }
    }

    fn check(&self, user: &str, password: &str) -> Response {
        let world = self.world.lock();
        let app = &world.tenant.app;
        if user == app.client_id && password == app.client_secret {
            response::AUTH_OK
        } else {
            response::INVALID_CREDENTIALS
        }
    }
}

impl Handler for Receiver {
    fn data_start(&mut self, _domain: &str, from: &str, _is_8bit: bool, to: &[String]) -> Response {
        self.from = from.to_owned();
        self.to = to.to_vec();
        self.data.clear();
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.data.len() <= MAIL_MAX_BYTES {
            self.data.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        if self.data.len() > MAIL_MAX_BYTES {
            return response::NO_STORAGE;
        }
        let Some(mail) = read(&self.from, &self.to, &self.data) else {
            return response::TRANSACTION_FAILED;
        };
        self.world.lock().tenant.mails.push(mail);
        response::OK
    }

    fn auth_plain(&mut self, _authorization: &str, user: &str, password: &str) -> Response {
        self.check(user, password)
    }

    fn auth_login(&mut self, user: &str, password: &str) -> Response {
        self.check(user, password)
    }
}

/// A mail as it was handed over, where its text is one.
pub(crate) fn read(from: &str, to: &[String], data: &[u8]) -> Option<Mail> {
    let message = MessageParser::default().parse(data)?;
    let has_html = message.html_bodies().any(|part| part.is_text_html());
    Some(Mail {
        via: Via::Smtp,
        from: from.to_owned(),
        to: to.to_vec(),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: message.body_text(0).unwrap_or_default().into_owned(),
        html: has_html
            .then(|| message.body_html(0).map(|html| html.into_owned()))
            .flatten(),
        message_id: message.message_id().map(str::to_owned),
        received: ids::now(),
    })
}
