//! In: HaloPSA calls (token, tickets, actions). Out: tickets as HaloPSA shows them.
//!
//! Source: HaloPSA API reference, pages "Authentication", "Tickets", "Actions".

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::login;
use crate::tenant::{Ticket, TicketNote};
use crate::world::World;

/// The first ticket's number is the next one.
const BEFORE_FIRST_TICKET: u64 = 2000;
/// "New".
const STATUS_NEW: u64 = 1;
const STATUS_CLOSED: u64 = 9;
/// "Unassigned".
const AGENT_NONE: u64 = 1;

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    let path = call.path();
    if let ["auth", "token"] = path[..] {
        return match call.method {
            Method::POST => token(world, call),
            _ => Err(Problem::method_not_allowed()),
        };
    }
    if path.first() == Some(&"api") && world.check_token(call, login::HALO).is_err() {
        return Err(Problem::new(
            401,
            "Unauthorized",
            "Authorization has been denied for this request.",
        ));
    }
    match (&path[..], &call.method) {
        (["api", "tickets"], &Method::POST) => post_tickets(world, call),
        (["api", "tickets"], &Method::GET) => Ok(search(world, call)),
        (["api", "tickets", id], &Method::GET) => {
            let found = id.parse().ok().and_then(|id| world.tenant.tickets.get(&id));
            let ticket = found.ok_or_else(|| no_ticket(id))?;
            Ok(Reply::json(200, wire(ticket)))
        }
        (["api", "actions"], &Method::POST) => post_actions(world, call),
        (["api", "tickets"] | ["api", "tickets", _] | ["api", "actions"], _) => {
            Err(Problem::method_not_allowed())
        }
        _ => Err(Problem::no_such_path(call)),
    }
}

fn token(world: &mut World, call: &Call) -> Answer {
    let form = call.form();
    let sent = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let app = &world.tenant.app;
    let refused = if sent("grant_type") != "client_credentials" {
        Some("unsupported_grant_type")
    } else if sent("client_id") != app.client_id || sent("client_secret") != app.client_secret {
        Some("invalid_client")
    } else {
        None
    };
    if let Some(error) = refused {
        return Ok(Reply::json(400, json!({"error": error})));
    }
    let access_token = login::issue(world, login::HALO);
    Ok(Reply::json(
        200,
        json!({
            "scope": "all",
            "token_type": "Bearer",
            "access_token": access_token,
            "expires_in": world.tenant.token_lifetime_s,
        }),
    ))
}

fn no_ticket(id: &str) -> Problem {
    Problem::new(404, "NotFound", format!("Ticket {id} was not found."))
}

/// The body as a list of objects; HaloPSA takes nothing else.
fn objects(call: &Call) -> Result<Vec<Map<String, Value>>, Problem> {
    let problem = || Problem::bad_request("The request body must be a JSON array of objects.");
    let Value::Array(items) = call.json()? else {
        return Err(problem());
    };
    let objects: Option<Vec<_>> = items
        .into_iter()
        .map(|item| match item {
            Value::Object(map) => Some(map),
            _ => None,
        })
        .collect();
    objects.filter(|list| !list.is_empty()).ok_or_else(problem)
}

/// One object is answered as an object, several as an array.
fn created(mut items: Vec<Value>) -> Reply {
    match items.len() {
        1 => Reply::json(201, items.remove(0)),
        _ => Reply::json(201, items.into()),
    }
}

fn post_tickets(world: &mut World, call: &Call) -> Answer {
    let mut tickets = Vec::new();
    let mut next = world
        .tenant
        .tickets
        .last_key_value()
        .map_or(BEFORE_FIRST_TICKET, |(id, _)| *id);
    for sent in objects(call)? {
        let ticket = match sent.get("id").and_then(Value::as_u64) {
            Some(id) => {
                let old = world.tenant.tickets.get(&id);
                merge(old.ok_or_else(|| no_ticket(&id.to_string()))?, sent)?
            }
            None => {
                next += 1;
                new_ticket(next, sent)?
            }
        };
        tickets.push(ticket);
    }
    let shown = tickets.iter().map(wire).collect();
    for ticket in tickets {
        world.tenant.tickets.insert(ticket.id, ticket);
    }
    Ok(created(shown))
}

