//! In: a collection or an entity, and the query options. Out: the OData answer with paging and selection.

mod filter;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, Problem, Reply};

/// The longest page ("Paging Microsoft Graph data in your app").
const PAGE_MAX: usize = 999;
/// The page that is answered without `$top`.
const PAGE_DEFAULT: usize = 100;

/// How an entity is shown.
pub(crate) struct Shape {
    /// The metadata path, such as `users`.
    pub context: &'static str,
    /// The type in messages, such as `microsoft.graph.user`.
    pub kind: &'static str,
    /// What is shown without `$select`; everything, if empty.
    pub default: &'static [&'static str],
    /// Members that exist besides those of an entity at hand, shown as null.
    pub also: &'static [&'static str],
}

/// A page of a collection: `$filter`, `$orderby`, `$top`, `$skiptoken`, `$select`, `$count`.
pub(crate) fn page(items: Vec<Value>, call: &Call, shape: &Shape) -> Answer {
    refuse_others(call)?;
    let mut items = match call.query.get("$filter") {
        Some(text) => {
            let filter = filter::parse(text)?;
            refuse_unknown(&filter, &items, shape)?;
            items
                .into_iter()
                .filter(|item| filter.holds(item))
                .collect()
        }
        None => items,
    };
    if let Some(order) = call.query.get("$orderby") {
        sort(&mut items, order);
    }
    let total = items.len();
    let top = number(call, "$top", PAGE_DEFAULT)?;
    if top == 0 || top > PAGE_MAX {
        return Err(Problem::bad_request(format!(
            "Invalid page size specified: '{top}'. Must be between 1 and {PAGE_MAX} inclusive."
        )));
    }
    let skip = number(call, "$skiptoken", 0)?;
    let shown = items.into_iter().skip(skip).take(top);
    let value = shown
        .map(|item| select(item, call, shape))
        .collect::<Result<Vec<Value>, Problem>>()?;
    let mut body = Map::new();
    body.insert("@odata.context".into(), context(call, shape, "").into());
    if call
        .query
        .get("$count")
        .is_some_and(|count| count == "true")
    {
        body.insert("@odata.count".into(), total.into());
    }
    if skip + value.len() < total {
        let link = next_link(call, skip + value.len());
        body.insert("@odata.nextLink".into(), link.into());
    }
    body.insert("value".into(), value.into());
    Ok(Reply::json(200, Value::Object(body)))
}

/// One entity: `$select` only.
pub(crate) fn entity(item: Value, status: u16, call: &Call, shape: &Shape) -> Answer {
    refuse_others(call)?;
    let mut body = Map::new();
    let context = context(call, shape, "/$entity");
    body.insert("@odata.context".into(), context.into());
    if let Value::Object(members) = select(item, call, shape)? {
        body.extend(members);
    }
    Ok(Reply::json(status, Value::Object(body)))
}

/// A time as Graph writes it.
pub(crate) fn time(time: Timestamp) -> Value {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

/// An optional time as Graph writes it.
pub(crate) fn time_or_null(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

fn context(call: &Call, shape: &Shape, suffix: &str) -> String {
    let origin = &call.origin;
    let path = shape.context;
    match call.query.get("$select") {
        Some(names) => format!("{origin}/graph/v1.0/$metadata#{path}({names}){suffix}"),
        None => format!("{origin}/graph/v1.0/$metadata#{path}{suffix}"),
    }
}

/// What is not understood is refused rather than ignored.
fn refuse_others(call: &Call) -> Result<(), Problem> {
    const KNOWN: [&str; 7] = [
        "$filter",
        "$orderby",
        "$top",
        "$skiptoken",
        "$select",
        "$count",
        "api-version",
    ];
    let unknown = |name: &&String| name.starts_with('$') && !KNOWN.contains(&name.as_str());
    match call.query.keys().find(unknown) {
        Some(name) => Err(Problem::bad_request(format!(
            "The query option '{name}' is not supported by the sandbox."
        ))),
        None => Ok(()),
    }
}

/// A member that no item has and none could have is an error. An empty collection tells nothing.
fn refuse_unknown(filter: &filter::Filter, items: &[Value], shape: &Shape) -> Result<(), Problem> {
    let is_known = |name: &str| {
        items.is_empty()
            || shape.also.contains(&name)
            || items.iter().any(|item| item.get(name).is_some())
    };
    match filter.members().into_iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => Err(Problem::bad_request(format!(
            "Invalid filter clause: Could not find a property named '{name}' on type '{}'.",
            shape.kind
        ))),
    }
}

fn number(call: &Call, option: &str, otherwise: usize) -> Result<usize, Problem> {
    call.query.get(option).map_or(Ok(otherwise), |text| {
        text.parse().map_err(|_| {
            Problem::bad_request(format!(
                "Invalid value '{text}' for query option '{option}'."
            ))
        })
    })
}

fn next_link(call: &Call, skip: usize) -> String {
    let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.to_ascii_lowercase().starts_with("$skiptoken"))
        .filter(|pair| !pair.to_ascii_lowercase().starts_with("%24skiptoken"));
    let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
    pairs.push(format!("$skiptoken={skip}"));
    format!("{}{path}?{}", call.origin, pairs.join("&"))
}

/// Keeps the selected members, or those shown by default. A member that does not exist is an error.
fn select(item: Value, call: &Call, shape: &Shape) -> Result<Value, Problem> {
    let Value::Object(mut members) = item else {
        return Ok(item);
    };
    let names: Vec<&str> = match call.query.get("$select") {
        Some(names) => names.split(',').map(str::trim).collect(),
        None if shape.default.is_empty() => return Ok(Value::Object(members)),
        None => shape.default.to_vec(),
    };
    let mut shown = Map::new();
    if let Some(kind) = members.remove("@odata.type") {
        shown.insert("@odata.type".into(), kind);
    }
    for name in names {
        match members.remove(name) {
            Some(value) => {
                shown.insert(name.to_owned(), value);
            }
            None if shown.contains_key(name) => {}
            None if shape.also.contains(&name) => {
                shown.insert(name.to_owned(), Value::Null);
            }
            None => {
                return Err(Problem::bad_request(format!(
                    "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{}'.",
                    shape.kind
                )));
            }
        }
    }
    Ok(Value::Object(shown))
}

fn sort(items: &mut [Value], order: &str) {
    let (path, direction) = order
        .trim()
        .split_once(' ')
        .unwrap_or((order.trim(), "asc"));
    items.sort_by(|a, b| {
        let order = filter::compare(&filter::at(a, path), &filter::at(b, path));
        let order = order.unwrap_or(std::cmp::Ordering::Equal);
        if direction.trim() == "desc" {
            order.reverse()
        } else {
            order
        }
    });
}

/// A collection that is never paged, such as a user's rules.
pub(crate) fn list(items: Vec<Value>, call: &Call, context: &str) -> Answer {
    let origin = &call.origin;
    Ok(Reply::json(
        200,
        json!({"@odata.context": format!("{origin}/graph/v1.0/$metadata#{context}"), "value": items}),
    ))
}
