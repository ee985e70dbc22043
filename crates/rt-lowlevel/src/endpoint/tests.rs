use super::*;

#[test]
fn every_form_has_its_url() {
    let cases: [(Result<Endpoint, Error>, &str, Provider); 20] = [
        (
            Endpoint::openai("gpt-realtime"),
            "wss://api.openai.com/v1/realtime?model=gpt-realtime",
            Provider::OpenAi,
        ),
        (
            Endpoint::openai("a b&c=d/é"),
            "wss://api.openai.com/v1/realtime?model=a%20b%26c%3Dd%2F%C3%A9",
            Provider::OpenAi,
        ),
        (
            Endpoint::openai_transcription(),
            "wss://api.openai.com/v1/realtime?intent=transcription",
            Provider::OpenAi,
        ),
        (
            Endpoint::openai_translation(" gpt-realtime-translate "),
            "wss://api.openai.com/v1/realtime/translations?model=gpt-realtime-translate",
            Provider::OpenAi,
        ),
        (
            Endpoint::openai_translation("m").and_then(|it| it.with_base_url("http://127.0.0.1:8787/v1")),
            "ws://127.0.0.1:8787/v1/realtime/translations?model=m",
            Provider::OpenAi,
        ),
        (
            Endpoint::azure("res", "dep").and_then(|it| it.with_call_id("rtc_1")),
            "wss://res.openai.azure.com/openai/v1/realtime?call_id=rtc_1",
            Provider::Azure,
        ),
        (
            Endpoint::openai_call("rtc_1"),
            "wss://api.openai.com/v1/realtime?call_id=rtc_1",
            Provider::OpenAi,
        ),
        (
            Endpoint::openai("m").and_then(|it| it.with_base_url("https://eu.api.openai.com/v1/")),
            "wss://eu.api.openai.com/v1/realtime?model=m",
            Provider::OpenAi,
        ),
        (
            Endpoint::openai("m").and_then(|it| it.with_base_url("http://127.0.0.1:8787/v1")),
            "ws://127.0.0.1:8787/v1/realtime?model=m",
            Provider::OpenAi,
        ),
        (
            Endpoint::azure("res-1", "dep"),
            "wss://res-1.openai.azure.com/openai/v1/realtime?model=dep",
            Provider::Azure,
        ),
        (
            Endpoint::azure("https://res.openai.azure.com/", "dep"),
            "wss://res.openai.azure.com/openai/v1/realtime?model=dep",
            Provider::Azure,
        ),
        (
            Endpoint::azure("https://res.openai.azure.com/openai/v1/", "dep"),
            "wss://res.openai.azure.com/openai/v1/realtime?model=dep",
            Provider::Azure,
        ),
        (
            Endpoint::azure("https://res.openai.azure.com/openai", "dep"),
            "wss://res.openai.azure.com/openai/v1/realtime?model=dep",
            Provider::Azure,
        ),
        (
            Endpoint::azure_preview("https://res.openai.azure.com/openai/v1", "dep", "v"),
            "wss://res.openai.azure.com/openai/realtime?api-version=v&deployment=dep",
            Provider::AzurePreview,
        ),
        (
            Endpoint::openai("m").and_then(|it| it.with_base_url("https://res.openai.azure.com/openai/v1")),
            "wss://res.openai.azure.com/openai/v1/realtime?model=m",
            Provider::Azure,
        ),
        (
            Endpoint::azure("res", "dep").and_then(|it| it.with_base_url("http://127.0.0.1:8787/v1")),
            "ws://127.0.0.1:8787/v1/realtime?model=dep",
            Provider::OpenAi,
        ),
        (
            Endpoint::azure_preview("res", "dep", "2025-04-01-preview"),
            "wss://res.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=dep",
            Provider::AzurePreview,
        ),
        (
            Endpoint::from_url("https://res.openai.azure.com/openai/v1/realtime?model=d"),
            "wss://res.openai.azure.com/openai/v1/realtime?model=d",
            Provider::Azure,
        ),
        (
            Endpoint::from_url(
                "wss://res.openai.azure.com/openai/realtime?api-version=2024-10-01-preview&deployment=d",
            ),
            "wss://res.openai.azure.com/openai/realtime?api-version=2024-10-01-preview&deployment=d",
            Provider::AzurePreview,
        ),
        (
            Endpoint::from_url(" WS://[::1]:9/x "),
            "ws://[::1]:9/x",
            Provider::OpenAi,
        ),
    ];
    for (endpoint, url, provider) in cases {
        let endpoint = endpoint.unwrap();
        assert_eq!(endpoint.url(), url);
        assert_eq!(endpoint.provider(), provider, "{url}");
    }
}

#[test]
fn what_is_not_usable_is_refused_and_not_repeated() {
    let refused = [
        Endpoint::openai(" "),
        Endpoint::openai_translation(""),
        Endpoint::openai("m").and_then(|it| it.with_call_id(" ")),
        Endpoint::openai_translation("m").and_then(|it| it.with_call_id("rtc_1")),
        Endpoint::openai_transcription().and_then(|it| it.with_call_id("rtc_1")),
        Endpoint::azure_preview("r", "d", "v").and_then(|it| it.with_call_id("rtc_1")),
        Endpoint::azure("", "d"),
        Endpoint::azure("evil.com/", "d"),
        Endpoint::azure("a.b", "d"),
        Endpoint::azure("r", ""),
        Endpoint::azure_preview("r", "d", ""),
        Endpoint::from_url("ftp://h/canary"),
        Endpoint::from_url("canary"),
        Endpoint::from_url("wss://canary@h/"),
        Endpoint::from_url("wss://u:canary@h/"),
        Endpoint::from_url("wss://h/#canary"),
        Endpoint::from_url("wss://h/?api-key=canary"),
        Endpoint::from_url("wss://h/?model=m&access_token=canary"),
        Endpoint::from_url("wss://h/?Subscription-Key=canary"),
        Endpoint::from_url("wss://h/?sig=canary"),
        Endpoint::from_url("wss://"),
        Endpoint::openai("m").and_then(|it| it.with_base_url("https://h/v1?canary=1")),
    ];
    for (at, endpoint) in refused.into_iter().enumerate() {
        let error = endpoint.expect_err(&format!("case {at}"));
        assert_eq!(error.kind(), crate::ErrorKind::InvalidConfig);
        assert!(!format!("{error} {error:?}").contains("canary"), "case {at}");
    }
}

#[test]
fn query_values_are_not_shown() {
    let endpoint = Endpoint::from_url("wss://h:8443/p?model=canary&x=canary").unwrap();
    assert_eq!(endpoint.to_string(), "wss://h:8443/p?model=..&x=..");
    assert_eq!(
        format!("{endpoint:?}"),
        "Endpoint(wss://h:8443/p?model=..&x=.., OpenAi)"
    );
}

#[test]
fn the_kind_of_session_is_in_the_address() {
    for (endpoint, kind, is_call) in [
        (Endpoint::openai("m"), SessionKind::Realtime, false),
        (
            Endpoint::openai_transcription(),
            SessionKind::Transcription,
            false,
        ),
        (Endpoint::openai_translation("m"), SessionKind::Translation, false),
        (Endpoint::openai_call("rtc_1"), SessionKind::Realtime, true),
    ] {
        let endpoint = endpoint.unwrap();
        assert_eq!(
            (endpoint.session_kind(), endpoint.is_call()),
            (kind, is_call),
            "{endpoint}"
        );
    }
}
