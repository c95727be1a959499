//! Secrets in; services that say them back in every form, in errors and in answers, as texts, keys and numbers, out.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A text in the forms in which it may be found again, each with its name: as it is said, and what is left of a number.
pub fn forms(secret: &str) -> Vec<(String, String)> {
    let mut out = said(secret);
    if is_digits(secret) {
        // Of a long number JSON keeps the beginning, and may write it with a power of ten.
        let kept = &secret[..secret.len().min(14)];
        let (first, others) = kept.split_at(1);
        let power = format!("{first}.{others}");
        out.push(("the beginning of a number".to_owned(), kept.to_owned()));
        out.push(("a number with a power".to_owned(), power));
    }
    out
}

/// The forms in which a text is said, each with its name: as it is, in JSON, percent-encoded, in hexadecimal, in both kinds
/// of Base64 wherever it begins in the longer text.
fn said(secret: &str) -> Vec<(String, String)> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    let json = json!(secret).to_string().trim_matches('"').to_owned();
    let unreserved = percent.replace("%2D", "-").replace("%2E", ".");
    let unreserved = unreserved.replace("%5F", "_").replace("%7E", "~");
    let mut out = vec![
        ("as it is".to_owned(), secret.to_owned()),
        ("in JSON".to_owned(), json),
        (
            "percent-encoded in small letters".to_owned(),
            lower(&percent),
        ),
        ("percent-encoded whole".to_owned(), percent),
        ("percent-encoded".to_owned(), unreserved),
        ("hexadecimal in capitals".to_owned(), hex.to_uppercase()),
        ("hexadecimal".to_owned(), hex),
    ];
    for (name, engine) in [("Base64", &STANDARD), ("Base64 for addresses", &URL_SAFE)] {
        for before in 0..3 {
            let text = [&b"abc"[..before], secret.as_bytes()].concat();
            let encoded = engine.encode(&text);
            // What its neighbours have no influence on.
            let (from, to) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
            let part = encoded.get(from..to).unwrap_or_default().to_owned();
            out.push((format!("{name}, {before} bytes in"), part));
        }
    }
    out
}

fn is_digits(secret: &str) -> bool {
    secret.bytes().all(|b| b.is_ascii_digit())
}

/// The digits of percent-encoding in small letters.
fn lower(text: &str) -> String {
    let mut out = String::new();
    let mut left = 0;
    for c in text.chars() {
        if c == '%' {
            left = 3;
        }
        out.push(if left > 0 { c.to_ascii_lowercase() } else { c });
        left = usize::saturating_sub(left, 1);
    }
    out
}

/// What a service says back of a secret: every form in one text.
fn echo(secret: &str) -> String {
    let in_base64 = [0, 1, 2].map(|before| {
        let text = [&b"abc"[..before], secret.as_bytes(), b"!"].concat();
        format!("{} {}", STANDARD.encode(&text), URL_SAFE.encode(&text))
    });
    let others = said(secret).into_iter().take(7).map(|(_, form)| form);
    let all: Vec<String> = others.chain(in_base64).collect();
    all.join(" ; ")
}

/// Where the secret stands as a number.
const NUMBER: &str = "@number@";

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method, path and query.
    pub target: String,
    /// The body.
    pub body: String,
}

/// HTTP services and a mail server that know all secrets and say them back.
pub struct Hostile {
    /// `http://…` of the services.
    pub base: String,
    /// `smtp://…` of the mail server.
    pub smtp: String,
    /// What came in over HTTP.
    pub received: Arc<Mutex<Vec<Received>>>,
    /// What came in as mail, whole.
    pub mails: Arc<Mutex<Vec<String>>>,
}

