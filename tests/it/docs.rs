//! The documents name tests that exist, and no row of the fault matrix is without one.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The names of all functions in the Rust files below a folder.
fn functions(folder: &Path, names: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for after in text.split("fn ").skip(1) {
                let end = after
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(after.len());
                names.insert(after[..end].to_owned());
            }
        }
    }
}

fn all_functions() -> HashSet<String> {
    let mut names = HashSet::new();
    functions(&root().join("crates"), &mut names);
    functions(&root().join("tests"), &mut names);
    names
}

/// What stands between back ticks, last part of the path.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.map(|name| name.rsplit("::").next().unwrap_or(name))
}

#[test]
fn every_row_of_the_fault_matrix_names_tests_that_exist() {
    let known = all_functions();
    let text = document("docs/reliability.md");
    for number in 1..=70 {
        let id = format!("| F{number:02} |");
        let row = text
            .lines()
            .find(|line| line.starts_with(&id))
            .unwrap_or_else(|| panic!("no row {id}"));
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let tests: Vec<&str> = quoted(cells.last().unwrap())
            .filter(|name| name.starts_with('f') && name.as_bytes()[1].is_ascii_digit())
            .filter(|name| !name.ends_with('…'))
            .collect();
        assert!(!tests.is_empty(), "{id} names no test");
        for test in tests {
            assert!(known.contains(test), "{id} {test} does not exist");
        }
    }
}

#[test]
fn every_pain_that_is_answered_names_tests_that_exist() {
    let known = all_functions();
    let text = document("docs/pains.md");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .collect();
    assert_eq!(rows.len(), 25);
    for row in rows {
        let cells: Vec<&str> = row.trim().trim_matches('|').split(" | ").collect();
        for test in quoted(cells.last().unwrap()) {
            assert!(known.contains(test), "{test} does not exist: {row}");
        }
    }
}

#[test]
fn no_document_was_left_in_the_middle_of_a_merge() {
    let names = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        ".ci/run",
    ];
    for name in names {
        let text = document(name);
        let marked = text
            .lines()
            .find(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "));
        assert_eq!(marked, None, "{name}");
    }
}
