//! The spans of a connection: what a subscriber sees of attempts and restores.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_emulator::fault::{Action, Trigger};
use rt_emulator::proxy::FaultProxy;
use rt_emulator::wire::Cut;
use rt_emulator::{Emulator, Fault, Pacing};
use rt_lowlevel::fate::Fate;
use rt_lowlevel::protocol::Item;
use rt_lowlevel::protocol::client_event::ConversationItemCreate;
use rt_lowlevel::{Connection, ConnectionEvent, Endpoint};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::support::*;

/// A span, when it is over.
#[derive(Debug, Clone, Default)]
struct Seen {
    name: &'static str,
    parent: Option<&'static str>,
    fields: BTreeMap<&'static str, String>,
}

impl Seen {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

/// Keeps spans as they end.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Seen>>>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut seen = Seen {
            name: span.name(),
            parent: span.parent().map(|parent| parent.name()),
            ..Seen::default()
        };
        attributes.record(&mut seen);
        span.extensions_mut().insert(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut extensions = span.extensions_mut();
        values.record(extensions.get_mut::<Seen>().unwrap());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        let seen = span.extensions_mut().remove::<Seen>().unwrap();
        if seen.name.starts_with("rt.") {
            self.0.lock().unwrap().push(seen);
        }
    }
}

impl Spans {
    /// Waits for so many spans of this name that are over.
    async fn over(&self, name: &str, count: usize) -> Vec<Seen> {
        let waiting = async {
            loop {
                let seen: Vec<Seen> = self.0.lock().unwrap().clone();
                let named: Vec<Seen> = seen.into_iter().filter(|span| span.name == name).collect();
                if named.len() >= count {
                    return named;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        within(waiting).await
    }
}

async fn restored(connection: &mut Connection) {
    loop {
        if let ConnectionEvent::Restored(_) = next(connection).await {
            return;
        }
    }
}

#[test]
fn a_restore_is_a_span_with_what_came_of_it() {
    if alone(
        "spans::a_restore_is_a_span_with_what_came_of_it",
        r#"exec "$0" "$@""#,
    )
    .is_some()
    {
        return;
    }
    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    block_on(async {
        let emulator = Emulator::builder()
            .pacing(Pacing::instant())
            // The second session is lost while it is told the items, and the third takes one of them only.
            .fault(2, Fault::at(Trigger::sent("session.updated", 1), Action::Reset))
            .fault(3, Fault::refuse_item("two"));
        let emulator = emulator.start().await.unwrap();
        let line = FaultProxy::start(emulator.address()).await.unwrap();
        let url = format!("{}?model=gpt-realtime", emulator.url());
        let endpoint = Endpoint::from_url(&line.url(&url)).unwrap();
        let mut connection = within(builder(endpoint).connect()).await.unwrap();
        for id in ["one", "two"] {
            let item = Item::user_text("A text that nobody else is to see.").with_id(id);
            let sent = connection
                .handle()
                .send_tracked(ConversationItemCreate::new(item));
            assert_eq!(sent.await.unwrap().await, Fate::Acknowledged);
        }
        assert!(
            spans.over("rt.restore", 0).await.is_empty(),
            "nothing was restored"
        );
        line.cut(Cut::Fin);
        restored(&mut connection).await;
        let restores = spans.over("rt.restore", 2).await;
        assert_eq!(restores.len(), 2, "{restores:?}");
        let (failed, whole) = (&restores[0], &restores[1]);
        assert!(
            restores.iter().all(|span| span.parent == Some("rt.connection")),
            "{restores:?}"
        );
        for (name, value) in [("complete", "false"), ("items", "0"), ("lost", "0")] {
            assert_eq!(failed.field(name), Some(value), "{name}: {failed:?}");
        }
        for (name, value) in [
            ("prepares", "false"),
            ("complete", "true"),
            ("items", "1"),
            ("text_only", "0"),
            ("lost", "1"),
        ] {
            assert_eq!(whole.field(name), Some(value), "{name}: {whole:?}");
        }

        // A session that is to take over is told what the first one knows while that works.
        connection.handle().restart().unwrap();
        restored(&mut connection).await;
        let restores = spans.over("rt.restore", 3).await;
        let prepared = &restores[2];
        assert_eq!(prepared.field("prepares"), Some("true"), "{prepared:?}");
        assert_eq!(prepared.field("items"), Some("1"), "{prepared:?}");
        let attempts = spans.over("rt.attempt", 4).await;
        assert_eq!(attempts.len(), 4, "{attempts:?}");
        assert!(
            attempts.iter().all(|span| span.parent == Some("rt.connection")),
            "{attempts:?}"
        );

        connection.close().await;
        drop(connection);
        let whole = spans.over("rt.connection", 1).await;
        assert_eq!((whole.len(), whole[0].parent), (1, None));
        let all = format!("{:?}", spans.0.lock().unwrap());
        assert!(!all.contains("nobody else"), "{all}");
    });
}
