//! How long files and functions are. The longest are printed on every run, for they are where a second idea hides; a file
//! beyond the bound is a finding.

use super::tree::{Finding, Source, Tree};

/// No file of code is longer.
const FILE_LINES: usize = 600;
const SHOWN: usize = 8;

/// Files of code stay within the bound.
pub(crate) fn bounded(tree: &Tree) -> Vec<Finding> {
    let long = files(tree).into_iter().filter(|(lines, _)| *lines > FILE_LINES);
    long.map(|(lines, path)| Finding::of(path, format!("{lines} lines; look for the second idea in it")))
        .collect()
}

/// The longest files and functions, in words.
pub(crate) fn longest(tree: &Tree) -> String {
    let mut functions: Vec<(usize, String)> = tree.rust().flat_map(functions).collect();
    functions.sort_by(|a, b| b.cmp(a));
    let mut text = String::from("longest files:");
    for (lines, path) in files(tree).into_iter().take(SHOWN) {
        text += &format!("\n{lines:>6}  {path}");
    }
    text += "\nlongest functions:";
    for (lines, place) in functions.into_iter().take(SHOWN) {
        text += &format!("\n{lines:>6}  {place}");
    }
    text
}

fn files(tree: &Tree) -> Vec<(usize, &str)> {
    let code = tree
        .sources()
        .iter()
        .filter(|source| matches!(source.extension(), "rs" | "js" | "mjs" | "ts" | "py"));
    let mut files: Vec<_> = code.map(|source| (source.text().lines().count(), source.path())).collect();
    files.sort_by(|a, b| b.cmp(a));
    files
}

/// Each function of a file with its length, from the line of its name to its last bracket.
fn functions(source: &Source) -> Vec<(usize, String)> {
    let lines: Vec<&str> = source.code().lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        if let Some(length) = body_lines(&lines[start..]) {
            found.push((length, format!("{}:{} {name}", source.path(), start + 1)));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let start = if rest.starts_with("fn ") { 3 } else { rest.find(" fn ")? + 4 };
    let name = &rest[start..];
    let end = name.find(['(', '<'])?;
    let only_words = rest[..start].chars().all(|c| c.is_alphanumeric() || "_ ()\"".contains(c));
    (end > 0 && only_words).then(|| &name[..end])
}

/// Lines until the brackets that open after the first one are closed; `None` for a declaration without a body.
fn body_lines(lines: &[&str]) -> Option<usize> {
    let mut depth = 0usize;
    for (index, line) in lines.iter().enumerate() {
        for character in line.chars() {
            match character {
                '{' => depth += 1,
                '}' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(index + 1);
                    }
                }
                ';' if depth == 0 => return None,
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_beyond_the_bound_is_found() {
        let long = "//!\n".repeat(FILE_LINES + 1);
        let fair = "//!\n".repeat(FILE_LINES);
        let tree = Tree::of(&[("a.rs", &long), ("b.rs", &fair), ("c.md", &long)]);
        assert_eq!(bounded(&tree).len(), 1);
    }

    #[test]
    fn functions_are_measured_from_name_to_last_bracket() {
        let text = "pub(crate) fn one<T>(\n    a: T,\n) -> u8 {\n    let b = \"}\";\n    { 1 }\n}\ntrait A {\n    fn two();\n    fn three() {}\n}\n";
        let mut found = functions(&Source::new("a.rs", text));
        found.sort();
        assert_eq!(found, [(1, "a.rs:9 three".to_string()), (6, "a.rs:1 one".to_string())]);
    }
}
