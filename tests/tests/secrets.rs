//! Fifty secrets are planted and used, and every service says them back in errors and answers: none is found again in the
//! database, logs, pages, answers of the API, mails, messages or a backup, in whatever form.

use counterplay_tests::collector::Collector;
use counterplay_tests::hostile::{Hostile, forms};
use counterplay_tests::outside;
use counterplay_tests::service::Process;
use reqwest::Client;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How many connections have a secret each.
const CONNECTIONS: usize = 40;
const AUTHS: [&str; 5] = [
    "bearer",
    "basic",
    "header(name: \"X-Api-Key\")",
    "signed",
    "oauth2(token_url: \"{base}/token\", scope: \"all\")",
];

/// A secret as a person's random generator might make it, with what has to be written differently in some forms.
fn secret(kind: &str, n: usize) -> String {
    let mut mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (kind.len() as u64) << 40;
    mixed ^= mixed >> 29;
    format!(
        "{kind}{n:02}/P+l&n=t~{:016x}.Z",
        mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9)
    )
}

/// A secret of a connection: most are mixed, some are made of digits, as codes and numbers of accounts are.
fn connection_secret(n: usize) -> String {
    let digits = |word: &str| {
        let mixed = secret(word, n);
        let numbers = mixed.bytes().map(|b| char::from(b'1' + b % 9));
        numbers.collect::<String>()
    };
    match n % 7 {
        3 => digits("pin").chars().take(18).collect(),
        5 => digits("key").chars().rev().take(30).collect(),
        _ => secret("con", n),
    }
}

/// The project: actions that fail and queries that answer for each connection, and one playbook that does it all.
fn project(folder: &Path, hostile: &Hostile) {
    let mut config = String::from(
        "[project]\nname = \"Planted\"\nsources = [\"playbooks\"]\n\n[tenants.contoso]\nid = \"c\"\ndomains = [\"contoso.example\"]\n\n\
         [teams.soc]\nmembers = [\"ana@contoso.example\"]\nemail = \"soc@contoso.example\"\nteams_webhook = \"teams-soc\"\nslack_webhook = \"slack-soc\"\n\n\
         [webhooks.alarm]\nsecret = \"hook-alarm\"\ntenant = \"contoso\"\n\n",
    );
    let mut play = String::from("use notify\n\n");
    let mut steps = String::new();
    for n in 0..CONNECTIONS {
        let auth = AUTHS[n % AUTHS.len()];
        let _ = write!(
            config,
            "[connections.c{n}]\nbase = \"{}/{n}\"\nclient_id = \"the-client\"\nsecret = \"connection-{n}\"\nallow_private = true\n\n",
            hostile.base
        );
        let _ = write!(
            play,
            "connection c{n} {{\n  auth: {auth}\n  notify: POST \"/*\"\n}}\n\n\
             action poke{n}(what: Text) {{\n  impact: notify\n  request: c{n}.post(\"/poke\", json: {{ what: what, password: new_password() }})\n}}\n\n\
             query peek{n}(what: Text) -> Text {{\n  request: c{n}.get(\"/peek\", query: {{ what: what }})\n  returns: body.echo\n}}\n\n\
             query whole{n}(what: Text) -> Json {{\n  request: c{n}.get(\"/whole\", query: {{ what: what }})\n  returns: body\n}}\n\n\
             action pass{n}(what: Json) {{\n  impact: notify\n  request: c{n}.post(\"/pass\", json: {{ what: what }})\n}}\n\n",
        );
        let _ = write!(
            steps,
            "    attempt poke{n}(\"x\")\n    let told{n} = peek{n}(\"y\")\n    let whole{n} = whole{n}(\"y\")\n    attempt pass{n}(whole{n})\n    attempt notify.email(team.soc, subject: \"Told\", body: \"{{told{n}}}\")\n"
        );
    }
    let _ = write!(
        config,
        "[connections.mail]\nbase = \"{}\"\nfrom = \"Counterplay <c@contoso.example>\"\ntls = \"none\"\nclient_id = \"c\"\nsecret = \"mail\"\nallow_private = true\n\n\
         [connections.teams]\nallow_private = true\n\n[connections.slack]\nallow_private = true\n",
        hostile.smtp
    );
    let _ = write!(
        play,
        "playbook all \"All\" {{\n  when manual()\n  then {{\n{steps}    attempt notify.teams(team.soc, \"{{told0}} {{told4}}\")\n    \
         attempt notify.slack(team.soc, \"{{told1}} {{told2}}\")\n    \
         notify.email(team.soc, subject: \"Results\", body: join(list(s.reason ?? \"fine\" for s in run.steps), \"; \"))\n    \
         poke0(\"z\")\n  }}\n  on failure {{\n    attempt notify.email(team.soc, subject: \"Failed\", body: failure.reason)\n  }}\n}}\n\n\
         playbook asks \"Asks\" {{\n  when manual()\n  then {{\n    approve \"Is all well?\" by team.soc, within 1h\n    \
         notify.email(team.soc, subject: \"Well\", body: \"All is well.\")\n  }}\n}}\n"
    );
    std::fs::create_dir(folder.join("playbooks")).expect("a folder");
    std::fs::write(folder.join("playbooks/all.play"), play).expect("written");
    std::fs::write(folder.join("counterplay.toml"), config).expect("written");
}

