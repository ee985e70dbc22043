//! The documents name tests that exist, no row of the fault matrix is without one, and no merge is left half done in them.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// All files below a folder that end so.
fn files(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, end, found);
        } else if path.to_str().is_some_and(|path| path.ends_with(end)) {
            found.push(path);
        }
    }
}

/// The modules that a file stands for, as `cargo test` prints them: `engine::tests::queue` of
/// `crates/rt-client/src/engine/tests/queue.rs`, `agent::listen` of `tests/it/agent/listen.rs`.
fn module(file: &Path) -> Vec<String> {
    let file = file.strip_prefix(root()).unwrap().with_extension("");
    let steps: Vec<&str> = file.iter().map(|step| step.to_str().unwrap()).collect();
    let start = match steps[..] {
        ["crates", _, "tests", ..] => 4,
        ["crates", ..] => 3,
        _ => 2,
    };
    let steps = steps[start..]
        .iter()
        .filter(|step| !["mod", "lib", "main"].contains(step));
    steps.map(|step| (*step).to_owned()).collect()
}

/// The tests in the text of a file, by their names in it: functions that have the attribute `test`, of whatever crate, and in
/// a program of its own those that are called.
fn tests_in(text: &str, is_program: bool) -> Vec<String> {
    let mut names = Vec::new();
    let (mut inline, mut is_test) = (None, false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
            inline = Some(name);
        } else if line == "}" {
            inline = None;
        }
        let line = line.trim_start();
        if let Some(attribute) = line.strip_prefix("#[") {
            let path = attribute.split(['(', ']', ' ']).next().unwrap();
            is_test |= path.rsplit("::").next() == Some("test");
        } else if !line.starts_with("//") {
            let function = line.split_once("fn ").filter(|_| is_test || is_program);
            if let Some((_, rest)) = function {
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                let name = &rest[..end];
                if !is_test && text.matches(&format!("{name}(")).count() < 2 {
                    continue;
                }
                names.push(inline.map_or_else(|| name.to_owned(), |module| format!("{module}::{name}")));
                is_test = false;
            }
        }
    }
    names
}

/// The paths of all tests of the workspace.
fn all_tests() -> Vec<String> {
    let mut sources = Vec::new();
    files(&root().join("crates"), ".rs", &mut sources);
    files(&root().join("tests"), ".rs", &mut sources);
    let mut tests = Vec::new();
    for source in sources {
        let module = module(&source);
        let text = fs::read_to_string(&source).unwrap();
        let is_program = source.iter().any(|step| step == "tests") && text.contains("\nfn main() {");
        for test in tests_in(&text, is_program) {
            let path = module.iter().map(String::as_str).chain([test.as_str()]);
            tests.push(path.collect::<Vec<_>>().join("::"));
        }
    }
    tests
}

/// Whether a test is there by this name, or by the end of its path.
fn is_there(tests: &[String], name: &str) -> bool {
    let end = format!("::{name}");
    tests.iter().any(|test| test == name || test.ends_with(&end))
}

/// What stands between back ticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether it is the name of a test of a row, `f01_…`.
fn is_row(name: &str) -> bool {
    let mut signs = name.chars();
    signs.next() == Some('f') && signs.next().is_some_and(|sign| sign.is_ascii_digit())
}

#[test]
fn every_row_of_the_fault_matrix_names_tests_that_exist() {
    let known = all_tests();
    let text = document("docs/reliability.md");
    for number in 1..=70 {
        let id = format!("| F{number:02} |");
        let row = text
            .lines()
            .find(|line| line.starts_with(&id))
            .unwrap_or_else(|| panic!("no row {id}"));
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let tests: Vec<&str> = quoted(cells.last().unwrap())
            .filter(|name| is_row(name))
            .filter(|name| !name.ends_with('…'))
            .collect();
        assert!(!tests.is_empty(), "{id} names no test");
        for test in tests {
            assert!(is_there(&known, test), "{id} {test} does not exist");
        }
    }
}

#[test]
fn every_pain_that_is_answered_names_tests_that_exist() {
    let known = all_tests();
    let text = document("docs/pains.md");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .collect();
    assert_eq!(rows.len(), 25);
    for row in rows {
        let cells: Vec<&str> = row.trim().trim_matches('|').split(" | ").collect();
        let mut tests = 0;
        for test in quoted(cells.last().unwrap()) {
            assert!(is_there(&known, test), "{test} does not exist: {row}");
            tests += 1;
        }
        assert!(tests > 0, "no test: {row}");
    }
}

#[test]
fn no_document_was_left_in_the_middle_of_a_merge() {
    let mut documents = vec![root().join(".ci/run")];
    files(&root().join("docs"), ".md", &mut documents);
    let at_root = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    documents.extend(at_root.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    assert!(documents.iter().any(|path| path.ends_with("docs/pains.md")) && documents.len() > 8);
    for path in documents {
        let text = fs::read_to_string(&path).unwrap();
        let marked = text.lines().find(|line| {
            let sign = line.split(' ').next().unwrap();
            ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].contains(&sign)
        });
        assert_eq!(marked, None, "{}", path.display());
    }
}

#[test]
fn a_test_is_a_function_with_the_attribute() {
    let text = "#[test]\nfn one() {}\nfn two() {}\nmod tests {\n    #[tokio::test(flavor = \"current_thread\")]\n    // Why.\n    \
        #[should_panic]\n    async fn three() {\n        fn four() {}\n    }\n}\n#[derive(Debug)]\nfn five() {}";
    assert_eq!(tests_in(text, false), ["one", "tests::three"]);
    let program = "use a;\nfn main() {\n    called(1);\n}\nfn called(a: u8) {}\nfn forgotten() {}";
    assert_eq!(tests_in(program, true), ["called"]);
    let tests = ["agent::listen::one".to_owned()];
    assert!(
        is_there(&tests, "one") && is_there(&tests, "listen::one") && is_there(&tests, "agent::listen::one")
    );
    assert!(!is_there(&tests, "talk::one") && !is_there(&tests, "ne"));
}
