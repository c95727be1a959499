//! Requests in; a status out at once, and when each came, with its path or its body.

use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Whatever a request holds, its answer's status and body.
pub type Answers = fn(&str) -> (u16, &'static str);

/// No answer at all.
pub const SILENCE: (u16, &str) = (0, "");

/// A service that keeps nothing: for measurements, in which it must not be what is measured.
pub struct Target {
    /// Where it is.
    pub base: String,
    /// What came, and when: the body, or the path of what has none.
    pub arrivals: UnboundedReceiver<(Instant, String)>,
}

impl Target {
    /// Starts one that takes whatever comes. It ends with the runtime that it was started in.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Target {
        Target::answering(|_| (200, "")).await
    }

    /// Starts one that answers as it is told.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn answering(answers: Answers) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (tell, arrivals) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, tell.clone(), answers));
            }
        });
        Target { base, arrivals }
    }
}

async fn answer(mut stream: TcpStream, tell: UnboundedSender<(Instant, String)>, answers: Answers) {
    let _ = stream.set_nodelay(true);
    let mut seen = Vec::new();
    loop {
        while let Some((asked, rest)) = request(&seen) {
            let asked = String::from_utf8_lossy(asked).into_owned();
            seen.drain(..rest);
            let (status, body) = answers(&asked);
            let _ = tell.send((Instant::now(), asked));
            if status == SILENCE.0 {
                continue;
            }
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
        match stream.read_buf(&mut seen).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The body of the first request, or its path where it has none, and where the next one begins; `None` where it has not all
/// come.
fn request(seen: &[u8]) -> Option<(&[u8], usize)> {
    let head = seen.windows(4).position(|w| w == b"\r\n\r\n")?;
    let lines = std::str::from_utf8(seen.get(..head)?).ok()?.lines();
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(Some(0), |(_, n)| n.trim().parse().ok())?;
    let body = head + 4;
    let asked = match length {
        0 => seen.split(|byte| *byte == b' ').nth(1)?,
        _ => seen.get(body..body + length)?,
    };
    Some((asked, body + length))
}

#[cfg(test)]
mod tests {
    use super::request;

    #[test]
    fn requests_are_taken_apart() {
        let one = b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET";
        assert_eq!(request(one), Some((&b"abc"[..], one.len() - 3)));
        assert_eq!(request(&one[..one.len() - 4]), None);
        assert_eq!(request(b"GET / HTTP/1.1\r\n\r\n"), Some((&b"/"[..], 18)));
        assert_eq!(request(b"GET / HTTP/1.1\r\n"), None);
    }
}
