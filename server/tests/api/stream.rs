//! The stream of what happens: in order, without gaps, of one's own tenants.

use crate::support::{Client, PRIYA, Service, VICTIMS, tenants};
use counterplay_server::identity::{Role, Scope};
use reqwest::{Method, Response};
use std::time::Duration;

const STREAM: &str = "/api/automation/stream";

struct Following {
    response: Response,
    text: String,
}

impl Following {
    async fn of(client: &Client) -> Following {
        let response = client
            .request(Method::GET, STREAM)
            .send()
            .await
            .expect("open");
        assert_eq!(response.status(), 200);
        Following {
            response,
            text: String::new(),
        }
    }

    /// Reads until the text has this.
    async fn until(&mut self, part: &str) -> String {
        while !self.text.contains(part) {
            let next = tokio::time::timeout(Duration::from_secs(20), self.response.chunk());
            match next.await.expect("it comes").expect("more") {
                Some(chunk) => self.text.push_str(&String::from_utf8_lossy(&chunk)),
                None => panic!("the stream ended: {}", self.text),
            }
        }
        self.text.clone()
    }
}

/// The numbers of the events called `journal`.
fn numbers(text: &str) -> Vec<i64> {
    text.split("\n\n")
        .filter(|e| e.contains("event: journal"))
        .filter_map(|e| e.lines().find_map(|l| l.strip_prefix("id: ")))
        .map(|id| id.parse().expect("a number"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_is_others() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let fabrikam = service.token(Role::Viewer, tenants(&["fabrikam"])).await;
    let mut all = Following::of(&operator).await;
    let mut own = Following::of(&fabrikam).await;
    all.until("event: hello").await;
    own.until("event: hello").await;
    let (first, _) = operator.contained("contoso", PRIYA).await;
    let (second, _) = operator.contained("fabrikam", VICTIMS[1]).await;
    let text = all.until(&second).await;
    let seen = numbers(&text);
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    assert!(!seen.is_empty());
    assert!(text.contains(&first), "{text}");
    let others = own.until(&second).await;
    assert!(!others.contains(&first), "{others}");
    // Who comes back gets all that came after what they saw.
    let back = operator.with("last-event-id", &seen[0].to_string());
    let mut again = Following::of(&back).await;
    let repeated = numbers(&again.until(&second).await);
    let last = repeated.last().copied().unwrap_or_default();
    let expected: Vec<i64> = seen[1..].iter().copied().filter(|n| *n <= last).collect();
    assert_eq!(repeated[..expected.len()], expected);
    operator
        .with("last-event-id", "x")
        .get(STREAM)
        .await
        .problem(400, "bad-request");
    drop((all, own, again));
    for _ in 0..500 {
        if service.app.feed.listeners() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} places are still taken", service.app.feed.listeners());
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_the_service_and_runs_are_kept() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (run, _) = operator.contained("contoso", PRIYA).await;
    let mut stream = Following::of(&operator).await;
    stream.until("event: hello").await;
    let reading = tokio::spawn(async move {
        while let Some(chunk) = stream.response.chunk().await.expect("a clean end") {
            stream.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    });
    let (rest, folder) = service.stop().await;
    reading.await.expect("it ended");
    assert_eq!(rest.open_runs, 1);
    let service = Service::with(crate::support::Given {
        folder,
        ..Default::default()
    })
    .await;
    let mut operator = operator;
    operator.base = service.url.clone();
    let kept = operator.get(&format!("/api/automation/runs/{run}")).await;
    assert_eq!(kept.ok(200).json["status"], "awaiting approval");
}
