//! Lines over time as an SVG drawing that sits in a page.

use std::ops::Range;
use std::time::Duration;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::terminal::failure::{Failure, Result};

pub(crate) type Colour = (u8, u8, u8);

/// One named line; points are seconds and a value.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A part of the time that is shaded.
#[derive(Clone, Debug)]
pub(crate) struct Band {
    time: Range<Duration>,
    name: String,
    shade: f64,
}

impl Band {
    pub(crate) fn new(time: Range<Duration>) -> Self {
        Self { time, name: String::new(), shade: 0.13 }
    }

    /// Says at its top what it is; `shade` is from 0, none, to 1.
    pub(crate) fn named(self, name: impl Into<String>, shade: f64) -> Self {
        Self { name: name.into(), shade, ..self }
    }
}

const SIZE: (u32, u32) = (520, 260);
/// Stands for the page's text colour, which a drawing cannot know.
const INK: RGBColor = RGBColor(1, 2, 3);

/// Colours that stand out on white and on near-black.
pub(crate) const COLOURS: [Colour; 7] = [
    (214, 69, 80),
    (43, 138, 204),
    (222, 146, 34),
    (44, 160, 100),
    (150, 105, 205),
    (120, 130, 140),
    (190, 80, 160),
];

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// Powers of ten; what is below one lies on the axis.
    Log,
    /// The four states of a circuit breaker.
    Circuit,
}

impl Scale {
    /// The height of a value.
    pub(crate) fn height(self, value: f64) -> f64 {
        match self {
            Self::Linear | Self::Circuit => value,
            Self::Log => value.max(1.0).log10(),
        }
    }

    fn label(self, height: f64) -> String {
        match self {
            Self::Linear => format!("{height:.0}"),
            Self::Log if height.fract().abs() > 1e-6 => String::new(),
            Self::Log => format!("{:.0}", 10_f64.powf(height)),
            Self::Circuit => match height {
                0.0 => "closed".to_owned(),
                1.0 => "partial".to_owned(),
                2.0 => "half-open".to_owned(),
                3.0 => "open".to_owned(),
                _ => String::new(),
            },
        }
    }

    fn marks(self, top: f64) -> usize {
        match self {
            Self::Linear => 6,
            Self::Log | Self::Circuit => top.ceil() as usize + 1,
        }
    }
}

/// A height for the axis of all these lines.
pub(crate) fn top<'a>(scale: Scale, lines: impl Iterator<Item = &'a Line>) -> f64 {
    let points = lines.flat_map(|line| &line.points);
    let highest = points.map(|(_, value)| scale.height(*value)).fold(0.0, f64::max);
    match scale {
        Scale::Linear => (highest * 1.05).max(5.0),
        Scale::Log => highest.ceil().max(1.0),
        Scale::Circuit => 3.0,
    }
}

/// Draws `lines` over the time until `end`; `top` is the height of the axis.
pub(crate) fn draw(
    lines: &[Line],
    bands: &[Band],
    end: Duration,
    scale: Scale,
    top: f64,
    colours: &[Colour],
) -> Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    let picture = Picture { lines, bands, end: end.as_secs_f64(), scale, top, colours };
    picture
        .draw(&area)
        .and_then(|()| area.present())
        .map_err(|error| Failure::new(format!("the report cannot be drawn: {error}")))?;
    drop(area);
    Ok(svg.replace("#010203", "currentColor"))
}

struct Picture<'p> {
    lines: &'p [Line],
    bands: &'p [Band],
    end: f64,
    scale: Scale,
    top: f64,
    colours: &'p [Colour],
}

/// As much of a name as fits into this part of the width.
fn shortened(name: &str, part: f64) -> String {
    let room = (part * f64::from(SIZE.0 - LABELS) / LETTER) as usize;
    match name.chars().count() {
        count if count <= room => name.to_owned(),
        _ if room < 3 => String::new(),
        _ => name.chars().take(room - 1).chain(['…']).collect(),
    }
}

/// What is left and right of the plot, and about how wide a letter is.
const LABELS: u32 = 92;
const LETTER: f64 = 6.2;
/// About how many moments are marked.
const MARKS: usize = 8;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> =
    std::result::Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

type Chart<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

impl Picture<'_> {
    fn draw<'a>(&self, area: &Area<'a>) -> Drawn<'a> {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(28)
            .y_label_area_size(68)
            .build_cartesian_2d(0.0..self.end, 0.0..self.top)?;
        self.shade(&mut chart)?;
        // Where marks are less than a second apart, whole ones would repeat.
        let digits = usize::from(self.end < MARKS as f64);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(INK.mix(0.15))
            .light_line_style(TRANSPARENT)
            .axis_style(INK.mix(0.5))
            .label_style(("sans-serif", 15).into_font().color(&INK))
            .x_labels(MARKS)
            .y_labels(self.scale.marks(self.top))
            .x_label_formatter(&|seconds| format!("{seconds:.digits$} s"))
            .y_label_formatter(&|height| self.scale.label(*height))
            .draw()?;
        for (line, (r, g, b)) in self.lines.iter().zip(self.colours.iter().cycle()) {
            let points = line.points.iter().filter(|(at, _)| *at <= self.end);
            let heights = points.map(|(at, value)| (*at, self.scale.height(*value).min(self.top)));
            chart.draw_series(LineSeries::new(heights, RGBColor(*r, *g, *b).stroke_width(2)))?;
        }
        Ok(())
    }

    fn shade<'a>(&self, chart: &mut Chart<'a, '_>) -> Drawn<'a> {
        let font = ("sans-serif", 13).into_font().color(&INK.mix(0.7));
        let font = font.pos(Pos::new(HPos::Left, VPos::Top));
        for band in self.bands {
            let (from, until) = (band.time.start.as_secs_f64(), band.time.end.as_secs_f64());
            let corners = [(from, 0.0), (until, self.top)];
            let fill = RGBColor(214, 69, 80).mix(band.shade).filled();
            chart.draw_series([Rectangle::new(corners, fill)])?;
            if band.name.is_empty() {
                continue;
            }
            let border = LineSeries::new([(from, 0.0), (from, self.top)], INK.mix(0.25));
            chart.draw_series(border)?;
            let corner = (from + self.end / 150.0, self.top);
            let name = shortened(&band.name, (until - from) / self.end);
            chart.draw_series([Text::new(name, corner, font.clone())])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_there_is_room() {
        assert_eq!(shortened("calm", 0.2), "calm");
        assert_eq!(shortened("mail goes out", 0.15), "mail goes…");
        assert_eq!(shortened("calm", 0.02), "");
    }
}
