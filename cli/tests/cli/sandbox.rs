//! `sandbox` on free and on taken ports.

use crate::support::{Place, Result, interrupt, ran};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;

#[test]
fn a_sandbox_says_how_to_use_it_and_stops() -> Result {
    let place = Place::new()?;
    let mut child = place
        .command(&["sandbox", "--port", "0", "--smtp-port", "0"])
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut text = String::new();
    for line in lines.by_ref() {
        text.push_str(&line?);
        text.push('\n');
        if text.contains("Ctrl-C stops it") {
            break;
        }
    }
    assert!(
        text.contains("[connections.graph]\nbase = \"http://127.0.0.1:"),
        "{text}"
    );
    interrupt(&child)?;
    assert_eq!(child.wait()?.code(), Some(0));
    Ok(())
}

#[test]
fn a_taken_port_is_a_clear_sentence() -> Result {
    let place = Place::new()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let ran = ran(place.command(&["sandbox", "--port", &port]).output()?);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("is already in use; choose another port"),
        "{}",
        ran.err
    );
    Ok(())
}
