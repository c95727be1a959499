//! Tenants that have something waiting in; whose turn it is, and how much each may take at once, out.
//!
//! Whoever has put in a hundred times as much as the others gets no more of a round than they do, as long as they
//! want something.

use rusqlite::Connection;

/// The tenants with rows in a queue, in order. `queue` is a table with a partial index on `(tenant, …)`, `waits` that
/// index's condition: each tenant costs one look into it, however much waits.
pub(super) fn waiting(
    conn: &Connection,
    queue: &str,
    waits: &str,
) -> Result<Vec<String>, rusqlite::Error> {
    let sql = format!(
        "WITH RECURSIVE those(tenant) AS ( \
           SELECT (SELECT min(tenant) FROM {queue} WHERE {waits}) \
           UNION ALL \
           SELECT (SELECT min(tenant) FROM {queue} WHERE {waits} AND tenant > those.tenant) \
           FROM those WHERE those.tenant IS NOT NULL \
         ) SELECT tenant FROM those WHERE tenant IS NOT NULL"
    );
    let mut ask = conn.prepare_cached(&sql)?;
    let rows = ask.query_map([], |row| row.get(0))?;
    rows.collect()
}

/// The tenants in the order of their turns: those behind the one that was last come first.
pub(super) fn turns(mut tenants: Vec<String>, last: &str) -> Vec<String> {
    let next = tenants.partition_point(|tenant| tenant.as_str() <= last);
    tenants.rotate_left(next);
    tenants
}

/// How many each of so many tenants may take of a round.
pub(super) fn share(limit: usize, tenants: usize) -> usize {
    limit.div_ceil(tenants.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round() {
        let all = || vec!["acme".to_owned(), "birch".to_owned(), "cedar".to_owned()];
        assert_eq!(turns(all(), ""), ["acme", "birch", "cedar"]);
        assert_eq!(turns(all(), "acme"), ["birch", "cedar", "acme"]);
        assert_eq!(turns(all(), "bzzz"), ["cedar", "acme", "birch"]);
        assert_eq!(turns(all(), "cedar"), ["acme", "birch", "cedar"]);
        assert_eq!((share(16, 100), share(16, 1), share(16, 3)), (1, 16, 6));
    }
}
