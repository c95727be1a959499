//! In: a sandbox. Out: a client that holds its tokens.

use counterplay_sandbox::{Options, Sandbox};
use reqwest::{Client, Method, Response};
use serde_json::Value;

pub const NORA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1001";
pub const OMAR: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1002";
pub const PRIYA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
pub const HANNAH: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1007";
pub const VICTOR: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1008";
pub const SAM: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1010";
pub const WINDOWS: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2001";
pub const MACBOOK: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2003";
pub const IPHONE: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004";

pub struct Caller {
    pub sandbox: Sandbox,
    pub http: Client,
    pub token: String,
}

impl Caller {
    /// A fresh demo tenant and a Graph token for it.
    pub async fn new() -> Caller {
        let sandbox = Sandbox::start(Options::default()).await.expect("starts");
        let mut caller = Caller {
            sandbox,
            http: Client::new(),
            token: String::new(),
        };
        caller.token = caller.token_for("https://graph.microsoft.com").await;
        caller
    }

    pub async fn token_for(&self, resource: &str) -> String {
        let (status, body) = self
            .ask_token(&[("scope", &format!("{resource}/.default"))])
            .await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().expect("a token").to_owned()
    }

    /// Asks for a Graph token with these fields in place of the right ones.
    pub async fn ask_token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let mut form = vec![
            ("client_id", "counterplay-sandbox"),
            ("client_secret", "sandbox-secret"),
            ("scope", "https://graph.microsoft.com/.default"),
            ("grant_type", "client_credentials"),
        ];
        for (name, value) in fields {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        let tenant = self.sandbox.state().id;
        let url = format!(
            "{}/login/{tenant}/oauth2/v2.0/token",
            self.sandbox.base_url()
        );
        let response = self.http.post(url).form(&form).send().await;
        let response = response.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }

    /// A call below the base URL with a token.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Response> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let url = format!("{}{path}", self.sandbox.base_url());
        let mut request = self.http.request(method, url);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await
    }

    /// A Graph call: status and body (null if none).
    pub async fn graph(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let path = format!("/graph/v1.0{path}");
        let response = self.send(method, &path, &self.token, body).await;
        read(response.expect("an answer")).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.graph("GET", path, None).await
    }
}

pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    let value = match text.as_str() {
        "" => Value::Null,
        _ => serde_json::from_str(&text).unwrap_or(Value::String(text)),
    };
    (status, value)
}
