//! Counters and times, as a recorder hears them. The runtime has one thread, and the recorder is that thread's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use rt_lowlevel::protocol::ClientEvent;
use tokio::io::AsyncWriteExt;

use crate::support::*;

/// What was recorded under each name with its labels: every value.
type Values = Arc<Mutex<BTreeMap<String, Vec<f64>>>>;

#[derive(Default, Clone)]
struct Heard(Values);

struct Series {
    key: String,
    values: Values,
}

impl Series {
    fn add(&self, value: f64) {
        let mut values = self.values.lock().unwrap();
        values.entry(self.key.clone()).or_default().push(value);
    }
}

impl CounterFn for Series {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }

    fn absolute(&self, _: u64) {
        panic!("counters only count")
    }
}

impl GaugeFn for Series {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, _: f64) {
        panic!("several connections share a gauge")
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        assert!(value >= 0.0);
        self.add(value);
    }
}

impl Heard {
    fn series(&self, key: &Key) -> Arc<Series> {
        let mut name = key.name().to_owned();
        for label in key.labels() {
            name += &format!(" {}={}", label.key(), label.value());
        }
        Arc::new(Series {
            key: name,
            values: Arc::clone(&self.0),
        })
    }

    fn sum(&self, key: &str) -> f64 {
        self.0
            .lock()
            .unwrap()
            .get(key)
            .map_or(f64::NAN, |values| values.iter().sum())
    }

    fn count(&self, key: &str) -> usize {
        self.0.lock().unwrap().get(key).map_or(0, Vec::len)
    }
}

impl Recorder for Heard {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.series(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.series(key))
    }
}

fn recorded(run: impl Future<Output = ()>) -> Heard {
    let heard = Heard::default();
    metrics::with_local_recorder(&heard, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(run);
    });
    heard
}

const DONE: &str = r#"{"type":"response.done","event_id":"e","response":{"id":"r","object":"realtime.response","status":"failed","status_details":{"type":"failed","error":{"type":"server_error","code":"canary-code"}},"output":[],"usage":{"total_tokens":30,"input_tokens":20,"output_tokens":10,"input_token_details":{"text_tokens":15,"audio_tokens":5,"cached_tokens":4},"output_token_details":{"text_tokens":3,"audio_tokens":7}}}}"#;

#[test]
fn a_session_is_counted() {
    let audio = r#"{"type":"response.output_audio.delta","event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"AAAA"}"#;
    let heard = recorded(async move {
        let server = Server::sessions(move |number, mut ws| async move {
            if number == 1 {
                // The response is asked for, and it comes.
                assert!(ws.text().await.unwrap().contains("response.create"));
                ws.send(r#"{"type":"response.created","event_id":"e","response":{"id":"r","object":"realtime.response","status":"in_progress","output":[]}}"#).await;
                ws.send(audio).await;
                ws.send(audio).await;
                ws.send(DONE).await;
                ws.send(r#"{"type":"canary.type"}"#).await;
                ws.send("{canary").await;
                // Long enough for a ping and its answer.
                let _ = tokio::time::timeout(Duration::from_millis(300), ws.text()).await;
                ws.close(1011, "canary").await;
            }
            ws.drain().await;
        })
        .await;
        let mut config = quick();
        config.liveness.ping_interval = Duration::from_millis(20);
        let mut connection = within(server.builder().config(config).connect()).await.unwrap();
        let create = ClientEvent::from_json(r#"{"type":"response.create"}"#).unwrap();
        connection.send(create).await.unwrap();
        while name(&next(&mut connection).await) != "opened 2" {}
        within(connection.close()).await;
        all(&mut connection).await;
    });
    let all = heard.0.lock().unwrap().clone();
    assert!(!format!("{all:?}").contains("canary"), "{all:#?}");
    assert_eq!(heard.sum("rt_connects_total result=ok"), 2.0);
    assert_eq!(
        heard.sum("rt_reconnects_total cause=connection_lost close_code=1011"),
        1.0
    );
    assert_eq!(heard.sum("rt_closed_total by=us cause=none"), 1.0);
    for (key, expected) in [
        ("rt_connect_seconds phase=total", 2),
        ("rt_connect_seconds phase=dns", 2),
        ("rt_connect_seconds phase=tcp", 2),
        ("rt_connect_seconds phase=tls", 0),
        ("rt_connect_seconds phase=upgrade", 2),
        ("rt_outage_seconds", 1),
        ("rt_session_age_seconds", 2),
        ("rt_first_audio_seconds", 1),
    ] {
        assert_eq!(heard.count(key), expected, "{key}: {all:#?}");
    }
    assert!(heard.count("rt_ping_rtt_seconds") >= 1, "{all:#?}");
    for (key, expected) in [
        // It had begun, so it is not requested again.
        ("rt_messages_total direction=out type=response.create", 1.0),
        ("rt_messages_total direction=in type=session.created", 2.0),
        (
            "rt_messages_total direction=in type=response.output_audio.delta",
            2.0,
        ),
        ("rt_messages_total direction=in type=other", 1.0),
        ("rt_messages_total direction=in type=malformed", 1.0),
        ("rt_response_failed_total code=other", 1.0),
        ("rt_tokens_total kind=input", 20.0),
        ("rt_tokens_total kind=output", 10.0),
        ("rt_tokens_total kind=input_text", 15.0),
        ("rt_tokens_total kind=input_audio", 5.0),
        ("rt_tokens_total kind=input_cached", 4.0),
        ("rt_tokens_total kind=output_text", 3.0),
        ("rt_tokens_total kind=output_audio", 7.0),
    ] {
        assert_eq!(heard.sum(key), expected, "{key}: {all:#?}");
    }
    assert!(heard.sum("rt_bytes_total direction=in") > 500.0);
    assert!(heard.sum("rt_bytes_total direction=out") >= 26.0);
    assert_eq!(heard.sum("rt_restores_total cause=connection_lost"), 1.0);
    assert_eq!(heard.count("rt_restore_seconds"), 1);
    // Everything was taken, so nothing waits.
    for gauge in [
        "rt_event_queue_depth",
        "rt_send_queue_messages",
        "rt_send_queue_bytes",
        "rt_send_queue_audio_bytes",
    ] {
        let sum = heard.sum(gauge);
        assert!(sum == 0.0 || sum.is_nan(), "{gauge}: {sum}");
    }
    assert!(heard.count("rt_handler_lag_seconds") >= 5);
}

#[test]
fn failures_and_aborts_are_counted() {
    let heard = recorded(async {
        let server = Server::start(|number, mut stream| async move {
            request(&mut stream).await;
            if number == 1 {
                let no = response("503 x", "", "");
                stream.write_all(no.as_bytes()).await.unwrap();
                return;
            }
            std::future::pending::<()>().await;
        })
        .await;
        let mut config = quick();
        config.timeouts.attempt = Duration::from_millis(100);
        config.retry.max_attempts = 2;
        within(server.builder().config(config).connect())
            .await
            .unwrap_err();
    });
    assert_eq!(heard.sum("rt_connects_total result=server_unavailable"), 1.0);
    assert_eq!(heard.sum("rt_connects_total result=aborted"), 1.0);
    assert_eq!(
        heard.sum("rt_reconnects_total cause=server_unavailable close_code=none"),
        1.0
    );
    assert_eq!(heard.sum("rt_closed_total by=transport cause=handshake"), 1.0);
}
