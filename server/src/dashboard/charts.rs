//! Numbers by day in, charts as SVG out, in the colours of the page's style sheet; the same numbers stand in a table.

use super::text;
use counterplay_machine::declare::Impact;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;

const SIZE: (u32, u32) = (560, 220);

/// A day's runs and actions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// `2026-11-25`, in UTC.
    pub date: String,
    /// Runs that ended as they should.
    pub succeeded: u64,
    /// Runs that ended otherwise: failed, or completed with failures.
    pub failed: u64,
    /// Actions performed: notify, reversible, disruptive, destructive.
    pub actions: [u64; 4],
}

impl Day {
    /// The share of runs that ended as they should, in percent; `None` on a day without ended runs.
    pub fn success_percent(&self) -> Option<u64> {
        let all = self.succeeded + self.failed;
        (all > 0).then(|| (self.succeeded * 100 + all / 2) / all)
    }

    /// The day without the year: `11-25`.
    fn short(&self) -> &str {
        self.date.get(5..).unwrap_or(&self.date)
    }

    fn actions_in_all(&self) -> u64 {
        self.actions.iter().sum()
    }
}

/// The impacts in the order of [`Day::actions`].
pub const IMPACTS: [Impact; 4] = [
    Impact::Notify,
    Impact::Reversible,
    Impact::Disruptive,
    Impact::Destructive,
];

/// Stand-ins, which become classes: the page decides on colours.
const GRID: RGBColor = RGBColor(1, 1, 1);
const INK: RGBColor = RGBColor(2, 2, 2);
const LINE: RGBColor = RGBColor(3, 3, 3);
const AREA: RGBColor = RGBColor(4, 4, 4);
const STACK: [RGBColor; 4] = [
    RGBColor(5, 5, 5),
    RGBColor(6, 6, 6),
    RGBColor(7, 7, 7),
    RGBColor(8, 8, 8),
];
const CLASSES: [(&str, &str); 8] = [
    ("#010101", "c-grid"),
    ("#020202", "c-ink"),
    ("#030303", "c-line"),
    ("#040404", "c-area"),
    ("#050505", "c-notify"),
    ("#060606", "c-reversible"),
    ("#070707", "c-disruptive"),
    ("#080808", "c-destructive"),
];

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The share of runs that ended as they should. Days without runs are gaps.
pub fn success(days: &[Day]) -> Option<String> {
    days.iter()
        .any(|d| d.success_percent().is_some())
        .then_some(())?;
    finish("Success rate by day, in percent", "success", |canvas| {
        let count = days.len();
        let mut chart = ChartBuilder::on(canvas)
            .margin(10)
            .margin_right(18)
            .x_label_area_size(24)
            .y_label_area_size(42)
            .build_cartesian_2d(columns(count), 0f64..104f64)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .y_labels(3)
            .x_labels(6)
            .label_style(("sans-serif", 16, &INK))
            .y_label_formatter(&|v| format!("{v:.0}%"))
            .x_label_formatter(&|v| day_label(days, *v))
            .draw()?;
        let points: Vec<(f64, f64)> = days
            .iter()
            .enumerate()
            .filter_map(|(x, day)| Some((x as f64, day.success_percent()? as f64)))
            .collect();
        chart.draw_series(AreaSeries::new(points.iter().copied(), 0.0, AREA))?;
        chart.draw_series(LineSeries::new(
            points.iter().copied(),
            LINE.stroke_width(2),
        ))?;
        chart.draw_series(points.iter().map(|p| Circle::new(*p, 3, LINE.filled())))?;
        Ok(())
    })
}

