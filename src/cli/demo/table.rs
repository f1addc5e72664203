//! The table of calls: colours on a terminal, plain text elsewhere.

use anstyle::{AnsiColor, Style};

use super::super::print_line;
use super::calls::SampleResult;

const HEADINGS: [&str; 6] = [
    "CALL",
    "REQUEST",
    "VERDICT",
    "REASON",
    "µs",
    "HEADERS FOR THE SERVICE",
];

pub(super) fn print(results: &[SampleResult]) {
    let rows: Vec<[String; 6]> = results.iter().map(cells).collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widths = cells.map(|cell| cell.chars().count());
        let heading = HEADINGS.get(column).map(|heading| heading.chars().count());
        widths.chain(heading).max().unwrap_or_default()
    });
    let bold = Style::new().bold();
    print_line(&line(&HEADINGS.map(ToOwned::to_owned), widths, bold, bold));
    for (result, row) in results.iter().zip(&rows) {
        print_line(&line(row, widths, verdict_style(result), Style::new()));
    }
}

fn cells(result: &SampleResult) -> [String; 6] {
    let verdict = result
        .denied
        .map_or("allow".to_owned(), |status| format!("deny {status}"));
    let surprise = if result.is_expected() {
        ""
    } else {
        " (not expected)"
    };
    [
        result.title.to_owned(),
        result.request.clone(),
        verdict,
        format!("{}{surprise}", result.reason),
        result.micros.to_string(),
        result.headers.join("; "),
    ]
}

fn verdict_style(result: &SampleResult) -> Style {
    let colour = match (result.is_expected(), result.denied) {
        (false, _) => AnsiColor::Yellow,
        (true, None) => AnsiColor::Green,
        (true, Some(_)) => AnsiColor::Red,
    };
    colour.on_default()
}

fn line(cells: &[String; 6], widths: [usize; 5], verdict: Style, others: Style) -> String {
    let [call, request, answer, reason, micros, headers] = cells;
    let [w0, w1, w2, w3, w4] = widths;
    let text = format!(
        "{others}{call:w0$}  {request:w1$}{others:#}  {verdict}{answer:w2$}{verdict:#}  \
         {others}{reason:w3$}  {micros:>w4$}  {headers}{others:#}"
    );
    text.trim_end().to_owned()
}
