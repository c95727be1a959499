//! Every route, asked as every role, as nobody, and as somebody of another tenant: `docs/security.md` says what is
//! answered, and no route is left out there.

use crate::support::{Answer, Client, PASSWORD, PRIYA, RISK, Service, tenants};
use counterplay_server::identity::{Principal, Role, Scope};
use percent_encoding::percent_decode_str;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MANUAL: &str = include_str!("../../../docs/security.md");
/// Where routes are made that the API's description does not have.
const SOURCES: [&str; 2] = [
    include_str!("../../src/dashboard/routes/mod.rs"),
    include_str!("../../src/router.rs"),
];

/// A line of the manual's tables.
#[derive(Debug)]
struct Row {
    method: Method,
    path: String,
    needs: String,
    allowed: Vec<bool>,
    elsewhere: String,
}

impl Row {
    fn is_page(&self) -> bool {
        ![
            "/api/", "/events", "/hooks", "/healthz", "/metrics", "/docs/",
        ]
        .iter()
        .any(|p| self.path.starts_with(p))
    }

    fn is_stream(&self) -> bool {
        self.path.ends_with("/stream") || self.path == "/live"
    }
}

fn rows() -> Vec<Row> {
    let (_, part) = MANUAL.split_once("\n## Routes\n").expect("the part");
    part.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (method, path) = cells[0].trim_matches('`').split_once(' ').expect("both");
            Row {
                method: method.parse().expect("a method"),
                path: path.to_owned(),
                needs: cells[1].to_owned(),
                allowed: cells[2..8].iter().map(|c| *c == "yes").collect(),
                elsewhere: cells[8].to_owned(),
            }
        })
        .collect()
}

