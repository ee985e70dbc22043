//! With the feature: what is told goes to the recorder that the program has set.

use metrics::{counter, histogram};

use crate::event::{Event, Latency, Turn};

/// Something that everybody is told.
pub(crate) fn event(event: &Event) {
    match event {
        Event::Latency(Latency::FirstOutput { timing, .. }) => {
            let parts = [
                ("speech", timing.after_speech),
                ("request", timing.after_request),
                ("created", timing.after_created),
            ];
            for (since, took) in parts {
                if let Some(took) = took {
                    histogram!("rt_first_output_seconds", "since" => since).record(took);
                }
            }
        }
        Event::Latency(Latency::Tool { took, failed, .. }) => {
            let result = if *failed { "failed" } else { "ok" };
            histogram!("rt_tool_seconds", "result" => result).record(*took);
        }
        Event::Turn(Turn::Interrupted { .. }) => counter!("rt_interruptions_total").increment(1),
        Event::Blocked(_) => counter!("rt_replies_blocked_total").increment(1),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use metrics::{
        Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString,
        Unit,
    };

    use super::*;
    use crate::event::Timing;

    type Told = Arc<Mutex<Vec<(String, f64)>>>;

    /// Writes down what it is told.
    struct Notes(Told);

    struct Series(String, Told);

    impl Series {
        fn of(key: &Key, told: &Told) -> Self {
            let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
            Self(format!("{} {}", key.name(), labels.join(" ")), Arc::clone(told))
        }

        fn note(&self, value: f64) {
            self.1.lock().unwrap().push((self.0.clone(), value));
        }
    }

    impl CounterFn for Series {
        fn increment(&self, value: u64) {
            self.note(f64::from(u32::try_from(value).unwrap()));
        }

        fn absolute(&self, _: u64) {}
    }

    impl HistogramFn for Series {
        fn record(&self, value: f64) {
            self.note(value);
        }
    }

    impl Recorder for Notes {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(Arc::new(Series::of(key, &self.0)))
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(Arc::new(Series::of(key, &self.0)))
        }
    }

    #[test]
    fn latencies_are_histograms() {
        let told = Told::default();
        let timing = Timing {
            after_speech: Some(Duration::from_millis(750)),
            after_created: Some(Duration::from_millis(250)),
            ..Timing::default()
        };
        let response_id = "resp_canary".to_owned();
        let events = [
            Event::Latency(Latency::FirstOutput { response_id, timing }),
            Event::Latency(Latency::Tool {
                call_id: "call_canary".to_owned(),
                took: Duration::from_secs(2),
                failed: true,
            }),
        ];
        metrics::with_local_recorder(&Notes(Arc::clone(&told)), || events.iter().for_each(event));
        let expected = [
            ("rt_first_output_seconds speech", 0.75),
            ("rt_first_output_seconds created", 0.25),
            ("rt_tool_seconds failed", 2.0),
        ];
        assert_eq!(
            *told.lock().unwrap(),
            expected.map(|(name, value)| (name.to_owned(), value))
        );
    }
}
