//! Links between the pages of the project lead somewhere: to a file or folder that is there, and to a heading that is
//! on that page. Links to other places are not followed.

use super::tree::{Finding, Source, Tree};

/// Each relative link of each Markdown file is resolved.
pub(crate) fn resolved(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in tree.sources().iter().filter(|source| source.extension() == "md") {
        for (line, target) in links(page.text()) {
            if let Some(words) = fault(tree, page, &target) {
                findings.push(Finding::at(page.path(), line, words));
            }
        }
    }
    findings
}

fn fault(tree: &Tree, page: &Source, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") || target.starts_with('/') {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let place = if path.is_empty() { page.path().to_string() } else { join(page.path(), path)? };
    let folder = format!("{}/", place.trim_end_matches('/'));
    let there = |source: &Source| source.path() == place || source.path().starts_with(&folder);
    if !place.is_empty() && !tree.sources().iter().any(there) {
        return Some(format!("the link to {target} leads nowhere"));
    }
    let found = tree.find(&place).filter(|source| source.extension() == "md")?;
    let missing = !anchor.is_empty() && !headings(found.text()).iter().any(|heading| heading == anchor);
    missing.then(|| format!("{place} has no heading #{anchor}"))
}

/// A path relative to the folder of `page`; `None` when it leaves the project.
fn join(page: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The targets of `[text](target)`, code left out.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (start, _) in plain.match_indices("](") {
            let rest = &plain[start + 2..];
            if let Some(end) = rest.find([')', ' ']) {
                found.push((number, rest[..end].trim_matches(['<', '>']).to_string()));
            }
        }
    }
    found
}

/// The anchors of a page, made from its headings as renderers make them.
fn headings(text: &str) -> Vec<String> {
    let lines = prose(text).filter(|(_, line)| line.starts_with('#'));
    lines
        .map(|(_, line)| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(page: &str) -> usize {
        let other = "# Other page\n## What is `x`?\n";
        resolved(&Tree::of(&[("docs/page.md", page), ("docs/other.md", other), ("src/a.rs", "")])).len()
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        assert_eq!(findings("[a](other.md) [b](../src/a.rs) [c](../src) [d](other.md#what-is-x)"), 0);
        assert_eq!(findings("# Here\n[a](#here) [b](https://example.org/x) [c](/cometd)"), 0);
        assert_eq!(findings("`[a](gone.md)`\n```\n[b](gone.md)\n```\n"), 0);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(findings("[a](gone.md) and [b](../src/b.rs)"), 2);
        assert_eq!(findings("[a](other.md#nothing) [b](#nothing)"), 2);
    }
}