fn new_ticket(id: u64, sent: Map<String, Value>) -> Result<Ticket, Problem> {
    if sent
        .get("summary")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return Err(Problem::bad_request("The ticket needs a summary."));
    }
    let now = ids::now();
    let ticket = Ticket {
        id,
        summary: String::new(),
        details: String::new(),
        client_id: Some(1),
        tickettype_id: Some(1),
        priority_id: Some(4),
        team: None,
        status_id: STATUS_NEW,
        agent_id: AGENT_NONE,
        dateoccurred: now,
        lastactiondate: now,
        actions: Vec::new(),
        other: Default::default(),
    };
    merge(&ticket, sent)
}

/// A ticket with the members that were sent in place of its own.
fn merge(ticket: &Ticket, sent: Map<String, Value>) -> Result<Ticket, Problem> {
    let mut whole = match serde_json::to_value(ticket) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let keep = ["id", "actions", "dateoccurred"];
    whole.extend(
        sent.into_iter()
            .filter(|(name, _)| !keep.contains(&name.as_str())),
    );
    let mut ticket: Ticket = serde_json::from_value(Value::Object(whole))
        .map_err(|error| Problem::bad_request(format!("The ticket cannot be read: {error}.")))?;
    ticket.lastactiondate = ids::now();
    Ok(ticket)
}

fn wire(ticket: &Ticket) -> Value {
    let mut value = serde_json::to_value(ticket).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.remove("actions");
    }
    value
}

fn search(world: &World, call: &Call) -> Reply {
    let wanted = call.query.get("search").map(|text| text.to_lowercase());
    let matches = |ticket: &&Ticket| {
        wanted.as_ref().is_none_or(|wanted| {
            ticket.id.to_string() == *wanted
                || ticket.summary.to_lowercase().contains(wanted)
                || ticket.details.to_lowercase().contains(wanted)
        })
    };
    let open_only = call.query.get("open_only").is_some_and(|t| t == "true");
    let tickets: Vec<Value> = world
        .tenant
        .tickets
        .values()
        .filter(|ticket| !open_only || ticket.status_id != STATUS_CLOSED)
        .filter(matches)
        .map(wire)
        .collect();
    Reply::json(
        200,
        json!({"record_count": tickets.len(), "tickets": tickets}),
    )
}

fn post_actions(world: &mut World, call: &Call) -> Answer {
    let mut notes = Vec::new();
    for sent in objects(call)? {
        let id = sent.get("ticket_id").and_then(Value::as_u64).unwrap_or(0);
        let note = sent.get("note").and_then(Value::as_str).unwrap_or_default();
        if note.is_empty() {
            return Err(Problem::bad_request("The action needs a note."));
        }
        if !world.tenant.tickets.contains_key(&id) {
            return Err(no_ticket(&id.to_string()));
        }
        let outcome = sent.get("outcome").and_then(Value::as_str);
        notes.push((
            id,
            note.to_owned(),
            outcome.unwrap_or("Private Note").to_owned(),
        ));
    }
    let now = ids::now();
    let mut shown = Vec::new();
    for (ticket_id, note, outcome) in notes {
        if let Some(ticket) = world.tenant.tickets.get_mut(&ticket_id) {
            let id = ticket.actions.len() as u64 + 1;
            shown.push(json!({"id": id, "ticket_id": ticket_id, "note": note, "outcome": outcome, "datetime": now}));
            ticket.lastactiondate = now;
            ticket.actions.push(TicketNote {
                id,
                note,
                outcome,
                datetime: now,
            });
        }
    }
    Ok(created(shown))
}
