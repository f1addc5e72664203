//! `watchword keys inspect`: a table of keys, without private parts.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::explain::plain;
use crate::jose::ReadKey;

use super::super::key_files::{self, FileKey};
use super::super::{exit_code, print_error, print_line};

const HEADINGS: [&str; 8] = [
    "KEY",
    "TYPE",
    "PART",
    "KID",
    "THUMBPRINT",
    "USE",
    "ALG",
    "PROBLEM",
];

pub(super) fn run(files: &[PathBuf]) -> ExitCode {
    let mut rows = vec![HEADINGS.map(ToOwned::to_owned)];
    let mut good = true;
    for file in files {
        match key_files::read(file) {
            Ok(keys) => {
                good &= keys.iter().all(|key| key.key.is_ok());
                rows.extend(keys.iter().map(row));
            }
            Err(error) => {
                print_error(&format!("{error:#}"));
                good = false;
            }
        }
    }
    if rows.len() > 1 {
        print(&rows);
    }
    exit_code(good)
}

fn row(FileKey { place, key }: &FileKey) -> [String; 8] {
    let none = || "-".to_owned();
    let key = match key {
        Ok(key) => key,
        Err(problem) => {
            let mut row = [(); 8].map(|()| none());
            let [first, .., last] = &mut row;
            (*first, *last) = (place.clone(), problem.to_string());
            return row;
        }
    };
    let (kind, part) = match key {
        ReadKey::Public(key) => (key.kind(), "public"),
        ReadKey::Private(key) if key.public().is_none() => (key.kind(), "shared"),
        ReadKey::Private(key) => (key.kind(), "private"),
    };
    let text = |text: &Option<Box<str>>| text.as_deref().map_or_else(none, plain);
    let description = key.description();
    // A thumbprint of a shared secret would help to guess the secret.
    let thumbprint = key.public().map(|public| public.thumbprint());
    [
        place.clone(),
        kind,
        part.to_owned(),
        text(&description.kid),
        thumbprint.unwrap_or_else(none),
        text(&description.purpose),
        text(&description.alg),
        none(),
    ]
}

fn print(rows: &[[String; 8]]) {
    let widths: [usize; 8] = std::array::from_fn(|column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widths = cells.map(|cell| cell.chars().count());
        widths.max().unwrap_or_default()
    });
    for row in rows {
        let cells = row.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        print_line(cells.join("  ").trim_end());
    }
}
