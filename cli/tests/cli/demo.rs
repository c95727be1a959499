//! `demo`, as CI runs it.

use crate::support::{Place, Result};
use std::time::{Duration, Instant};

#[test]
fn the_demo_keeps_its_promises() -> Result {
    let place = Place::new()?;
    let begun = Instant::now();
    let ran = place.run(&["demo", "--yes"])?;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    for line in [
        "→ Compromised User Response starts",
        "✓ sign-in blocked",
        "⏩ 4 hours pass",
        "✓ mail to soc-leads@msp.example",
        "Approve? [y/n] y  (answered by itself)",
        "⏩ 30 days pass",
        "✓ mailbox made a shared one",
        "sign-in blocked, sessions revoked, password changed, 3 MFA methods removed",
        "Contoso is as the playbooks promise",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    let last = ran.out.trim_end().lines().last().unwrap_or_default();
    assert!(last.contains("counterplay --help"), "{last}");
    assert_eq!(
        std::fs::read_dir(place.path())?.count(),
        0,
        "it leaves nothing behind"
    );
    Ok(())
}
