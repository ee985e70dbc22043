//! The roots of the crates stay small: what is public there is what most programs name, and it is there only.

use std::fs;
use std::path::{Path, PathBuf};

/// The most names at a crate's root, modules not counted.
const MOST: usize = 20;

const CRATES: [&str; 5] = [
    "rt-protocol",
    "rt-lowlevel",
    "rt-client",
    "rt-audio",
    "rt-emulator",
];

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates")
        .join(name)
        .join("src")
}

/// The text without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths of a use tree, such as `a::b` and `a::c` of `a::{b, c}`, by the names they are given.
fn leaves(tree: &str, prefix: &str, paths: &mut Vec<String>) {
    let (mut depth, mut start) = (0, 0);
    for (at, sign) in tree.char_indices().chain([(tree.len(), ',')]) {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let branch = tree[start..at].trim();
                start = at + 1;
                match branch.split_once('{') {
                    Some((head, rest)) => {
                        let inner = rest.trim_end().strip_suffix('}').unwrap();
                        leaves(inner, &format!("{prefix}{}", head.trim()), paths);
                    }
                    None if branch.is_empty() => {}
                    None => paths.push(format!("{prefix}{branch}")),
                }
            }
            _ => {}
        }
    }
}

/// What is public at the top level of a file: paths of re-exports, and names of what is defined there. No modules.
fn public(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for item in format!("\n{code}").split("\npub ").skip(1) {
        let (keyword, rest) = item.split_once(' ').unwrap();
        match keyword {
            "mod" => {}
            "use" => leaves(rest.split_once(';').unwrap().0, "", &mut paths),
            _ => {
                let mut words = item.split(|c: char| !c.is_alphanumeric() && c != '_');
                let qualifiers = [
                    "async", "const", "enum", "extern", "fn", "static", "struct", "trait", "type", "unsafe",
                ];
                paths.push(words.find(|word| !qualifiers.contains(word)).unwrap().to_owned());
            }
        }
    }
    paths
}

/// `Item` of `self::item::kinds::Item`, and `lowlevel` of `rt_lowlevel::self as lowlevel`.
fn name(path: &str) -> &str {
    path.rsplit([':', ' ']).next().unwrap()
}

/// All macros that a crate exports: they are at its root, wherever they are defined.
fn exported_macros(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let counts = entries.map(|path| {
        if path.is_dir() {
            exported_macros(&path)
        } else {
            code(&path).matches("#[macro_export]").count()
        }
    });
    counts.sum()
}

#[test]
fn no_crate_has_more_names_at_its_root_than_a_reader_can_take_in() {
    for crate_name in CRATES {
        let source = source(crate_name);
        let names = public(&code(&source.join("lib.rs")));
        assert!(!names.is_empty(), "{crate_name}: none found");
        assert!(
            !names.iter().any(|path| name(path) == "*"),
            "{crate_name}: a glob hides how many there are"
        );
        let count = names.len() + exported_macros(&source);
        println!(
            "{crate_name}: {count}: {}",
            names.iter().map(|path| name(path)).collect::<Vec<_>>().join(" ")
        );
        assert!(
            count <= MOST,
            "{crate_name} has {count} names at its root, {MOST} are allowed: {names:?}"
        );
    }
}

#[test]
fn what_is_at_a_root_is_in_no_public_module_besides() {
    for crate_name in CRATES {
        let source = source(crate_name);
        let root = code(&source.join("lib.rs"));
        for path in public(&root) {
            let steps: Vec<&str> = path.trim_start_matches("self::").split("::").collect();
            let [module, inner, ..] = steps[..] else { continue };
            if !root.contains(&format!("\npub mod {module};")) {
                continue;
            }
            let file = [format!("{module}.rs"), format!("{module}/mod.rs")]
                .map(|file| source.join(file))
                .into_iter()
                .find(|file| file.exists());
            let file = code(&file.unwrap());
            assert!(
                file.contains(&format!("\npub(crate) mod {inner};"))
                    && !public(&file).iter().any(|other| name(other) == name(&path)),
                "{crate_name}: {path} can be reached through {module} too"
            );
        }
    }
}

#[test]
fn names_are_found_in_any_form() {
    let text = "\npub use a::{self as b, C, d::{E, F as G}};\npub use h::I;\npub const fn j() {}\npub mod k;\npub struct L<'a>;\nmod m {\n    pub fn n() {}\n}";
    let found = public(text);
    assert_eq!(
        found.iter().map(|path| name(path)).collect::<Vec<_>>(),
        ["b", "C", "E", "G", "I", "j", "L"]
    );
}
