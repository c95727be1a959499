//! Conditions in, a statement over one table, the latest first and a page at a time, out.

use super::{Fault, Tx};
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};
use serde_json::json;

/// How many a page has where nobody says.
const USUAL: u32 = 100;

/// A page of a list, the latest first. Pages stay complete and free of repeats while rows are added.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The number to give as `before` for the next page; `None` on the last one.
    pub next: Option<i64>,
}

/// Conditions that all have to hold.
#[derive(Default)]
pub(super) struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// `sql` has one `?`, which `value` stands for; no condition where there is no value.
    pub(super) fn with(&mut self, sql: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.sql.push(sql.to_owned());
            self.values.push(value.into());
        }
        self
    }

    /// A condition without a value.
    pub(super) fn plain(&mut self, sql: &str, wanted: bool) -> &mut Self {
        if wanted {
            self.sql.push(sql.to_owned());
        }
        self
    }

    /// `sql` has as many `?` as there are values.
    pub(super) fn either<const N: usize>(&mut self, sql: &str, values: [String; N]) -> &mut Self {
        self.sql.push(sql.to_owned());
        self.values.extend(values.map(Value::from));
        self
    }

    /// Only rows of these tenants; of all where `None`.
    pub(super) fn tenants(&mut self, column: &str, tenants: Option<&[String]>) -> &mut Self {
        self.with(
            &format!("{column} IN (SELECT value FROM json_each(?))"),
            tenants.map(|t| json!(t).to_string()),
        )
    }

    /// `WHERE …`, or nothing.
    pub(super) fn clause(&self) -> String {
        if self.sql.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.sql.join(" AND "))
        }
    }

    /// The values of the `?`, in order.
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }
}

impl Tx<'_> {
    /// A page of the rows that `select` (up to and without its `WHERE`) gives. `num` is the column
    /// that orders them, which `select` has first.
    pub(super) fn page<T>(
        &self,
        select: &str,
        num: &str,
        mut conditions: Conditions,
        (before, limit): (Option<i64>, Option<u32>),
        read: impl Fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Page<T>, Fault> {
        conditions.with(&format!("{num} < ?"), before);
        let limit = limit.unwrap_or(USUAL) as usize;
        let sql = format!(
            "{select}{} ORDER BY {num} DESC LIMIT {}",
            conditions.clause(),
            limit.saturating_add(1)
        );
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params_from_iter(conditions.values()))?;
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        let mut last = None;
        while let Some(row) = rows.next()? {
            if page.items.len() == limit {
                page.next = last;
                break;
            }
            last = Some(row.get(0)?);
            page.items.push(read(row)?);
        }
        Ok(page)
    }

    /// The first row that `select` gives under conditions.
    pub(super) fn one<T>(
        &self,
        select: &str,
        conditions: &Conditions,
        read: impl Fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let sql = format!("{select}{} LIMIT 1", conditions.clause());
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params_from_iter(conditions.values()))?;
        rows.next()?.map(read).transpose()
    }
}
