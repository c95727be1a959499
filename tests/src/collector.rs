//! In: requests of OTLP over HTTP, to a server of its own. Out: the spans in them, decoded.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A collector that takes spans.
pub struct Collector {
    /// Where it is.
    pub address: String,
    received: Arc<Mutex<Vec<Received>>>,
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its first line.
    pub line: String,
    /// Its headers, in small letters.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
}

/// A span, with what is told of it as text.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its name.
    pub name: String,
    /// The trace that it is part of, in hexadecimal.
    pub trace: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// The attributes of the process that sent it.
    pub resource: BTreeMap<String, String>,
    /// The span itself.
    pub span: Span,
}

impl Collector {
    /// Starts one.
    pub fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let keeps = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let keeps = keeps.clone();
                std::thread::spawn(move || serve(&stream, &keeps));
            }
        });
        Collector {
            address: format!("http://{address}"),
            received,
        }
    }

    /// What came in.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }

    /// The spans that came in.
    pub fn spans(&self) -> Vec<Told> {
        let mut spans = Vec::new();
        for received in self.received() {
            let request = ExportTraceServiceRequest::decode(&*received.body).expect("OTLP");
            for of in request.resource_spans {
                let resource = texts(&of.resource.unwrap_or_default().attributes);
                for span in of.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                    spans.push(Told {
                        name: span.name.clone(),
                        trace: span.trace_id.iter().map(|b| format!("{b:02x}")).collect(),
                        attributes: texts(&span.attributes),
                        resource: resource.clone(),
                        span,
                    });
                }
            }
        }
        spans
    }
}

/// Answers the requests of a connection, as a collector does that took everything.
fn serve(stream: &TcpStream, keeps: &Mutex<Vec<Received>>) {
    let mut lines = BufReader::new(stream);
    while let Some(received) = read(&mut lines) {
        keeps.lock().expect("not poisoned").push(received);
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        let mut stream = stream;
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(lines: &mut BufReader<&TcpStream>) -> Option<Received> {
    let mut line = String::new();
    lines.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        lines.read_line(&mut header).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    Some(Received {
        line: line.trim().to_owned(),
        headers,
        body,
    })
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| {
        let value = attribute.value.as_ref().and_then(|v| v.value.as_ref());
        let text = match value {
            Some(Value::StringValue(text)) => text.clone(),
            Some(Value::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        };
        (attribute.key.clone(), text)
    };
    attributes.iter().map(text).collect()
}