/// The routes that the dashboard and the router make by hand.
fn made_by_hand() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for source in SOURCES {
        let source: String = source.chars().filter(|c| !c.is_whitespace()).collect();
        for part in source.split(".route(\"").skip(1) {
            let (path, rest) = part.split_once('"').expect("an address");
            let calls = rest.split(".route(").next().unwrap_or_default();
            for method in ["get", "post", "put", "patch", "delete"] {
                let call = format!("{method}(");
                let starts = [format!(",{call}"), format!(").{call}")];
                if starts.iter().any(|s| calls.contains(s.as_str())) {
                    found.insert((method.to_uppercase(), path.to_owned()));
                }
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_is_left_out_of_the_manual() {
    let service = Service::start().await;
    let description = service.stranger().get("/api/openapi.json").await;
    let mut there = made_by_hand();
    assert!(there.len() > 30, "{there:?}");
    for (path, calls) in description.json["paths"].as_object().expect("paths") {
        for method in calls.as_object().expect("calls").keys() {
            there.insert((method.to_uppercase(), path.clone()));
        }
    }
    let told: BTreeSet<(String, String)> = rows()
        .iter()
        .map(|r| (r.method.to_string(), r.path.clone()))
        .collect();
    let missing: Vec<_> = there.difference(&told).collect();
    let gone: Vec<_> = told.difference(&there).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in docs/security.md: {missing:?}; not there any more: {gone:?}"
    );
}

/// What there is to ask for, all of it Contoso's.
struct Things {
    run: String,
    approval: String,
    event: i64,
    letter: i64,
    person: i64,
    token: i64,
}

impl Things {
    async fn of(service: &Service) -> Things {
        let operator = service.token(Role::Operator, Scope::All).await;
        let (run, approval) = operator.contained("contoso", PRIYA).await;
        let events = operator.get("/api/automation/events").await;
        let source = service.token(Role::Source, tenants(&["contoso"])).await;
        let mut broken: Value = serde_json::from_str(RISK).expect("JSON");
        broken["id"] = json!(7);
        source
            .post("/events/identity.risk_detected", broken)
            .await
            .problem(422, "unprocessable");
        let letters = operator.get("/api/automation/dead-letters").await;
        service
            .account(
                "con@contoso.example",
                &[Role::Viewer],
                tenants(&["contoso"]),
            )
            .await;
        service.token(Role::Viewer, tenants(&["contoso"])).await;
        let console = Principal::console();
        let people = service.app.identity.people(&console).await.expect("people");
        let person = people.iter().find(|p| p.email == "con@contoso.example");
        let tokens = service.app.identity.tokens(&console).await.expect("tokens");
        Things {
            run,
            approval,
            event: events.json["events"][0]["event"].as_i64().expect("one"),
            letter: letters.json["letters"][0]["letter"].as_i64().expect("one"),
            person: person.expect("somebody").num,
            token: tokens.iter().map(|t| t.num).max().expect("one"),
        }
    }

    /// An address with what there is in place of its parameters.
    fn path(&self, row: &Row) -> String {
        let id = match &row.path {
            p if p.contains("/playbooks/") => "contain_account",
            p if p.contains("/approvals/") => &self.approval,
            _ => &self.run,
        };
        let number = match &row.path {
            p if p.contains("/people/") => self.person,
            p if p.contains("/tokens/") => self.token,
            _ => self.letter,
        };
        let event = match row.path.as_str() {
            "/events/{event}" => "identity.risk_detected".to_owned(),
            _ => self.event.to_string(),
        };
        let which = match (row.method.as_str(), row.path.ends_with("/pauses")) {
            ("DELETE", true) => "?tenant=contoso",
            _ => "",
        };
        format!("{}{which}", row.path)
            .replace("{id}", id)
            .replace("{num}", &number.to_string())
            .replace("{letter}", &self.letter.to_string())
            .replace("{person}", &self.person.to_string())
            .replace("{token}", &self.token.to_string())
            .replace("{tenant}", "contoso")
            .replace("{event}", &event)
            .replace("{revision}", "1")
            .replace("{name}", "offboarding")
            .replace("{sample}", "risky-sign-in")
            .replace("{file}", "none")
    }
}

/// A body that fits a call of the API.
fn body(row: &Row) -> Option<Value> {
    let start = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    Some(match (row.method.as_str(), row.path.as_str()) {
        ("GET" | "DELETE", _) => return None,
        (_, p) if p.ends_with("/run") || p.ends_with("/simulate") => start,
        (_, p) if p.ends_with("/settle") => json!({"outcome": "done"}),
        (_, p) if p.ends_with("/mode") => json!({"mode": "active"}),
        (_, p) if p.ends_with("/promotion") => json!({"version": "none"}),
        (_, p) if p.ends_with("/pauses") => json!({"tenant": "contoso", "because": "x"}),
        (_, p) if p.contains("/playbooks") => json!({"source": "playbook"}),
        (_, p) if p.ends_with("/deploys") => json!({"files": {}}),
        (_, p) if p.contains("/approvals/") => json!({"decision": "approve"}),
        (_, p) if p.contains("/revisions/") => json!({"approve": true}),
        (_, p) if p.ends_with("/dismiss") => json!({"why": "x"}),
        (_, p) if p.ends_with("/session") => {
            json!({"email": "nobody@msp.example", "password": PASSWORD})
        }
        (_, p) if p.ends_with("/password") => json!({}),
        ("PATCH", _) => json!({"name": "Other"}),
        (_, p) if p.ends_with("/people") => {
            json!({"email": "con@contoso.example", "name": "x", "roles": ["viewer"], "tenants": ["contoso"]})
        }
        (_, p) if p.ends_with("/tokens") => {
            json!({"name": "beyond", "role": "viewer", "tenants": ["contoso"]})
        }
        (_, p) if p.starts_with("/events") => serde_json::from_str(RISK).expect("JSON"),
        _ => json!({}),
    })
}

/// The fields of a form that fits a page.
fn form(row: &Row) -> &'static str {
    match row.path.as_str() {
        "/approvals/{id}" | "/deploys/{revision}" => "decision=approve",
        "/runs/{id}/settle" => "step=1&outcome=done",
        "/playbooks/{id}/mode" => "mode=active",
        "/playbooks/{id}/promote" => "version=none",
        "/playbooks/{id}/run" | "/playbooks/{id}/simulate" => {
            "tenant=contoso&value.user=7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003&value.reason=x"
        }
        "/account/password" => "current=paper+lantern+seven&new=a&again=b",
        "/people" => "email=con%40contoso.example&name=x&role=viewer&tenant=contoso",
        "/pauses" | "/pauses/remove" => "what=tenant+contoso&because=x",
        "/tokens" => "name=beyond&role=viewer&tenant=contoso",
        "/login" => "email=nobody%40msp.example&password=paper+lantern+seven",
        _ => "",
    }
}

/// Asks for a route. Browsers are not led on, and of streams only the beginning is looked at.
async fn ask(client: &Client, row: &Row, things: &Things) -> Answer {
    let path = things.path(row);
    let mut client = client.clone();
    client.http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    if row.path.ends_with("/mode") {
        client = client.with("if-match", "*");
    }
    if row.is_stream() {
        let answer = client.request(Method::GET, &path).send().await;
        let answer = answer.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        return Answer {
            status,
            headers,
            text: String::new(),
            json: Value::Null,
        };
    }
    if row.is_page() && row.method == Method::POST {
        let word = client.headers.iter().find(|(n, _)| n == "x-csrf-token");
        let word = word.map(|(_, v)| v.as_str()).unwrap_or_default();
        let fields = format!("csrf={word}&{}", form(row));
        let typed = client
            .without("x-csrf-token")
            .with("content-type", "application/x-www-form-urlencoded");
        return typed.raw(Method::POST, &path, fields.into_bytes()).await;
    }
    client.send(row.method.clone(), &path, body(row)).await
}

/// What a page says after it has led the browser on.
fn said(answer: &Answer) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter();
    let text: Vec<&str> = cookies.filter_map(|c| c.to_str().ok()).collect();
    percent_decode_str(&text.join("\n"))
        .decode_utf8_lossy()
        .into_owned()
}

