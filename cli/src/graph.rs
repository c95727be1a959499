//! `counterplay graph`: a playbook in, a drawing of its state machine out.

use crate::args::{GraphArgs, GraphFormat};
use crate::choose;
use crate::error::{OK, Outcome};
use crate::out;
use counterplay_machine::draw;

/// Draws a playbook.
///
/// # Errors
/// When there is no such playbook or the project has errors.
pub fn graph(args: &GraphArgs) -> Outcome {
    let chosen = choose::choose(&args.playbook, args.project.project.as_deref())?;
    let playbook = chosen.playbook()?;
    out::text(match args.format {
        GraphFormat::Mermaid => draw::mermaid(playbook),
        GraphFormat::Dot => draw::dot(playbook),
    })?;
    Ok(OK)
}
