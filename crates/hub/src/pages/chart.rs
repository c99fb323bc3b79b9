//! Charts as SVG: shapes with classes, no style and no script in them. Each says in words what it shows.

use testudo_model::Severity;

use super::{Html, text};
use crate::store::MomentRow;

/// Open findings by severity, the greatest harm first, as bars.
pub(crate) fn severities(counts: &[usize; 5]) -> Html {
    const ROW: usize = 26;
    const LEFT: usize = 80;
    const WIDTH: usize = 260;
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let words: Vec<String> =
        Severity::WORDS.iter().zip(counts).rev().map(|(word, count)| format!("{count} {word}")).collect();
    let mut out = format!(
        "<svg class=\"chart\" viewBox=\"0 0 400 {}\" role=\"img\" aria-label=\"Open findings: {}\">",
        5 * ROW,
        words.join(", ")
    );
    for (at, (word, count)) in Severity::WORDS.iter().zip(counts).rev().enumerate() {
        let (top, width) = (at * ROW, if *count == 0 { 0 } else { (WIDTH * count / most).max(3) });
        out += &format!(
            "<text x=\"0\" y=\"{}\">{word}</text><rect class=\"f-{word}\" x=\"{LEFT}\" y=\"{}\" width=\"{width}\" height=\"16\" rx=\"3\"/>\
             <text x=\"{}\" y=\"{}\">{count}</text>",
            top + 16,
            top + 4,
            LEFT + width + 8,
            top + 16
        );
    }
    out + "</svg>\n"
}

/// Marks of one line of time.
const MARKS: usize = 60;

/// One line of time: a mark for each moment, the oldest on the left. Marks keep a distance, so their order counts and not the
/// exact time.
pub(crate) fn line_of_time(moments: &[MomentRow]) -> Html {
    const WIDTH: usize = 1040;
    const LANES: [&str; 4] = ["finding", "gate", "release", "alert"];
    let shown: Vec<&MomentRow> = moments.iter().take(MARKS).collect();
    let (Some(newest), Some(oldest)) = (shown.first(), shown.last()) else { return String::new() };
    let label = format!(
        "The newest {} of {} moments, from {} to {}; the list below has all of them as text",
        shown.len(),
        moments.len(),
        oldest.time,
        newest.time
    );
    let mut out = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Line of time\"><svg class=\"line-of-time\" viewBox=\"0 0 {} 168\" role=\"img\" aria-label=\"{}\">",
        WIDTH + 90,
        text(&label)
    );
    for (at, lane) in LANES.iter().enumerate() {
        out += &format!("<text x=\"0\" y=\"{}\">{lane}</text>", at * 32 + 25);
    }
    out += &format!("<line class=\"axis\" x1=\"70\" y1=\"140\" x2=\"{}\" y2=\"140\"/>", WIDTH + 80);
    let step = WIDTH.checked_div(shown.len().saturating_sub(1)).unwrap_or(0).min(120);
    for (at, moment) in shown.iter().rev().enumerate() {
        let lane = match moment.kind.as_str() {
            "finding" | "scan" | "decision" => 0,
            "gate" | "test" => 1,
            "release" => 2,
            "alert" | "response" => 3,
            _ => 1,
        };
        let (x, y) = (80 + at * step, lane * 32 + 20);
        out +=
            &format!("<line class=\"stem\" x1=\"{x}\" y1=\"{y}\" x2=\"{x}\" y2=\"140\"/>{}", shape(&moment.mark, x, y));
    }
    let end = 80 + shown.len().saturating_sub(1) * step;
    let day = |moment: &MomentRow| text(moment.time.get(..10).unwrap_or_default());
    out += &format!("<text x=\"70\" y=\"162\">{}</text>", day(oldest));
    if end > 200 {
        out += &format!("<text x=\"{}\" y=\"162\" text-anchor=\"end\">{}</text>", end + 10, day(newest));
    }
    out + "</svg></div>\n"
}

/// Marks differ in form too, not in colour alone.
fn shape(mark: &str, x: usize, y: usize) -> String {
    match mark {
        "good" => {
            format!("<rect class=\"m-good\" x=\"{}\" y=\"{}\" width=\"14\" height=\"14\" rx=\"3\"/>", x - 7, y - 7)
        }
        "bad" => format!(
            "<polygon class=\"m-bad\" points=\"{x},{} {},{y} {x},{} {},{y}\"/>",
            y.saturating_sub(9),
            x + 9,
            y + 9,
            x - 9
        ),
        "look" => {
            format!("<polygon class=\"m-look\" points=\"{x},{} {},{} {},{}\"/>", y - 8, x + 8, y + 7, x - 8, y + 7)
        }
        _ => format!("<circle class=\"m-plain\" cx=\"{x}\" cy=\"{y}\" r=\"6\"/>"),
    }
}