/// The status that an answer has, or that it would have if no browser were led on.
fn status(answer: &Answer) -> u16 {
    if answer.status != 303 {
        return answer.status;
    }
    let said = said(answer);
    if answer.header("location").starts_with("/login?") {
        return 401;
    }
    let parts = [
        ("this needs the role", 403),
        ("this concerns every tenant", 403),
        ("problem there is no", 404),
    ];
    let known = parts.iter().find(|(part, _)| said.contains(part));
    known.map_or(303, |(_, status)| *status)
}

fn is_refused(answer: &Answer) -> bool {
    [401, 403].contains(&status(answer))
}

/// Somebody with one role: a login, and a token where people do not have it. Events come from one tenant.
async fn caller(service: &Service, role: Role, place: &str) -> Client {
    if role == Role::Source {
        return service.token(role, tenants(&["contoso"])).await;
    }
    service.log_in(&email(role, place)).await
}

fn email(role: Role, place: &str) -> String {
    format!("{}.{place}@msp.example", role.name())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_the_right_that_the_manual_names() {
    let service = Service::start().await;
    for role in Role::ALL.into_iter().filter(|r| *r != Role::Source) {
        for (place, scope) in [
            ("everywhere", Scope::All),
            ("contoso", tenants(&["contoso"])),
        ] {
            service.account(&email(role, place), &[role], scope).await;
        }
    }
    let things = Things::of(&service).await;
    let mut wrong = Vec::new();
    let mut callers: BTreeMap<(Role, &str), Client> = BTreeMap::new();
    for row in rows() {
        for (role, expected) in Role::ALL.iter().zip(&row.allowed) {
            let place = match row.needs.as_str() {
                "deliver" => "contoso",
                _ => "everywhere",
            };
            let who = (*role, place);
            let client = match callers.get(&who) {
                Some(client) => client.clone(),
                None => caller(&service, *role, place).await,
            };
            // Some routes end the session.
            match row.path.ends_with("/session") || row.path == "/logout" {
                true => callers.remove(&who),
                false => callers.insert(who, client.clone()),
            };
            let answer = ask(&client, &row, &things).await;
            let open = ["anyone", "a signature"].contains(&row.needs.as_str());
            if !open && is_refused(&answer) == *expected {
                let (path, status) = (&row.path, answer.status);
                wrong.push(format!(
                    "{} {path} as {}: {status} {}",
                    row.method,
                    role.name(),
                    said(&answer)
                ));
            }
        }
        let answer = ask(&service.stranger(), &row, &things).await;
        let expected = match row.needs.as_str() {
            "anyone" => {
                row.path == "/login" || row.path.ends_with("/session") || status(&answer) != 401
            }
            "a signature" => status(&answer) == 401,
            _ => status(&answer) == 401,
        };
        if !expected {
            wrong.push(format!(
                "{} {} as nobody: {}",
                row.method, row.path, answer.status
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_tenant_is_seen_or_done() {
    let service = Service::start().await;
    let things = Things::of(&service).await;
    let email = "fab@fabrikam.example";
    let every = &Role::ALL[..5];
    assert!(!every.contains(&Role::Source));
    service.account(email, every, tenants(&["fabrikam"])).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in rows() {
        *counts.entry(row.elsewhere.clone()).or_default() += 1;
        if row.elsewhere == "–" {
            continue;
        }
        let client = service.log_in(email).await;
        let answer = ask(&client, &row, &things).await;
        let seen = [things.run.as_str(), "contoso"]
            .into_iter()
            .find(|part| answer.text.contains(part));
        let fits = match row.elsewhere.as_str() {
            "404" => status(&answer) == 404,
            "403" => status(&answer) == 403,
            "left out" => status(&answer) == 200 && seen.is_none(),
            other => panic!("the last column says `{other}`"),
        };
        if !fits {
            wrong.push(format!(
                "{} {} says {} and not `{}`: {seen:?} {} {}",
                row.method,
                row.path,
                answer.status,
                row.elsewhere,
                said(&answer),
                answer.text.chars().take(300).collect::<String>(),
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counts["404"] > 20 && counts["left out"] > 15, "{counts:?}");
    // And nothing of it has happened.
    let operator = service.token(Role::Operator, Scope::All).await;
    let run = operator
        .get(&format!("/api/automation/runs/{}", things.run))
        .await;
    assert_eq!(run.ok(200).json["status"], "awaiting approval");
}
