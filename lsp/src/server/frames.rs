//! Bytes from an editor in, whole messages out; what is no message is answered here, and the server goes on.
//!
//! The library behind the server stops reading at the first message that it cannot decode, and passes over
//! requests that begin with `$/`. Neither may end or block somebody's editing session.

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
    DuplexStream,
};
use tokio::sync::Mutex;

/// The longest message that is read, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How much may be under way between us and the library, in bytes.
const PIPE_BYTES: usize = 1 << 20;

const PARSE_ERROR: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;
const METHOD_NOT_FOUND: i64 = -32_601;

/// What a message is.
enum Verdict {
    /// The library takes it.
    Pass,
    /// The library would not answer it rightly: the answer.
    Answer(Value),
}

/// Reads frames from an editor, hands the good ones on, and answers the others, until the input ends.
pub(crate) async fn read(
    input: impl AsyncRead + Unpin,
    mut on: DuplexStream,
    output: &Mutex<impl AsyncWrite + Unpin>,
) {
    let mut input = BufReader::new(input);
    while let Some(body) = frame(&mut input).await {
        let sent = match judge(&body) {
            Verdict::Pass => write(&mut on, &body).await,
            Verdict::Answer(answer) => {
                let answer = answer.to_string();
                write(&mut *output.lock().await, answer.as_bytes()).await
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Takes frames from the library and writes each as a whole.
pub(crate) async fn forward(from: DuplexStream, output: &Mutex<impl AsyncWrite + Unpin>) {
    let mut from = BufReader::new(from);
    while let Some(body) = frame(&mut from).await {
        if write(&mut *output.lock().await, &body).await.is_err() {
            return;
        }
    }
}

/// Two ends of a pipe.
pub(crate) fn pipe() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(PIPE_BYTES)
}

/// The body of the next frame; nothing at the end. Lines that are no header are passed over.
async fn frame(input: &mut (impl AsyncBufRead + Unpin)) -> Option<Vec<u8>> {
    let mut length: Option<usize> = None;
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        match (line.is_empty(), length) {
            (true, Some(length)) if length <= MESSAGE_BYTES_MAX => {
                let mut body = vec![0; length];
                input.read_exact(&mut body).await.ok()?;
                return Some(body);
            }
            // Longer than anything that an editor sends: passed over like a line that is no header.
            (true, _) => length = None,
            (false, _) => {
                if let Some((name, value)) = line.split_once(':')
                    && name.trim().eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().ok();
                }
            }
        }
    }
}

async fn write(to: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> std::io::Result<()> {
    let head = format!("Content-Length: {}\r\n\r\n", body.len());
    to.write_all(head.as_bytes()).await?;
    to.write_all(body).await?;
    to.flush().await
}

fn judge(body: &[u8]) -> Verdict {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return refused(&Value::Null, PARSE_ERROR, "this message is no JSON");
    };
    let id = message.get("id").cloned().unwrap_or(Value::Null);
    if let (Some(Value::String(method)), false) = (message.get("method"), id.is_null())
        && method.starts_with("$/")
    {
        return refused(
            &id,
            METHOD_NOT_FOUND,
            "this server does not know that method",
        );
    }
    let is_call = matches!(message.get("method"), Some(Value::String(_)));
    let is_answer = !id.is_null()
        && message.get("method").is_none()
        && (message.get("result").is_some() || message.get("error").is_some());
    if is_call || is_answer {
        return Verdict::Pass;
    }
    refused(
        &id,
        INVALID_REQUEST,
        "this is no message of the protocol: it has neither a method nor a result",
    )
}

fn refused(id: &Value, code: i64, message: &str) -> Verdict {
    Verdict::Answer(json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": { "code": code, "message": message },
    }))
}
