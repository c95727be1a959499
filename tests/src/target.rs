//! Requests in; `200` out at once, and when each came, with its body.

use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A service that takes whatever comes and keeps nothing: for measurements, in which it must not be what is measured.
pub struct Target {
    /// Where it is.
    pub base: String,
    /// What came, and when.
    pub arrivals: UnboundedReceiver<(Instant, String)>,
}

impl Target {
    /// Starts it. It ends with the runtime that it was started in.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (tell, arrivals) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, tell.clone()));
            }
        });
        Target { base, arrivals }
    }
}

async fn answer(mut stream: TcpStream, tell: UnboundedSender<(Instant, String)>) {
    let _ = stream.set_nodelay(true);
    let mut seen = Vec::new();
    loop {
        while let Some((body, rest)) = request(&seen) {
            let _ = tell.send((Instant::now(), String::from_utf8_lossy(body).into_owned()));
            seen.drain(..rest);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
        match stream.read_buf(&mut seen).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The body of the first request, and where the next one begins; `None` where it has not all come.
fn request(seen: &[u8]) -> Option<(&[u8], usize)> {
    let head = seen.windows(4).position(|w| w == b"\r\n\r\n")?;
    let lines = std::str::from_utf8(seen.get(..head)?).ok()?.lines();
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(Some(0), |(_, n)| n.trim().parse().ok())?;
    let body = head + 4;
    Some((seen.get(body..body + length)?, body + length))
}

#[cfg(test)]
mod tests {
    use super::request;

    #[test]
    fn requests_are_taken_apart() {
        let one = b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET";
        assert_eq!(request(one), Some((&b"abc"[..], one.len() - 3)));
        assert_eq!(request(&one[..one.len() - 4]), None);
        assert_eq!(request(b"GET / HTTP/1.1\r\n\r\n"), Some((&b""[..], 18)));
        assert_eq!(request(b"GET / HTTP/1.1\r\n"), None);
    }
}
