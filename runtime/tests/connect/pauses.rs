//! A pause holds the next attempt of a call that is under way.

use crate::server::{Server, empty};
use crate::support::*;
use counterplay_machine::declare::Auth;
use counterplay_runtime::brake::{Brake, Gate, Scope};
use counterplay_runtime::call::{CallRequest, Connector};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_call_that_is_tried_again_waits_until_it_may() {
    let brake = Arc::new(Brake::default());
    let held = brake.clone();
    let server = Server::start(move |before, _| {
        // While the first attempt is under way somebody pauses everything.
        held.set(vec![Scope::All]);
        empty(if before == 0 { 503 } else { 204 })
    })
    .await;
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![action("do")],
    );
    let request = CallRequest {
        gate: Gate::of(&brake, "contoso", Some("p")),
        ..bench.request("do", "x")
    };
    let brake_for_check = brake.clone();
    let call = async { bench.connectors.call(request).await };
    let watch = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(server.received().len(), 1, "no second attempt");
        assert_eq!(brake_for_check.under_way(&Scope::All), 0);
        brake_for_check.set(Vec::new());
    };
    let (outcome, ()) = tokio::join!(call, watch);
    assert_eq!(outcome, done());
    assert_eq!(server.received().len(), 2);
}
