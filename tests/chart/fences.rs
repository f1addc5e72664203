//! Documents of the repository, and the blocks of YAML in them.

use std::fs;
use std::path::Path;

/// A file of the repository.
pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The pages of the guide for Kubernetes.
pub(crate) fn guide() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = fs::read_dir(root.join("docs/kubernetes")).unwrap();
    let pages = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = pages
        .map(|page| format!("docs/kubernetes/{page}"))
        .collect();
    pages.push("docs/kubernetes.md".into());
    pages.sort();
    pages
}

/// The YAML blocks of a document, with the line of each: all, or those whose first line is this.
pub(crate) fn blocks(text: &str, start: Option<&str>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim() == "```yaml" {
            let block: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```")
                .collect();
            let first = block.first().map(|first| first.trim());
            if start.is_none() || first == start {
                found.push((at + 1, block.join("\n")));
            }
        }
    }
    found
}