fn command(folder: &Path, secrets: &[(String, String)]) -> Command {
    let mut command = Command::new(outside::counterplay());
    command.current_dir(folder).env("NO_COLOR", "1");
    command.envs(secrets.iter().map(variable));
    command
}

/// The variable that holds a secret.
fn variable((name, value): &(String, String)) -> (String, String) {
    let name = name.to_uppercase().replace('-', "_");
    (format!("COUNTERPLAY_SECRET_{name}"), value.clone())
}

/// Starts the service, at its most talkative.
fn start(folder: &Path, secrets: &[(String, String)], collector: &Collector) -> Process {
    let mut variables: Vec<(String, String)> = secrets.iter().map(variable).collect();
    variables.push(("COUNTERPLAY_LOG".into(), "trace".into()));
    let address = collector.address.clone();
    variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT".into(), address));
    variables.push(("OTEL_BSP_SCHEDULE_DELAY".into(), "100".into()));
    Process::start(folder, &[], &variables)
}

/// Everything that could be read, each with where it was.
type Places = Vec<(String, Vec<u8>)>;

fn files(folder: &Path, places: &mut Places) {
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, places);
        } else if path.file_name().is_some_and(|n| n != "master.key") {
            places.push((
                path.display().to_string(),
                std::fs::read(&path).unwrap_or_default(),
            ));
        }
    }
}

/// A page as it is read: what HTML writes differently, in plain.
fn unescaped(page: &str) -> String {
    let mut out = page.to_owned();
    for (written, plain) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2F;", "/"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        out = out.replace(written, plain);
    }
    out
}

