//! In: the text of a `$filter`. Out: which items it holds for.
//!
//! Understood are comparisons, `and`, `or`, `not`, parentheses and `startswith(member,'text')`
//! ("Use the $filter query parameter").

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use crate::call::Problem;

/// How deep parentheses may go.
const DEPTH_MAX: usize = 32;

/// A filter that was understood.
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(String, Op, Value),
    StartsWith(String, String),
}

/// A comparison.
#[derive(Clone, Copy)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Filter {
    /// Whether it holds for an item. A comparison with an absent member holds only for `ne` and `eq null`.
    pub fn holds(&self, item: &Value) -> bool {
        match self {
            Filter::And(a, b) => a.holds(item) && b.holds(item),
            Filter::Or(a, b) => a.holds(item) || b.holds(item),
            Filter::Not(inner) => !inner.holds(item),
            Filter::StartsWith(path, prefix) => at(item, path).as_str().is_some_and(|text| {
                let (text, prefix) = (text.to_lowercase(), prefix.to_lowercase());
                text.starts_with(&prefix)
            }),
            Filter::Compare(path, op, wanted) => {
                let order = compare(&at(item, path), wanted);
                match op {
                    Op::Eq => order == Some(Ordering::Equal),
                    Op::Ne => order != Some(Ordering::Equal),
                    Op::Lt => order == Some(Ordering::Less),
                    Op::Gt => order == Some(Ordering::Greater),
                    Op::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    Op::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                }
            }
        }
    }
}

impl Filter {
    /// The members that it looks at, by their first names.
    pub fn members(&self) -> Vec<&str> {
        match self {
            Filter::And(a, b) | Filter::Or(a, b) => {
                let mut all = a.members();
                all.extend(b.members());
                all
            }
            Filter::Not(inner) => inner.members(),
            Filter::Compare(path, ..) | Filter::StartsWith(path, _) => {
                path.split('/').take(1).collect()
            }
        }
    }
}

/// The value at a path such as `signInActivity/lastSignInDateTime`; null if there is none.
pub(crate) fn at(item: &Value, path: &str) -> Value {
    let mut found = item;
    for name in path.split('/') {
        match found.get(name) {
            Some(value) => found = value,
            None => return Value::Null,
        }
    }
    found.clone()
}

/// How two values relate; none if they cannot be compared. Text compares without case, times as times.
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => {
            match (a.parse::<Timestamp>(), b.parse::<Timestamp>()) {
                (Ok(a), Ok(b)) => Some(a.cmp(&b)),
                _ => Some(a.to_lowercase().cmp(&b.to_lowercase())),
            }
        }
        _ => None,
    }
}

/// Reads a filter, or says as Graph does that it is none.
pub(crate) fn parse(text: &str) -> Result<Filter, Problem> {
    let invalid = || {
        Problem::bad_request(format!(
            "Invalid filter clause: syntax error or unsupported expression in '{text}'."
        ))
    };
    let mut reader = Reader {
        tokens: tokens(text).ok_or_else(invalid)?,
        next: 0,
    };
    let filter = reader.or(0).ok_or_else(invalid)?;
    if reader.next == reader.tokens.len() {
        Ok(filter)
    } else {
        Err(invalid())
    }
}

#[derive(Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            ' ' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => {
                let mut quoted = String::new();
                loop {
                    match chars.next()? {
                        '\'' if chars.next_if_eq(&'\'').is_some() => quoted.push('\''),
                        '\'' => break,
                        other => quoted.push(other),
                    }
                }
                tokens.push(Token::Text(quoted));
            }
            first => {
                let mut word = String::from(first);
                while let Some(more) = chars.next_if(|char| !" (),'".contains(*char)) {
                    word.push(more);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    next: usize,
}

impl Reader {
    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next)?.clone();
        self.next += 1;
        Some(token)
    }

    fn take_if(&mut self, wanted: &Token) -> bool {
        let found = self.tokens.get(self.next) == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.take_if(&Token::Word(word.to_owned()))
    }

    fn or(&mut self, depth: usize) -> Option<Filter> {
        let mut left = self.and(depth)?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Some(left)
    }

    fn and(&mut self, depth: usize) -> Option<Filter> {
        let mut left = self.one(depth)?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Some(left)
    }

    fn one(&mut self, depth: usize) -> Option<Filter> {
        if depth > DEPTH_MAX {
            return None;
        }
        if self.take_word("not") {
            return Some(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take_if(&Token::Open) {
            let inner = self.or(depth + 1)?;
            return self.take_if(&Token::Close).then_some(inner);
        }
        let Token::Word(name) = self.take()? else {
            return None;
        };
        if name.eq_ignore_ascii_case("startswith") && self.take_if(&Token::Open) {
            let (path, comma, prefix) = (self.take()?, self.take()?, self.take()?);
            let (Token::Word(path), Token::Comma, Token::Text(prefix)) = (path, comma, prefix)
            else {
                return None;
            };
            let filter = Filter::StartsWith(path, prefix);
            return self.take_if(&Token::Close).then_some(filter);
        }
        let Token::Word(op) = self.take()? else {
            return None;
        };
        let op = match op.as_str() {
            "eq" => Op::Eq,
            "ne" => Op::Ne,
            "lt" => Op::Lt,
            "le" => Op::Le,
            "gt" => Op::Gt,
            "ge" => Op::Ge,
            _ => return None,
        };
        let wanted = match self.take()? {
            Token::Text(text) => Value::String(text),
            Token::Word(word) => literal(&word)?,
            _ => return None,
        };
        Some(Filter::Compare(name, op, wanted))
    }
}

/// `true`, `null`, a number, a time.
fn literal(word: &str) -> Option<Value> {
    match word {
        "null" => Some(Value::Null),
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        _ if word.parse::<Timestamp>().is_ok() => Some(word.into()),
        _ => word.parse::<f64>().ok().map(Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(filter: &str, item: &Value) -> bool {
        parse(filter).is_ok_and(|filter| filter.holds(item))
    }

    #[test]
    fn compares_times_text_and_absence() {
        let item = json!({"at": {"time": "2026-01-02T00:00:00Z"}, "on": true, "name": "O'Neil"});
        assert!(holds(
            "at/time le 2026-01-02T00:00:00.000Z and on eq true",
            &item
        ));
        assert!(!holds("at/time lt 2026-01-02T00:00:00Z", &item));
        assert!(holds("name eq 'o''neil'", &item));
        assert!(holds("startswith(name,'o''') and not (on eq false)", &item));
        assert!(holds("gone eq null and gone ne 'x'", &item));
        assert!(!holds("gone le 2026-01-02T00:00:00Z", &item));
        assert!(holds("on eq false or (name ne 'x')", &item));
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for text in [
            "",
            "a eq",
            "a has 'x'",
            "(a eq 1",
            "a eq 1)",
            "a eq 'x",
            "a eq b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = format!("{}a eq 1{}", "(".repeat(500), ")".repeat(500));
        assert!(parse(&deep).is_err());
    }
}
