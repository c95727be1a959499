//! In: reads and moves of messages, reads of folders. Out: "message", "mailFolder"; ids are immutable ones and stay when a message is moved.
//!
//! Pages: "List messages", "message: move", "Get mailFolder", "mailFolder resource type" (well-known names).

use axum::http::Method;
use serde_json::{Value, json};

use super::{find, find_mut, only};
use crate::call::{Answer, Call, Problem};
use crate::odata::{self, Shape};
use crate::tenant::Message;
use crate::world::World;

/// The folders that the sandbox has.
const FOLDERS: [&str; 4] = [
    "inbox",
    "deleteditems",
    "junkemail",
    "recoverableitemsdeletions",
];

const SHAPE: Shape = Shape {
    context: "users/messages",
    kind: "microsoft.graph.message",
    default: &[],
    also: &["internetMessageId", "subject", "parentFolderId"],
};

const FOLDER: Shape = Shape {
    context: "users/mailFolders",
    kind: "microsoft.graph.mailFolder",
    default: &[],
    also: &["id", "displayName"],
};

pub(super) fn answer(world: &mut World, call: &Call, user: &str, path: &[&str]) -> Answer {
    match path {
        [] => {
            only(call, &Method::GET)?;
            let mailbox = find(&world.tenant, user)?.mailbox.iter();
            let messages = mailbox.flat_map(|mailbox| &mailbox.messages);
            odata::page(messages.map(wire).collect(), call, &SHAPE)
        }
        [id] => {
            only(call, &Method::GET)?;
            let mailbox = find(&world.tenant, user)?.mailbox.iter();
            let mut messages = mailbox.flat_map(|mailbox| &mailbox.messages);
            let message = messages.find(|message| message.id == *id);
            odata::entity(wire(message.ok_or_else(not_found)?), 200, call, &SHAPE)
        }
        [id, "move"] => {
            only(call, &Method::POST)?;
            let sent = call.object_or_empty()?;
            let folder = sent.get("destinationId").and_then(Value::as_str);
            let folder = folder.and_then(|name| FOLDERS.iter().find(|known| **known == name));
            let folder = folder
                .ok_or_else(|| Problem::new(400, "ErrorInvalidIdMalformed", "Id is malformed."))?;
            let mailbox = find_mut(&mut world.tenant, user)?.mailbox.iter_mut();
            let mut messages = mailbox.flat_map(|mailbox| &mut mailbox.messages);
            let message = messages
                .find(|message| message.id == *id)
                .ok_or_else(not_found)?;
            message.parent_folder_id = (*folder).to_owned();
            odata::entity(wire(message), 201, call, &SHAPE)
        }
        _ => Err(Problem::no_such_path(call)),
    }
}

/// A folder, by its well-known name, which the sandbox also has for its id.
pub(super) fn folder(world: &mut World, call: &Call, user: &str, name: &str) -> Answer {
    only(call, &Method::GET)?;
    find(&world.tenant, user)?;
    let known = FOLDERS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name));
    let id = known.ok_or_else(not_found)?;
    odata::entity(json!({ "id": id, "displayName": id }), 200, call, &FOLDER)
}

fn not_found() -> Problem {
    let text = "The specified object was not found in the store.";
    Problem::new(404, "ErrorItemNotFound", text)
}

fn wire(message: &Message) -> Value {
    serde_json::to_value(message).unwrap_or_default()
}