/// The token of the personal link that somebody was sent.
async fn personal_link(hostile: &Hostile) -> String {
    for _ in 0..600 {
        let mails = hostile.mails.lock().expect("not poisoned").clone();
        let mut plain = mails.iter().map(|mail| mail.replace("=\r\n", ""));
        let link = plain.find_map(|mail| Some(mail.split_once("/answer/")?.1.to_owned()));
        if let Some(link) = link {
            let ends = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
            return link.split(ends).next().unwrap_or_default().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody was sent a personal link");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_planted_secret_is_found_anywhere() {
    let connections: Vec<String> = (0..CONNECTIONS).map(connection_secret).collect();
    // Connections with OAuth2 get tokens, which are secrets as well.
    let tokens: Vec<String> = (0..CONNECTIONS).map(|n| secret("tok", n)).collect();
    let hostile = Hostile::start(connections.clone(), tokens.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    project(root, &hostile);
    let channel = |n: usize| {
        format!(
            "{}/channel/{}",
            hostile.base,
            secret("url", n).replace('/', "-")
        )
    };
    let mut given: Vec<(String, String)> = connections
        .iter()
        .enumerate()
        .map(|(n, s)| (format!("connection-{n}"), s.clone()))
        .collect();
    given.push(("teams-soc".into(), channel(0)));
    given.push(("slack-soc".into(), channel(1)));
    given.push(("mail".into(), secret("mail", 0)));
    given.push(("hook-alarm".into(), secret("hook", 0)));
    let collector = Collector::start();
    let service = start(root, &given, &collector);
    let password = secret("word", 0);
    let mut made = command(root, &[])
        .args([
            "user",
            "add",
            "dana@contoso.example",
            "--role",
            "administrator",
        ])
        .args(["--role", "operator", "--all-tenants", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut to = made.stdin.take().expect("an input");
    to.write_all(password.as_bytes()).expect("written");
    drop(to);
    assert!(made.wait().expect("it ends").success());

    let http = Client::new();
    let api = format!("{}/api/automation", service.url);
    let who = json!({"email": "dana@contoso.example", "password": password});
    let login = http.post(format!("{api}/session")).json(&who).send().await;
    let login = login.expect("a login");
    assert_eq!(login.status(), 201);
    let cookie = login.headers()["set-cookie"].to_str().expect("text");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let session: Value = login.json().await.expect("JSON");
    let csrf = session["csrf"].as_str().expect("a word").to_owned();
    let post = |path: &str, body: Value| {
        http.post(format!("{api}{path}"))
            .header("cookie", &cookie)
            .header("origin", &service.url)
            .header("x-csrf-token", &csrf)
            .json(&body)
            .send()
    };
    let token = post("/tokens", json!({"name": "reports", "role": "viewer"})).await;
    let token: Value = token.expect("an answer").json().await.expect("JSON");
    let token = token["secret"].as_str().expect("a token").to_owned();
    let started = post(
        "/playbooks/all/run",
        json!({"tenant": "contoso", "values": {}}),
    )
    .await;
    let started = started.expect("an answer");
    assert!(
        started.status().is_success(),
        "{}",
        started.text().await.unwrap_or_default()
    );
    // A delivery whose signature is wrong.
    let forged = http
        .post(format!("{}/hooks/alarm", service.url))
        .header("webhook-id", "1")
        .header("webhook-timestamp", "1")
        .header("webhook-signature", "v1,AAAA")
        .body("{}")
        .send()
        .await
        .expect("an answer");
    assert!(forged.status().is_client_error());

    let get = |path: String| {
        let request = http.get(path).header("cookie", &cookie);
        async move {
            let answer = request.send().await.expect("an answer");
            (answer.status(), answer.text().await.expect("text"))
        }
    };
    let mut run = Value::Null;
    for _ in 0..1_200 {
        let (_, runs) = get(format!("{api}/runs")).await;
        let runs: Value = serde_json::from_str(&runs).expect("JSON");
        run = runs["runs"][0].clone();
        if run["status"] == "ended" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(run["outcome"], "failed", "{run}");
    let run = run["id"].as_str().expect("an id").to_owned();

    // A personal link is looked at and answered by: it is as good as a password until it is used.
    let asks = json!({"tenant": "contoso", "values": {}});
    let asks = post("/playbooks/asks/run", asks).await.expect("an answer");
    assert!(asks.status().is_success(), "{}", asks.status());
    let link = personal_link(&hostile).await;
    let page = format!("{}/answer/{link}", service.url);
    let seen = http.get(&page).send().await.expect("a page");
    assert_eq!(seen.status(), 200);
    assert_eq!(seen.headers()["referrer-policy"], "strict-origin");
    let yes = [("decision", "approve")];
    let said = http.post(&page).form(&yes).send().await.expect("a page");
    assert_eq!(said.status(), 200);
    let twice = http.post(&page).form(&yes).send().await.expect("a page");
    assert_eq!(twice.status(), 409);

    let mut places: Places = Vec::new();
    for path in [
        "/api/automation/runs".to_owned(),
        format!("/api/automation/runs/{run}"),
        "/api/automation/audit?limit=200".to_owned(),
        "/api/automation/audit/export".to_owned(),
        "/api/automation/audit/export?format=ocsf".to_owned(),
        "/api/automation/health".to_owned(),
        "/api/automation/events".to_owned(),
        "/api/automation/dead-letters".to_owned(),
        "/api/automation/playbooks".to_owned(),
        "/api/automation/playbooks/all".to_owned(),
        "/api/automation/people".to_owned(),
        "/api/automation/tokens".to_owned(),
        "/api/automation/tenants".to_owned(),
        "/api/openapi.json".to_owned(),
        "/".to_owned(),
        "/runs".to_owned(),
        format!("/runs/{run}"),
        "/audit".to_owned(),
        "/sources".to_owned(),
        "/people".to_owned(),
        "/playbooks".to_owned(),
        "/playbooks/all".to_owned(),
        "/dead-letters".to_owned(),
        "/account".to_owned(),
    ] {
        let (status, text) = get(format!("{}{path}", service.url)).await;
        assert_eq!(status, 200, "{path}");
        places.push((
            format!("{path}, as it is read"),
            unescaped(&text).into_bytes(),
        ));
        places.push((path, text.into_bytes()));
    }
    let shown = places
        .iter()
        .find(|(path, _)| *path == format!("/runs/{run}"));
    let shown = String::from_utf8_lossy(&shown.expect("the page").1).into_owned();
    assert!(
        shown.contains("[secret]"),
        "the services did say secrets, and that shows"
    );
    let backup = command(root, &given).args(["backup", "copy.db"]).status();
    assert!(backup.expect("it starts").success());
    let line = command(root, &given)
        .args(["show", &run])
        .output()
        .expect("it starts");
    places.push((
        "counterplay show".into(),
        [line.stdout, line.stderr].concat(),
    ));
    let key = std::fs::read(root.join(".counterplay/master.key")).expect("the key");
    files(root, &mut places);
    let log = service.said();
    assert!(log.len() > 1_000, "it is told to say everything: {log}");
    places.push(("the log".into(), log.into_bytes()));
    let spans = collector.received();
    assert!(spans.len() > 1, "{}", spans.len());
    places.extend(
        spans
            .into_iter()
            .map(|sent| ("a span".to_owned(), sent.body)),
    );
    let mails = hostile.mails.lock().expect("not poisoned").clone();
    assert!(mails.len() > 10, "{}", mails.len());
    for (n, mail) in mails.iter().enumerate() {
        let soft = mail.replace("=\r\n", "").replace("=3D", "=");
        places.push((format!("mail {n}"), soft.into_bytes()));
    }
    let received = hostile.received.lock().expect("not poisoned").clone();
    let (mut generated, mut passed_on) = (Vec::new(), 0);
    for request in &received {
        if request.target.contains("/channel/") {
            places.push(("a message".into(), request.body.clone().into_bytes()));
        }
        if request.target.ends_with("/pass") {
            let body: Value = serde_json::from_str(&request.body).expect("JSON");
            let scopes = body["what"]["scopes"].as_object().expect("an object");
            assert!(scopes.len() > 10, "a key for each form: {}", request.body);
            passed_on += 1;
            places.push((
                "what is passed on".into(),
                request.body.clone().into_bytes(),
            ));
        }
        if request.target.ends_with("/poke") {
            let body: Value = serde_json::from_str(&request.body).expect("JSON");
            generated.push(body["password"].as_str().expect("a password").to_owned());
        }
    }
    assert!(places.iter().any(|(place, _)| place == "a message"));
    assert_eq!(passed_on, CONNECTIONS);
    assert!(generated.len() > CONNECTIONS && generated[0].len() == 24);

    // What is looked for.
    let oauth = tokens
        .iter()
        .enumerate()
        .filter(|(n, _)| n % AUTHS.len() == 4);
    let mut planted: Vec<(String, String)> = given;
    planted.extend(oauth.map(|(n, token)| (format!("access token {n}"), token.clone())));
    let all = generated.into_iter().enumerate();
    planted.extend(all.map(|(n, p)| (format!("generated password {n}"), p)));
    planted.push(("a person's password".into(), password));
    planted.push(("an API token".into(), token));
    planted.push((
        "a session".into(),
        cookie.split_once('=').expect("a cookie").1.to_owned(),
    ));
    assert!(planted.len() >= 50);
    let hex: String = key.iter().map(|b| format!("{b:02x}")).collect();
    let mut texts: Vec<(String, String)> = vec![("the master key in hexadecimal".into(), hex)];
    for (name, secret) in &planted {
        let forms = forms(secret).into_iter();
        texts.extend(forms.map(|(form, text)| (format!("{name}, {form}"), text)));
    }
    let (_, signature) = link.rsplit_once('.').expect("two parts");
    let mut found = Vec::new();
    for (place, bytes) in &places {
        let read = String::from_utf8_lossy(bytes);
        // The mail that it was sent in is where it belongs.
        if !place.starts_with("mail ") && read.contains(signature) {
            found.push(format!("{place}: a personal link"));
        }
        for (name, text) in &texts {
            if read.contains(text.as_str()) {
                found.push(format!("{place}: {name}"));
            }
        }
        // The master key is raw bytes.
        if bytes.windows(key.len()).any(|w| w == key) {
            found.push(format!("{place}: the master key"));
        }
    }
    found.sort();
    found.dedup();
    assert!(
        found.is_empty(),
        "{} places, among them {:#?}",
        found.len(),
        &found[..found.len().min(60)]
    );
}
