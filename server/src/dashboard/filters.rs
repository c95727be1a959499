//! What templates do with values: `{{ title|safe_text }}`, `{{ person|person }}`.

use super::text;
use askama::filters::Safe;
use std::convert::Infallible;
use std::fmt::Display;

/// Text of anybody, with badges for hidden characters; not for attributes, where the plain `{{ }}` is right.
#[askama::filter_fn]
pub fn safe_text(value: impl Display, _: &dyn askama::Values) -> Result<Safe<String>, Infallible> {
    Ok(Safe(text::safe(&value.to_string())))
}

/// Text of authors, such as a playbook's description: [`safe_text`] with code between backticks.
#[askama::filter_fn]
pub fn prose(value: impl Display, _: &dyn askama::Values) -> Result<Safe<String>, Infallible> {
    Ok(Safe(text::prose(&value.to_string())))
}

/// A name: [`safe_text`] that keeps its direction to itself.
#[askama::filter_fn]
pub fn name(value: impl Display, _: &dyn askama::Values) -> Result<Safe<String>, Infallible> {
    Ok(Safe(text::name(&value.to_string())))
}

/// A part of a path.
#[askama::filter_fn]
pub fn segment(value: impl Display, _: &dyn askama::Values) -> Result<Safe<String>, Infallible> {
    Ok(Safe(text::segment(&value.to_string())))
}
