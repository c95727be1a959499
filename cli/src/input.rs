//! Files or standard input in, the JSON objects that they hold out, each with a name for messages.

use crate::error::Failure;
use crate::project;
use serde_json::Value as Json;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The most that is read of one file, in bytes.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// An object, or why it is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where it stands: `risk.json`, `feed.jsonl line 3`, `page.json value[0]`.
    pub name: String,
    /// The object.
    pub json: Result<Json, String>,
}

/// Reads a file, or standard input where the path is `-`.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn text(path: &Path) -> Result<(String, String), Failure> {
    let mut bytes = Vec::new();
    let name = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| Failure::cannot_start(format!("standard input cannot be read: {e}")))?;
        "standard input".to_owned()
    } else {
        if path.is_dir() {
            return Err(Failure::cannot_start(format!(
                "{} is a folder; name the files in it",
                project::shown(path)
            )));
        }
        File::open(path)
            .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|e| project::unreadable(path, &e))?;
        project::shown(path)
    };
    if bytes.len() as u64 > BYTES_MAX {
        return Err(Failure::cannot_start(format!(
            "{name} is longer than {} MiB; split it",
            BYTES_MAX / (1024 * 1024)
        )));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((name, text.to_owned())),
        Err(error) => Err(Failure::cannot_start(format!(
            "{name} is not UTF-8 text: byte {} cannot be read",
            error.valid_up_to()
        ))),
    }
}

/// The objects of a text: one, a list, a page of Graph, or one per line.
pub fn items(name: &str, text: &str) -> Vec<Item> {
    if text.trim().is_empty() {
        return vec![Item {
            name: name.to_owned(),
            json: Err("it is empty".into()),
        }];
    }
    match serde_json::from_str::<Json>(text) {
        Ok(whole) => spread(name, whole),
        Err(error) => lines(name, text).unwrap_or_else(|| {
            vec![Item {
                name: name.to_owned(),
                json: Err(format!("it is not JSON: {error}")),
            }]
        }),
    }
}

/// The objects of a JSON value that stands for one or several.
pub fn spread(name: &str, whole: Json) -> Vec<Item> {
    let several = |list: Vec<Json>, path: &str| {
        let one = |(i, json)| Item {
            name: format!("{name} {path}[{i}]"),
            json: Ok(json),
        };
        list.into_iter().enumerate().map(one).collect()
    };
    match whole {
        Json::Array(list) => several(list, ""),
        Json::Object(mut object) if is_page(&object) => match object.remove("value") {
            Some(Json::Array(list)) => several(list, "value"),
            _ => Vec::new(),
        },
        one => vec![Item {
            name: name.to_owned(),
            json: Ok(one),
        }],
    }
}

/// Whether an object is a page of a list and not an occurrence of something.
fn is_page(object: &serde_json::Map<String, Json>) -> bool {
    matches!(object.get("value"), Some(Json::Array(_)))
        && object
            .keys()
            .all(|key| key == "value" || key.starts_with("@odata."))
}

/// One object per line, where the first line is one; lines that are none are told apart.
fn lines(name: &str, text: &str) -> Option<Vec<Item>> {
    let mut filled = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let (_, first) = filled.clone().next()?;
    serde_json::from_str::<Json>(first).ok()?;
    filled.clone().nth(1)?;
    let mut out = Vec::new();
    for (index, line) in &mut filled {
        let name = format!("{name} line {}", index + 1);
        match serde_json::from_str(line) {
            Ok(json) => out.extend(spread(&name, json)),
            Err(error) => out.push(Item {
                name,
                json: Err(format!("it is not JSON: {error}")),
            }),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, bool)> {
        items("f", text)
            .into_iter()
            .map(|i| (i.name, i.json.is_ok()))
            .collect()
    }

    #[test]
    fn objects_lists_pages_and_lines_are_told_apart() {
        let one = |name: &str, ok| (name.to_owned(), ok);
        assert_eq!(names("{\"a\": 1}"), [one("f", true)]);
        assert_eq!(names("[{}, {}]"), [one("f [0]", true), one("f [1]", true)]);
        assert_eq!(
            names("{\"@odata.context\": \"x\", \"value\": [{}]}"),
            [one("f value[0]", true)]
        );
        assert_eq!(names("{\"id\": 1, \"value\": []}"), [one("f", true)]);
        assert_eq!(
            names("{}\n\nnonsense\n{}\n"),
            [
                one("f line 1", true),
                one("f line 3", false),
                one("f line 4", true)
            ]
        );
        assert_eq!(names("{\"a\":\n"), [one("f", false)]);
        assert_eq!(names(" \n"), [one("f", false)]);
        assert_eq!(names(&"[".repeat(10_000)), [one("f", false)]);
    }
}
