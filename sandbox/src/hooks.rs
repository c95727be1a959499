//! In: a signed webhook. Out: 202 if the signature is good and fresh, 401 if not.

use axum::http::Method;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::tenant::{ChatMessage, ChatService};
use crate::world::World;

/// How far a signature's time may be from ours, in seconds.
const AGE_MAX_S: i64 = 300;

/// `POST /hooks/{name}`
pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let [name] = call.path()[..] else {
        return Err(Problem::no_such_path(call));
    };
    if call.method != Method::POST {
        return Err(Problem::method_not_allowed());
    }
    verify(call, &world.tenant.webhook_secret)
        .map_err(|reason| Problem::new(401, "InvalidSignature", reason))?;
    let body = call.json()?;
    let text = body.get("text").and_then(Value::as_str);
    let message = ChatMessage {
        service: ChatService::Webhook,
        target: name.to_owned(),
        text: text.unwrap_or_default().to_owned(),
        received: ids::now(),
        body,
    };
    world.tenant.chat.push(message);
    Ok(Reply::empty(202))
}

/// Checks `X-Counterplay-Signature` (`sha256=` and hexadecimal digits) over `timestamp.body`. The timestamp
/// is in Unix seconds or RFC 3339.
fn verify(call: &Call, secret: &str) -> Result<(), &'static str> {
    let time = call
        .header("x-counterplay-timestamp")
        .ok_or("The header X-Counterplay-Timestamp is missing.")?;
    let signature = call
        .header("x-counterplay-signature")
        .ok_or("The header X-Counterplay-Signature is missing.")?
        .strip_prefix("sha256=")
        .and_then(unhex)
        .ok_or("The signature is not written as sha256=<hex>.")?;
    let sent = match time.parse::<i64>() {
        Ok(seconds) => seconds,
        Err(_) => time
            .parse::<Timestamp>()
            .map(Timestamp::as_second)
            .map_err(|_| "The timestamp is not a time.")?,
    };
    if ids::instant().as_second().abs_diff(sent) > AGE_MAX_S.unsigned_abs() {
        return Err("The signature is too old.");
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| "The secret cannot be used as a key.")?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(&call.body);
    mac.verify_slice(&signature)
        .map_err(|_| "The signature does not fit the body.")
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|char| char.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}
