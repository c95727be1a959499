//! A kind of step and its place in, its outline out.

use super::layout::Point;
use super::live::NodeState;

/// An outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A rectangle.
    Plain,
    /// A rectangle with a bar at its left, in the colour of an impact.
    Barred,
    /// Round ends: the beginning and the ends of a run.
    Pill,
    /// Pointed sides: a decision.
    Pointed,
    /// Leaning sides: a question to a live system.
    Leaning,
    /// Wider above: branches begin.
    Split,
    /// A dot: branches meet.
    Dot,
    /// Cut corners and a double line: people decide.
    Gate,
    /// Very round corners: it waits.
    Round,
    /// A line above: a stage.
    Stage,
}

impl Shape {
    /// The outline of a class of [`counterplay_machine::draw`].
    pub fn of(class: &str) -> Shape {
        match class {
            "start" | "end_of_run" => Shape::Pill,
            "stage" => Shape::Stage,
            "decision" => Shape::Pointed,
            "query" => Shape::Leaning,
            "notify" | "reversible" | "disruptive" | "destructive" => Shape::Barred,
            "split" => Shape::Split,
            "join" => Shape::Dot,
            "wait" => Shape::Round,
            "gate" => Shape::Gate,
            _ => Shape::Plain,
        }
    }

    /// The size around a text of this size.
    pub fn size(self, width: f64, height: f64) -> (f64, f64) {
        let (x, y) = match self {
            Shape::Plain => (24.0, 14.0),
            Shape::Barred => (32.0, 14.0),
            Shape::Pill => (40.0, 16.0),
            Shape::Pointed => (52.0, 16.0),
            Shape::Leaning => (44.0, 14.0),
            Shape::Split => (52.0, 14.0),
            Shape::Dot => return (12.0, 12.0),
            Shape::Gate => (44.0, 22.0),
            Shape::Round => (36.0, 16.0),
            Shape::Stage => (36.0, 10.0),
        };
        ((width + x).max(72.0), height + y)
    }

    /// The outline, of this size around a middle.
    pub fn outline(self, at: Point, (width, height): (f64, f64)) -> String {
        let (left, top) = (at.x - width / 2.0, at.y - height / 2.0);
        let (right, bottom) = (left + width, top + height);
        let rect = |radius: f64, class: &str| {
            format!(
                "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\"/>"
            )
        };
        let polygon = |points: &[(f64, f64)]| {
            let points: Vec<String> = points
                .iter()
                .map(|(x, y)| format!("{x:.1},{y:.1}"))
                .collect();
            format!("<polygon class=\"shape\" points=\"{}\"/>", points.join(" "))
        };
        match self {
            Shape::Plain => rect(5.0, "shape"),
            Shape::Barred => format!(
                "{}<path class=\"bar\" d=\"M{:.1} {top:.1}h-2a5 5 0 0 0-5 5v{:.1}a5 5 0 0 0 5 5h2z\"/>",
                rect(5.0, "shape"),
                left + 7.0,
                height - 10.0
            ),
            Shape::Pill => rect((height / 2.0).min(20.0), "shape"),
            Shape::Round => rect(14.0, "shape"),
            Shape::Stage => rect(3.0, "shape"),
            Shape::Pointed => polygon(&[
                (left + 16.0, top),
                (right - 16.0, top),
                (right, at.y),
                (right - 16.0, bottom),
                (left + 16.0, bottom),
                (left, at.y),
            ]),
            Shape::Leaning => polygon(&[
                (left + 12.0, top),
                (right, top),
                (right - 12.0, bottom),
                (left, bottom),
            ]),
            Shape::Split => polygon(&[
                (left, top),
                (right, top),
                (right - 12.0, bottom),
                (left + 12.0, bottom),
            ]),
            Shape::Dot => format!(
                "<circle class=\"shape\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\"/>",
                at.x, at.y
            ),
            Shape::Gate => {
                let cut = |inset: f64| {
                    let corner = 10.0;
                    let (l, t, r, b) = (left + inset, top + inset, right - inset, bottom - inset);
                    polygon(&[
                        (l + corner, t),
                        (r - corner, t),
                        (r, t + corner),
                        (r, b - corner),
                        (r - corner, b),
                        (l + corner, b),
                        (l, b - corner),
                        (l, t + corner),
                    ])
                };
                format!("{}{}", cut(0.0), cut(3.5).replace("\"shape\"", "\"inner\""))
            }
        }
    }
}

/// A sign at the upper right corner that says how far a step has got, beside the colour.
pub fn badge(state: NodeState, at: Point, size: (f64, f64)) -> String {
    let mark = match state {
        NodeState::Done => "M-3 .2-.8 2.4 3.2-2.2",
        NodeState::Failed => "M-2.5-2.5 2.5 2.5M2.5-2.5-2.5 2.5",
        NodeState::Skipped => "M-2.5-2.5 1-0-2.5 2.5M2.5-2.5V2.5",
        NodeState::Current => "M0-.1V.1",
        NodeState::Ahead | NodeState::NotTaken => return String::new(),
    };
    let (x, y) = (at.x + size.0 / 2.0 - 4.0, at.y - size.1 / 2.0 + 1.0);
    let (x, y) = if size.0 < 20.0 { (x + 8.0, y) } else { (x, y) };
    format!(
        "<g class=\"badge\" transform=\"translate({x:.1} {y:.1})\"><circle r=\"7\"/><path d=\"{mark}\" fill=\"none\"/></g>"
    )
}
