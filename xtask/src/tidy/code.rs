//! Every code a client can be told has a scenario or a page: its name stands in a test, a scenario or `docs/codes.md`.

use super::tree::{Finding, Source, Tree};

const TABLE: &str = "crates/bayeux/src/code.rs";
const PAGE: &str = "docs/codes.md";

/// Each row of the code table is named where a reader or a test would look.
pub(crate) fn documented(tree: &Tree) -> Vec<Finding> {
    let Some(table) = tree.find(TABLE) else { return vec![Finding::of(TABLE, "the table of codes is gone")] };
    let page = tree.find(PAGE).map_or("", Source::text);
    let rows = rows(table);
    if rows.is_empty() {
        return vec![Finding::of(TABLE, "no row of the table can be read")];
    }
    let tests: Vec<&str> =
        tree.sources().iter().filter(|source| source.is_test()).map(Source::text).collect();
    let mut findings = Vec::new();
    for (line, variant, name) in rows {
        let tested =
            tests.iter().any(|text| named(text, &name) || text.contains(&format!("Code::{variant}")));
        if !tested && !named(page, &name) {
            findings.push(Finding::at(TABLE, line, format!("{name} has no scenario and no page in {PAGE}")));
        }
    }
    findings
}

/// Whether a text names a code as such: quoted, as code, or as the end of `402::session_unknown`. The bare word may be a
/// word of the sentence.
fn named(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(start, _)| {
        let after = text[start + name.len()..].chars().next();
        text[..start].ends_with(['"', '\'', '`', ':'])
            && !after.is_some_and(|character| character.is_alphanumeric() || character == '_')
    })
}

/// Rows look like `SessionUnknown, "session_unknown", 402, …;`.
fn rows(table: &Source) -> Vec<(usize, String, String)> {
    let row = |line: &str| {
        let mut parts = line.trim().split(',').map(str::trim);
        let (variant, name) = (parts.next()?, parts.next()?);
        let name = name.strip_prefix('"')?.strip_suffix('"')?;
        let camel = variant.starts_with(|c: char| c.is_ascii_uppercase())
            && variant.chars().all(char::is_alphanumeric);
        camel.then(|| (variant.to_string(), name.to_string()))
    };
    let numbered = table.text().lines().enumerate();
    numbered.filter_map(|(index, line)| row(line).map(|(variant, name)| (index + 1, variant, name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "table! {\n    // Sessions.\n    SessionUnknown, \"session_unknown\", 402, 200;\n    Draining, \"draining\", 503, 503;\n    Internal, \"internal\", 500, 500;\n}\n";

    #[test]
    fn a_code_without_scenario_and_page_is_found() {
        let tree = Tree::of(&[
            (TABLE, ROWS),
            ("crates/bayeux/tests/it/table.rs", "assert_eq!(code, Code::SessionUnknown)"),
            (PAGE, "## `draining`\nAn internal `internal_error` is another.\n"),
        ]);
        let findings = documented(&tree);
        assert_eq!(findings.iter().map(Finding::line).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn a_table_that_cannot_be_read_is_found() {
        assert_eq!(documented(&Tree::of(&[(TABLE, "enum Code {}")])).len(), 1);
        assert_eq!(documented(&Tree::of(&[])).len(), 1);
    }
}