impl Hostile {
    /// Starts them. `/N/…` is the service with the secret N: `GET` answers with it (as a key, too, and as a number where it
    /// is made of digits), `POST` fails with it; `/N/token` gives out
    /// `tokens[N]`. Anything else answers 202. The mail server refuses the first login and says the password.
    pub fn start(secrets: Vec<String>, tokens: Vec<String>) -> Hostile {
        let received = Arc::new(Mutex::new(Vec::new()));
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (heard, taken) = (received.clone(), mails.clone());
        let http = serve(move |stream| {
            let _ = answer(stream, &secrets, &tokens, &heard);
        });
        let logins = Mutex::new(0);
        let smtp = serve(move |stream| {
            let _ = mail(stream, &logins, &taken);
        });
        Hostile {
            base: format!("http://{http}"),
            smtp: format!("smtp://{smtp}"),
            received,
            mails,
        }
    }
}

fn serve(work: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let work = Arc::new(work);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let work = work.clone();
            std::thread::spawn(move || work(stream));
        }
    });
    address
}

fn answer(
    stream: TcpStream,
    secrets: &[String],
    tokens: &[String],
    received: &Mutex<Vec<Received>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line)? > 2 {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let mut words = first.split_whitespace();
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let number = path.split('/').nth(1).and_then(|n| n.parse::<usize>().ok());
        let (status, said) = match (number, method) {
            (Some(n), _) if path.ends_with("/token") => (
                "200 OK",
                json!({"access_token": tokens.get(n), "token_type": "Bearer", "expires_in": 3600}),
            ),
            (Some(n), "GET") => (
                "200 OK",
                json!({
                    "echo": told(secrets, tokens, n),
                    "deep": {"list": [told(secrets, tokens, n)]},
                    "scopes": keys(secrets, tokens, n),
                    "number": NUMBER,
                }),
            ),
            (Some(n), _) => (
                "400 Bad Request",
                // The body that came, too: a generated password is in it.
                json!({"error": {"code": "Denied", "message": format!("{} {body}", told(secrets, tokens, n)), "number": NUMBER}}),
            ),
            (None, _) => ("202 Accepted", Value::Null),
        };
        received.lock().expect("not poisoned").push(Received {
            target: format!("{method} {path}"),
            body,
        });
        let digits = number.and_then(|n| secrets.get(n)).filter(|s| is_digits(s));
        // Written as it is: a number of JSON may have more digits than one here.
        let number = digits.map_or("0", |digits| digits);
        let said = said.to_string().replace(&json!(NUMBER).to_string(), number);
        write!(
            out,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{said}",
            said.len()
        )?;
    }
}

/// Every form of the secrets as a key, one object each.
fn keys(secrets: &[String], tokens: &[String], n: usize) -> Value {
    let known = [secrets.get(n), tokens.get(n)].into_iter().flatten();
    known
        .flat_map(|secret| said(secret))
        .map(|(form, text)| (text, json!({ "granted": form })))
        .collect()
}

fn told(secrets: &[String], tokens: &[String], n: usize) -> String {
    let known = [secrets.get(n), tokens.get(n)].into_iter().flatten();
    known.map(|s| echo(s)).collect::<Vec<_>>().join(" ; ")
}

fn mail(stream: TcpStream, logins: &Mutex<u32>, mails: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    out.write_all(b"220 hostile ESMTP\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let upper = line.to_uppercase();
        let reply = if upper.starts_with("EHLO") {
            "250-hostile\r\n250 AUTH PLAIN".to_owned()
        } else if upper.starts_with("AUTH PLAIN") {
            let given = line[10..].trim().to_owned();
            let plain = STANDARD.decode(&given).unwrap_or_default();
            let plain = String::from_utf8_lossy(&plain).replace('\0', " ");
            let mut count = logins.lock().expect("not poisoned");
            *count += 1;
            match *count {
                1 => format!("535 5.7.8 not with {plain} ({given})"),
                _ => "235 welcome".to_owned(),
            }
        } else if upper.starts_with("DATA") {
            out.write_all(b"354 go on\r\n")?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                if reader.read_line(&mut text)? == 0 {
                    return Ok(());
                }
            }
            mails.lock().expect("not poisoned").push(text);
            "250 taken".to_owned()
        } else if upper.starts_with("QUIT") {
            out.write_all(b"221 bye\r\n")?;
            return Ok(());
        } else {
            "250 fine".to_owned()
        };
        out.write_all(format!("{reply}\r\n").as_bytes())?;
    }
}
