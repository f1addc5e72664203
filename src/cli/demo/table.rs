//! The table of calls: colours on a terminal, plain text elsewhere.

use anstyle::{AnsiColor, Style};

use super::super::say;
use super::calls::Outcome;

const HEADINGS: [&str; 6] = [
    "CALL",
    "REQUEST",
    "VERDICT",
    "REASON",
    "µs",
    "HEADERS FOR THE SERVICE",
];

/// Prints a row a call.
pub(super) fn print(outcomes: &[Outcome]) {
    let rows: Vec<[String; 6]> = outcomes.iter().map(cells).collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        let heading = HEADINGS
            .get(column)
            .map_or(0, |heading| heading.chars().count());
        cells.chain([heading]).max().unwrap_or_default()
    });
    let bold = Style::new().bold();
    say(&line(&HEADINGS.map(ToOwned::to_owned), widths, bold, bold));
    for (outcome, row) in outcomes.iter().zip(&rows) {
        say(&line(row, widths, verdict_style(outcome), Style::new()));
    }
}

fn cells(outcome: &Outcome) -> [String; 6] {
    let verdict = outcome
        .denied
        .map_or("allow".to_owned(), |status| format!("deny {status}"));
    let surprise = if outcome.is_expected() {
        ""
    } else {
        " (not expected)"
    };
    [
        outcome.title.to_owned(),
        outcome.request.clone(),
        verdict,
        format!("{}{surprise}", outcome.reason),
        outcome.micros.to_string(),
        outcome.headers.join("; "),
    ]
}

fn verdict_style(outcome: &Outcome) -> Style {
    let colour = match (outcome.is_expected(), outcome.denied) {
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
