//! The inbox: what waits for the viewer, for others, and what was decided lately.

use super::{Oops, Page, rows};
use crate::api::approvals::may_answer;
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::ApprovalsPage;
use crate::identity::Permission;
use crate::problem::Problem;
use axum::response::Response;

/// How many decided ones are shown.
const DECIDED: u32 = 15;

/// `/approvals`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page) -> Result<Response, Oops> {
    let made = make(&page).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(page: &Page) -> Result<ApprovalsPage, Problem> {
    page.auth.needs(Permission::View)?;
    let (store, program) = (page.app.engine.store(), page.app.engine.program());
    let mut open = store.approvals_within(page.auth.tenants()).await?;
    open.sort_by_key(|a| a.open.until_ms);
    let (mine, others): (Vec<_>, Vec<_>) = open.iter().partition(|a| may_answer(&page.auth, a));
    let decided = store.decided_lately(DECIDED, page.auth.tenants()).await?;
    let rows = |list: Vec<_>| {
        list.into_iter()
            .map(|a| rows::approval(page, &program, a))
            .collect()
    };
    Ok(ApprovalsPage {
        chrome: page.chrome(Area::Approvals, "Approvals").await,
        mine: rows(mine),
        others: rows(others),
        decided: decided.iter().map(|d| rows::decided(&program, d)).collect(),
    })
}
