use serde_json::Value;

use super::*;

fn is_plain(json: &str) -> bool {
    compare::<Value>(json);
    from_str::<Value>(json).is_some()
}

#[test]
fn what_servers_write_is_plain() {
    for json in [
        " {\"a\" : [ 1 , -2, 3.25e-3, 1E5, true, false, null, {}, [] ], \"b\":\"\"}\n",
        "0",
        "-7",
        "0.1",
        "12345678901234567",
        "-0.5",
        "-0.0",
        "0.123456789012345678",
        "1.5e3",
        "4294967295.5",
        r#""\u00e9\n\ud83d\ude00é""#,
        r#"{"a\"b":1,"a":2,"a":3}"#,
        "5e-324",
    ] {
        assert!(is_plain(json), "{json}");
    }
}

#[test]
fn everything_else_is_left_to_serde_json() {
    let deep = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(is_plain(&deep(usize::from(MAX_DEPTH))));
    assert!(!is_plain(&deep(usize::from(MAX_DEPTH) + 1)));
    assert!(!is_plain(&deep(1_000_000)));
    for json in [
        "",
        " ",
        "{",
        "[",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{,}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1]",
        "[1}",
        "1 1",
        "01",
        "-",
        "-0",
        "-01",
        "1.",
        ".1",
        "1e",
        "1e+",
        "+1",
        "1.e5",
        "00",
        "0x1",
        "1e999",
        "123456789012345678",
        "tru",
        "truex",
        "nul",
        "NaN",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"a\tb\"",
        "\"\u{1}\"",
        "'a'",
        "\u{feff}1",
        "[1]]",
        "{}}",
        "\u{a0}1",
    ] {
        assert!(!is_plain(json), "{json}");
    }
}

#[test]
fn damaged_text_is_never_read_otherwise() {
    let json = r#"{"a":[1,-20.5e1,"x\n",{"b":null}],"c":true}"#;
    for at in 0..json.len() {
        for byte in *b"\"\\{}[],:09-.eE+ \x01an" {
            let mut bytes = json.to_owned().into_bytes();
            bytes[at] = byte;
            is_plain(std::str::from_utf8(&bytes).unwrap());
        }
        is_plain(&json[..at]);
        is_plain(&json[at..]);
    }
}

#[test]
fn events_are_read_as_serde_json_reads_them() {
    for (side, compare) in [
        ("server", crate::ServerEvent::compare_readers as fn(&str)),
        ("client", crate::ClientEvent::compare_readers),
    ] {
        let folder = format!("{}/../../fixtures/events/{side}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(folder).unwrap() {
            let json = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            compare(&json);
            for (at, _) in json.char_indices().step_by(11) {
                for text in ["", "null", "-0", "\"", "{", ","] {
                    compare(&format!("{}{text}{}", &json[..at], &json[at..]));
                }
            }
        }
    }
}

#[test]
fn fields_behind_the_last_one_that_is_read_are_not_forgotten() {
    #[derive(Deserialize, PartialEq, Debug)]
    struct Inner {
        n: Option<u32>,
    }
    #[derive(Deserialize, PartialEq, Debug)]
    struct Outer {
        inner: Inner,
        last: f64,
    }
    compare::<Outer>(r#"{"inner":{"n":1,"x":[{}]},"last":1}"#);
    assert_eq!(
        from_str::<Outer>(r#"{"inner":{},"last":1}"#),
        Some(Outer {
            inner: Inner { n: None },
            last: 1.0
        })
    );
    for wrong in [
        r#"{"inner":{"n":1.0},"last":1}"#,
        r#"{"inner":{"n":-1},"last":1}"#,
        r#"{"inner":{"n":4294967296},"last":1}"#,
        r#"{"inner":{"n":1,"n":1},"last":1}"#,
        r#"{"inner":[1],"last":1}"#,
        r#"{"last":1}"#,
    ] {
        assert_eq!(from_str::<Outer>(wrong), None, "{wrong}");
    }
}
