//! Standard input in, JSON objects as they come out: over one line or several, one after the other.

use crate::input::{Item, spread};
use std::io::{BufRead, ErrorKind};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// An object that is longer than this is rejected, in bytes.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads standard input on a thread of its own. The channel closes when it ends.
pub fn items() -> UnboundedReceiver<Item> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || read(std::io::stdin().lock(), &sender));
    receiver
}

fn read(mut input: impl BufRead, sender: &UnboundedSender<Item>) {
    let mut cutter = Cutter::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let items = match input.read_until(b'\n', &mut line) {
            Ok(0) => {
                let last = cutter.finish();
                last.into_iter().for_each(|item| drop(sender.send(item)));
                return;
            }
            Ok(_) => cutter.line(&line),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => vec![Item {
                name: "standard input".into(),
                json: Err(format!("it cannot be read: {error}")),
            }],
        };
        for item in items {
            if sender.send(item).is_err() {
                return;
            }
        }
    }
}

/// Cuts a stream of lines into JSON values by counting brackets outside of texts.
#[derive(Default)]
struct Cutter {
    buffer: Vec<u8>,
    /// The line that the buffer begins on, and the last one read; from 1.
    first: usize,
    number: usize,
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Cutter {
    fn line(&mut self, line: &[u8]) -> Vec<Item> {
        self.number += 1;
        let mut out = Vec::new();
        // An object never begins at the start of a line inside another one: the one before was cut short.
        if !self.buffer.is_empty() && self.buffer.starts_with(b"{") && line.starts_with(b"{") {
            out.extend(self.finish());
        }
        if self.buffer.is_empty() {
            if line.trim_ascii().is_empty() {
                return out;
            }
            self.first = self.number;
        }
        self.buffer.extend_from_slice(line);
        for byte in line {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        if self.depth == 0 || self.buffer.len() > BYTES_MAX {
            out.extend(self.finish());
        }
        out
    }

    /// What has been collected, as items.
    fn finish(&mut self) -> Vec<Item> {
        let bytes = std::mem::take(&mut self.buffer);
        (self.depth, self.in_text, self.escaped) = (0, false, false);
        if bytes.trim_ascii().is_empty() {
            return Vec::new();
        }
        let name = format!("standard input line {}", self.first);
        if bytes.len() > BYTES_MAX {
            let reason = format!("it is longer than {} MiB", BYTES_MAX / (1024 * 1024));
            return vec![Item {
                name,
                json: Err(reason),
            }];
        }
        match serde_json::from_slice(&bytes) {
            Ok(json) => spread(&name, json),
            Err(error) => vec![Item {
                name,
                json: Err(format!("it is not JSON: {error}")),
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(String, bool)> {
        let (sender, mut receiver) = unbounded_channel();
        read(text.as_bytes(), &sender);
        drop(sender);
        let mut out = Vec::new();
        while let Ok(item) = receiver.try_recv() {
            let name = item.name.trim_start_matches("standard input ").to_owned();
            out.push((name, item.json.is_ok()));
        }
        out
    }

    #[test]
    fn objects_are_cut_where_they_end() {
        let one = |name: &str, ok| (name.to_owned(), ok);
        assert_eq!(
            cut("{\"a\": \"}{\\\"\"}\n{}\n"),
            [one("line 1", true), one("line 2", true)]
        );
        assert_eq!(
            cut("{\n  \"a\": [\n    1\n  ]\n}\n\n[{}, {}]"),
            [
                one("line 1", true),
                one("line 7 [0]", true),
                one("line 7 [1]", true)
            ]
        );
        assert_eq!(
            cut("{\"a\":\n{\"b\": 1}\nnonsense\n{"),
            [
                one("line 1", false),
                one("line 2", true),
                one("line 3", false),
                one("line 4", false)
            ]
        );
        assert_eq!(cut(""), []);
    }
}