/// Actions by impact, stacked.
pub fn actions(days: &[Day]) -> Option<String> {
    let most = days
        .iter()
        .map(Day::actions_in_all)
        .max()
        .filter(|m| *m > 0)?;
    finish("Actions by day and impact", "actions", |canvas| {
        let top = (most as f64 * 1.08).max(4.0);
        let mut chart = ChartBuilder::on(canvas)
            .margin(10)
            .margin_right(18)
            .x_label_area_size(24)
            .y_label_area_size(42)
            .build_cartesian_2d(columns(days.len()), 0f64..top)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .y_labels(4)
            .x_labels(6)
            .label_style(("sans-serif", 16, &INK))
            .y_label_formatter(&|v| format!("{v:.0}"))
            .x_label_formatter(&|v| day_label(days, *v))
            .draw()?;
        for (x, day) in days.iter().enumerate() {
            let mut below = 0.0;
            for (number, colour) in day.actions.iter().zip(STACK) {
                let above = below + *number as f64;
                if *number > 0 {
                    let (left, right) = (x as f64 - 0.32, x as f64 + 0.32);
                    chart.draw_series([Rectangle::new(
                        [(left, above), (right, below)],
                        colour.filled(),
                    )])?;
                }
                below = above;
            }
        }
        Ok(())
    })
}

fn columns(count: usize) -> Range<f64> {
    -0.6..(count.max(1) as f64 - 0.4)
}

fn day_label(days: &[Day], at: f64) -> String {
    let near = at.round();
    if (at - near).abs() > 0.05 || near < 0.0 {
        return String::new();
    }
    days.get(near as usize)
        .map_or_else(String::new, |d| d.short().to_owned())
}

/// Draws, and turns stand-in colours and fonts into classes. A chart that cannot be drawn is left out: the table
/// beside it has the numbers.
fn finish(
    title: &str,
    id: &str,
    draw: impl Fn(&Canvas<'_>) -> Result<(), Box<dyn Error>>,
) -> Option<String> {
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        if let Err(error) = draw(&canvas).and_then(|()| Ok(canvas.present()?)) {
            tracing::warn!(%error, "a chart cannot be drawn");
            return None;
        }
    }
    for (colour, class) in CLASSES {
        svg = svg
            .replace(
                &format!("fill=\"{colour}\" stroke=\"none\""),
                &format!("class=\"{class}\""),
            )
            .replace(&format!("fill=\"{colour}\""), &format!("class=\"{class}\""))
            .replace(
                &format!("stroke=\"{colour}\""),
                &format!("class=\"{class}\""),
            );
    }
    let (width, height) = SIZE;
    let svg = svg
        .replace(" opacity=\"1\"", "")
        .replace(" font-family=\"sans-serif\"", "");
    let (_, body) = svg.split_once('>')?;
    Some(format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"chart-{id}\">\
         <title id=\"chart-{id}\">{}. The numbers are in the table below.</title>{body}",
        text::attribute(title)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, succeeded: u64, failed: u64, actions: [u64; 4]) -> Day {
        Day {
            date: date.to_owned(),
            succeeded,
            failed,
            actions,
        }
    }

    #[test]
    fn charts_have_classes_and_no_colours_of_their_own() {
        let days = [
            day("2026-11-23", 9, 1, [5, 4, 1, 0]),
            day("2026-11-24", 0, 0, [0; 4]),
            day("2026-11-25", 3, 3, [9, 2, 0, 1]),
        ];
        for svg in [success(&days), actions(&days)] {
            let svg = svg.expect("a chart");
            assert!(svg.starts_with("<svg class=\"chart\"") && svg.trim_end().ends_with("</svg>"));
            assert!(!svg.contains('#') && !svg.contains("style="), "{svg}");
            assert!(svg.contains("11-25"), "{svg}");
        }
        let stacked = actions(&days).expect("a chart");
        assert_eq!(stacked.matches("c-notify").count(), 2);
        assert_eq!(stacked.matches("c-destructive").count(), 1);
    }

    #[test]
    fn nothing_is_no_chart() {
        assert!(success(&[]).is_none() && actions(&[day("2026-11-25", 1, 0, [0; 4])]).is_none());
    }

    #[test]
    fn shares_are_rounded() {
        assert_eq!(day("", 2, 1, [0; 4]).success_percent(), Some(67));
        assert_eq!(day("", 0, 0, [0; 4]).success_percent(), None);
    }
}
