use std::collections::HashMap;

use secrecy::ExposeSecret;

use super::*;
use crate::error::ErrorKind;

fn named(url: &str, vars: &[(&str, &str)]) -> Result<Option<String>, Error> {
    let vars: HashMap<&str, &str> = vars.iter().copied().collect();
    let endpoint = Endpoint::from_url(url).unwrap();
    Proxy::from_env(&endpoint, |name| vars.get(name).map(|&value| value.to_owned()))
        .map(|proxy| proxy.map(|proxy| proxy.to_string()))
}

#[test]
fn a_url_is_taken_apart() {
    for (text, shown) in [
        ("http://p.test:3128", "http://p.test:3128"),
        ("http://p.test:3128/", "http://p.test:3128"),
        ("p.test:3128", "http://p.test:3128"),
        ("p.test", "http://p.test:80"),
        ("https://p.test", "https://p.test:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        (" http://10.0.0.1:1 ", "http://10.0.0.1:1"),
    ] {
        let proxy = Proxy::parse(text).unwrap();
        assert_eq!(proxy.to_string(), shown);
        assert!(proxy.authorization.is_none());
    }
    for text in [
        "",
        "socks5://p.test:1080",
        "http://",
        "http://p.test/path",
        "http://p.test?x",
        "http://p.test#x",
        "http://p.test:99999",
    ] {
        assert_eq!(
            Proxy::parse(text).unwrap_err().kind(),
            ErrorKind::InvalidConfig,
            "{text}"
        );
    }
}

#[test]
fn user_and_password_become_a_header_that_is_never_shown() {
    let proxy = Proxy::parse("http://me:canary%40%3A@p.test:1").unwrap();
    let shown = format!("{proxy} {proxy:?}");
    assert!(
        !shown.contains("canary") && !shown.contains("me:") && shown.contains("redacted"),
        "{shown}"
    );
    // "me:canary@:"
    assert_eq!(
        proxy.authorization.unwrap().expose_secret(),
        "Basic bWU6Y2FuYXJ5QDo="
    );
    let only_user = Proxy::parse("http://me@p.test").unwrap();
    assert_eq!(only_user.authorization.unwrap().expose_secret(), "Basic bWU6");
    for bad in [
        "http://m%3Ae:canary@p.test",
        "socks5://me:canary@p.test",
        "http://me:canary@p.test/path",
        "http://me:canary@p.test:99999",
        "http://me:canary@",
    ] {
        let error = Proxy::parse(bad).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn each_variable_has_its_place() {
    let all = [
        ("https_proxy", "http://s:1"),
        ("HTTPS_PROXY", "http://S:2"),
        ("http_proxy", "http://h:3"),
        ("HTTP_PROXY", "http://H:4"),
        ("all_proxy", "http://a:5"),
        ("ALL_PROXY", "http://A:6"),
    ];
    let secure = ["http://s:1", "http://s:2", "http://a:5", "http://a:6"];
    let plain = ["http://h:3", "http://h:4", "http://a:5", "http://a:6"];
    for (url, expected, skipped) in [("wss://x.test", secure, [2, 3]), ("ws://x.test", plain, [0, 1])] {
        let mine: Vec<_> = (0..6).filter(|index| !skipped.contains(index)).collect();
        for from in 0..4 {
            let vars: Vec<_> = mine[from..].iter().map(|&index| all[index]).collect();
            assert_eq!(named(url, &vars).unwrap().as_deref(), Some(expected[from]));
        }
        let other: Vec<_> = skipped.iter().map(|&index| all[index]).collect();
        assert_eq!(named(url, &other).unwrap(), None, "{url}");
    }
    assert_eq!(named("wss://x.test", &[("https_proxy", " ")]).unwrap(), None);
}

#[test]
fn exemptions_and_this_machine_need_no_proxy() {
    let proxy = ("all_proxy", "p:1");
    assert!(named("wss://x.test", &[proxy]).unwrap().is_some());
    for (name, list) in [("no_proxy", "x.test"), ("NO_PROXY", ".test"), ("no_proxy", "*")] {
        assert_eq!(named("wss://x.test", &[proxy, (name, list)]).unwrap(), None);
    }
    assert_eq!(named("ws://localhost:1", &[proxy]).unwrap(), None);
    assert_eq!(named("ws://[::1]:1", &[proxy]).unwrap(), None);
}

#[test]
fn a_request_header_is_not_taken_for_a_proxy() {
    let vars = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")];
    assert_eq!(named("ws://x.test", &vars).unwrap(), None);
}

#[test]
fn a_variable_that_cannot_be_read_is_an_error_without_its_value() {
    let error = named("wss://x.test", &[("HTTPS_PROXY", "socks5://canary@p:1")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}
