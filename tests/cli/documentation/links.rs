//! Links of the documentation lead to files and headings that exist, and the book has every page.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{Page, pages, root};

/// The targets of a page's links, without those in blocks of code.
fn links(page: &str) -> Vec<&str> {
    let mut in_code = false;
    let text = page.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    let targets = text.flat_map(|line| line.split("](").skip(1));
    targets.filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut in_code = false;
    let headings = page.lines().filter(|line| {
        in_code ^= line.trim_start().starts_with("```");
        !in_code && line.starts_with('#')
    });
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// `docs/a/../b.md` as `docs/b.md`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
        plain
    })
}

/// Returns the problem of a link of this page.
fn problem(page: &Page, link: &str, pages: &[Page]) -> Option<String> {
    if link.contains("://") {
        return None;
    }
    let (file, anchor) = link
        .split_once('#')
        .map_or((link, None), |(f, a)| (f, Some(a)));
    let folder = page.path.parent().unwrap();
    let target = if file.is_empty() {
        page.path.clone()
    } else {
        plain(&folder.join(file))
    };
    if !root().join(&target).exists() {
        return Some(format!("{}: no file {link}", page.path.display()));
    }
    let anchor = anchor?;
    let target = pages.iter().find(|page| page.path == target);
    let found = target.is_some_and(|target| anchors(&target.text).contains(anchor));
    (!found).then(|| format!("{}: no heading {link}", page.path.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let all = pages.iter().flat_map(|page| {
        let links = links(&page.text).into_iter();
        links.filter_map(|link| problem(page, link, &pages))
    });
    let problems: Vec<String> = all.collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn links_to_nothing_are_found() {
    let pages = pages();
    let page = pages
        .iter()
        .find(|page| page.path == Path::new("README.md"));
    for link in ["docs/nowhere.md", "docs/rules.md#nowhere", "#nowhere"] {
        assert!(problem(page.unwrap(), link, &pages).is_some(), "{link}");
    }
    assert_eq!(problem(page.unwrap(), "docs/rules.md#paths", &pages), None);
}

#[test]
fn the_book_has_every_page() {
    let pages = pages();
    let summary = Path::new("docs/SUMMARY.md");
    let listed = pages.iter().find(|page| page.path == summary).unwrap();
    let listed: BTreeSet<PathBuf> = links(&listed.text)
        .into_iter()
        .map(|link| Path::new("docs").join(link))
        .collect();
    let docs = pages.iter().map(|page| &page.path);
    let docs = docs.filter(|path| path.starts_with("docs") && *path != summary);
    assert_eq!(listed, docs.cloned().collect());
}

/// All files of the source exist that pages for contributors name.
#[test]
fn source_files_that_pages_name_exist() {
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches"] {
        list(&root().join(folder), &mut sources);
    }
    let is_source = |word: &str| {
        let end = format!("/{word}");
        sources.iter().any(|source| source.ends_with(&end))
    };
    let is_name = |(stem, rest): (&str, &str)| !stem.is_empty() && rest.is_empty();
    let mut missing = Vec::new();
    for page in pages() {
        let words = page
            .text
            .split(|c: char| !c.is_ascii_alphanumeric() && !"_/.".contains(c));
        let named = words.filter(|word| word.split_once(".rs").is_some_and(is_name));
        let lacking = named.filter(|word| !is_source(word) && !root().join(word).exists());
        missing.extend(lacking.map(|word| format!("{}: {word}", page.path.display())));
    }
    // An example shows what a user writes, and one is beside its page.
    missing.retain(|line| !line.starts_with("examples/rust/"));
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn list(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, sources);
        } else {
            sources.push(path.display().to_string());
        }
    }
}
