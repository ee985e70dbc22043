//! Sessions as an agent uses them: handles, streams, handlers, tools, interruptions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rt_client::event::Latency;
use rt_client::history::{HistoryKind, HistoryState};
use rt_client::playback::ChannelSink;
use rt_client::protocol::session::FunctionTool;
use rt_client::protocol::{Item, Pcm16, ResponseParams};
use rt_client::reply::{ReplyChunk, ReplyStatus};
use rt_client::tool::Function;
use rt_client::usage::{Budget, BudgetState, Prices};
use rt_client::{
    ErrorKind, Event, EventHandler, EventStream, Line, Session, SessionBuilder, Speaker, Turn, async_trait,
};
use rt_emulator::{Action, Emulator, Fault, Pacing, Script, Step, Trigger, Turn as Scripted, What};
use tokio::sync::mpsc;

use crate::support::{PATIENCE, Server, key, quick, speech};

fn builder(server: &Server) -> SessionBuilder {
    Session::builder(server.endpoint(), key()).config(quick())
}

async fn start(script: Script) -> Server {
    Server::start(Emulator::builder().script(script)).await
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("in time")
}

/// The next event that is wanted.
async fn next<T>(events: &mut EventStream, wanted: impl Fn(Event) -> Option<T>) -> T {
    soon(async {
        loop {
            let event = events.next().await.expect("the session lives");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    })
    .await
}

fn received(server: &Server, event_type: &str) -> usize {
    let received = server.emulator.journal().received(1);
    received
        .iter()
        .filter(|message| message.event_type == event_type)
        .count()
}

/// What the server refused.
fn errors(server: &Server) -> Vec<String> {
    let sent = server.emulator.journal().sent(1);
    let errors = sent.iter().filter(|message| message.event_type == "error");
    errors.map(|message| message.json["error"].to_string()).collect()
}

#[tokio::test]
async fn a_reply_comes_whole_or_in_pieces() {
    let script = Script::default().turn(Scripted::default().step(Step::say("Hello to you too.")));
    let server = start(script).await;
    let session = builder(&server).connect().await.unwrap();
    let mut handle = session.send_text("Hello!").await.unwrap();
    let (mut text, mut audio) = (String::new(), Vec::new());
    while let Some(mut item) = soon(handle.next_item()).await {
        while let Some(mut part) = soon(item.next_part()).await {
            while let Some(chunk) = soon(part.next_chunk()).await {
                match chunk {
                    ReplyChunk::Text(piece) => text.push_str(&piece),
                    ReplyChunk::Audio(piece) => audio.push(piece),
                    _ => unreachable!(),
                }
            }
        }
        assert!(matches!(item.item(), Item::Message(_)));
    }
    let reply = soon(handle.reply()).await.unwrap();
    assert_eq!(reply.status, ReplyStatus::Completed);
    assert_eq!(text, "Hello to you too.");
    assert_eq!(reply.text, "Hello to you too.");
    assert_eq!(reply.audio, Pcm16::concat(&audio));
    assert!(reply.duration() > Duration::from_millis(300));
    session.close().await;
}

#[tokio::test]
async fn many_requests_at_once_are_answered_one_by_one() {
    let server = Server::start(Emulator::builder().pacing(Pacing::instant())).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let mut replies = Vec::new();
    for n in 0..12 {
        replies.push(session.send_text(format!("{n}")).await.unwrap());
    }
    for reply in replies {
        assert_eq!(soon(reply.reply()).await.unwrap().status, ReplyStatus::Completed);
    }
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
    session.close().await;
}

#[tokio::test]
async fn push_to_talk_guards_the_shortest_turn() {
    let server = start(Script::parrot().hear("Hello?")).await;
    let session = builder(&server)
        .push_to_talk()
        .transcribe("gpt-4o-transcribe")
        .connect()
        .await
        .unwrap();
    session.start_talking().await.unwrap();
    session
        .send_audio(Pcm16::silence(Duration::from_millis(99)))
        .await
        .unwrap();
    assert_eq!(
        session.stop_talking().await.unwrap_err().kind(),
        ErrorKind::TooShort
    );
    session
        .send_audio(Pcm16::silence(Duration::from_millis(1)))
        .await
        .unwrap();
    let handle = soon(session.stop_talking()).await.unwrap();
    let item = handle.user_item().unwrap().to_owned();
    let reply = soon(handle.reply()).await.unwrap();
    assert_eq!(reply.duration(), Duration::from_millis(100));
    // The next turn begins from nothing.
    assert_eq!(
        session.commit_audio().await.unwrap_err().kind(),
        ErrorKind::TooShort
    );
    let history = session.history().await.unwrap();
    assert_eq!(history[0].id, item);
    assert_eq!(history.len(), 2);
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
    session.close().await;
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct City {
    city: String,
}

#[tokio::test]
async fn functions_run_side_by_side_and_are_followed_once() {
    let script = Script::default()
        .turn(
            Scripted::default()
                .step(Step::call("weather", r#"{"city":"London"}"#))
                .step(Step::call("weather", r#"{"city":"Paris"}"#))
                .step(Step::call("weather", r#"{"town":"Rome"}"#))
                .step(Step::call("breaks", "{}")),
        )
        .turn(Scripted::default().step(Step::say("Fog and sun.")));
    let server = start(script).await;
    let running = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let (counter, seen) = (running.clone(), most.clone());
    let weather = Function::new("weather", move |city: City| {
        let (counter, seen) = (counter.clone(), seen.clone());
        async move {
            seen.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Until the other one runs as well.
            while seen.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
            Ok::<_, String>(format!("fog in {}", city.city))
        }
    });
    let breaks = Function::sync("breaks", |_: serde_json::Value| -> Result<(), String> {
        panic!("its own fault")
    });
    let session = builder(&server)
        .function(weather)
        .function(breaks)
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    let reply = soon(session.send_text("How is it?").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(reply.calls.len(), 4);
    let follow_up = soon(session.wait_for_reply()).await.unwrap();
    assert_eq!(follow_up.text, "Fog and sun.");
    assert_eq!(most.load(Ordering::SeqCst), 2);
    // Two of the four failed, and the application was told.
    for _ in 0..2 {
        let error = next(&mut events, |event| match event {
            Event::Error(error) => Some(error),
            _ => None,
        });
        assert_eq!(error.await.kind(), ErrorKind::Tool);
    }
    assert_eq!(received(&server, "response.create"), 2);
    let history = session.history().await.unwrap();
    let outputs = history
        .iter()
        .filter(|item| matches!(item.kind, HistoryKind::CallOutput { .. }));
    let outputs: Vec<String> = outputs.map(|item| item.text.to_string()).collect();
    assert_eq!(outputs.len(), 4);
    assert!(outputs.contains(&r#""fog in Paris""#.to_owned()), "{outputs:?}");
    assert!(
        outputs
            .iter()
            .any(|output| output.contains("missing field `city`")),
        "{outputs:?}"
    );
    assert!(
        outputs.iter().any(|output| output.contains("panicked")),
        "{outputs:?}"
    );
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
    session.close().await;
}

#[tokio::test]
async fn a_background_function_answers_twice() {
    let script = Script::default()
        .turn(Scripted::default().step(Step::call("report", "{}")))
        .turn(Scripted::default().step(Step::say("I am on it.")))
        .turn(Scripted::default().step(Step::say("It is done.")));
    let server = start(script).await;
    let (go, gone) = tokio::sync::watch::channel(false);
    let report = Function::new("report", move |_: serde_json::Value| {
        let mut gone = gone.clone();
        async move {
            let _ = gone.wait_for(|gone| *gone).await;
            Ok::<_, String>("42")
        }
    });
    let report = report.background("It is being made.");
    let session = builder(&server).function(report).connect().await.unwrap();
    soon(session.send_text("The report!").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(soon(session.wait_for_reply()).await.unwrap().text, "I am on it.");
    go.send(true).unwrap();
    assert_eq!(soon(session.wait_for_reply()).await.unwrap().text, "It is done.");
    let history = session.history().await.unwrap();
    let told = history
        .iter()
        .any(|item| item.kind == HistoryKind::System && item.text.contains("42"));
    assert!(told);
    session.close().await;
}

#[tokio::test]
async fn the_application_answers_and_approves() {
    let script = Script::default()
        .turn(
            Scripted::default()
                .step(Step::call("mine", "{}"))
                .step(Step::call("careful", "{}")),
        )
        .turn(Scripted::default().step(Step::say("Well.")));
    let server = start(script).await;
    let careful = Function::sync("careful", |_: serde_json::Value| Ok::<_, String>("done"));
    let session = builder(&server)
        .tool(FunctionTool::new("mine"))
        .function(careful.needs_approval())
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    session.send_text("Do it.").await.unwrap();
    let (mut answered, mut refused) = (false, false);
    while !(answered && refused) {
        match soon(events.next()).await.unwrap() {
            Event::ToolCall(call) => {
                assert_eq!(call.name, "mine");
                session.answer_tool(call.call_id, "7").await.unwrap();
                answered = true;
            }
            Event::ApprovalWanted(call) => {
                session.approve_tool(call.call_id, false).await.unwrap();
                refused = true;
            }
            _ => {}
        }
    }
    let text = next(&mut events, |event| match event {
        Event::Line(Line {
            speaker: Speaker::Assistant,
            text,
            ..
        }) => Some(text),
        _ => None,
    });
    assert_eq!(text.await, "Well.");
    assert_eq!(received(&server, "response.create"), 2);
    session.close().await;
}

#[tokio::test]
async fn speech_cuts_the_reply_at_what_was_played() {
    let words = "One two three four five six seven eight nine ten eleven twelve.";
    let say = Step::Say {
        text: words.into(),
        lasting: Some(Duration::from_secs(6)),
    };
    let script = Script::default().turn(Scripted::default().step(say));
    let server = start(script.after(rt_emulator::After::Quiet)).await;
    let (sink, mut speaker) = ChannelSink::new();
    let session = builder(&server).playback(sink).connect().await.unwrap();
    let mut events = session.events();
    session.send_text("Count!").await.unwrap();
    // A second and a half is played; the rest waits in the sink.
    let mut played = 0;
    while played < 36_000 {
        played += soon(speaker.next()).await.unwrap().len();
    }
    session.send_audio(speech("question.wav")).await.unwrap();
    let (item, heard, text) = next(&mut events, |event| match event {
        Event::Turn(Turn::Interrupted { item_id, heard, text }) => Some((item_id.unwrap(), heard, text)),
        _ => None,
    })
    .await;
    // All but the piece that was in hand.
    assert_eq!(heard, Duration::from_millis(1480));
    assert!(
        words.starts_with(&*text) && text.len() < words.len() / 3,
        "{:?}",
        &*text
    );
    assert_eq!(speaker.waiting(), Duration::ZERO);
    let history = session.history().await.unwrap();
    let cut = history.iter().find(|known| known.id == item).unwrap();
    assert_eq!((cut.heard, &cut.text), (Some(heard), &text));
    session.close().await;
    let received = server.emulator.journal().received(1);
    let truncates: Vec<_> = received
        .iter()
        .filter(|message| message.event_type == "conversation.item.truncate")
        .collect();
    assert_eq!(truncates.len(), 1);
    assert_eq!(truncates[0].json["audio_end_ms"], 1480);
    // The server hears the user, and cancels by itself.
    assert!(
        !received
            .iter()
            .any(|message| message.event_type == "response.cancel")
    );
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
}

#[tokio::test]
async fn history_can_be_edited() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let first = soon(session.insert_item(Item::user_text("one"), None))
        .await
        .unwrap();
    let third = soon(session.insert_item(Item::user_text("three"), None))
        .await
        .unwrap();
    let second = soon(session.insert_item(Item::user_text("two"), Some(&first)))
        .await
        .unwrap();
    let ids = |history: &[rt_client::history::HistoryItem]| {
        history.iter().map(|item| item.id.clone()).collect::<Vec<_>>()
    };
    let history = session.history().await.unwrap();
    assert_eq!(ids(&history), [first.clone(), second.clone(), third.clone()]);
    assert!(history.iter().all(|item| item.state == HistoryState::Final));
    soon(session.delete_item(&second)).await.unwrap();
    assert_eq!(ids(&session.history().await.unwrap()), [first.clone(), third]);
    assert_eq!(
        soon(session.retrieve_item(&first)).await.unwrap().id(),
        Some(&*first)
    );
    let error = soon(session.delete_item("item_unknown")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    session.close().await;
}

#[tokio::test]
async fn out_of_band_responses_run_beside_the_conversation() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let params = |text: &str| ResponseParams::new().out_of_band().input([Item::user_text(text)]);
    let main = session.send_text("main").await.unwrap();
    let one = session.respond_with(params("one")).await.unwrap();
    let two = session.respond_with(params("two")).await.unwrap();
    for (handle, text) in [(two, "two"), (one, "one"), (main, "main")] {
        assert_eq!(soon(handle.reply()).await.unwrap().text, text);
    }
    // Nothing of them is in the conversation.
    assert_eq!(session.history().await.unwrap().len(), 2);
    session.close().await;
}

#[tokio::test]
async fn what_is_refused_is_told_to_whoever_asked() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).connect().await.unwrap();
    let mut config = ResponseParams::new();
    config.input = vec![Item::reference("item_unknown")].into();
    let refused = soon(session.respond_with(config).await.unwrap().reply()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    // And the next one is answered.
    let reply = soon(session.send_text("Hello").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(reply.status, ReplyStatus::Completed);
    session.close().await;
}

#[tokio::test]
async fn no_handle_hangs_when_the_connection_goes() {
    let cut = Fault::at(
        Trigger::Sent {
            event_type: "response.output_audio.delta".into(),
            count: 1,
        },
        Action::Reset,
    );
    let server = Server::start(Emulator::builder().fault(1, cut)).await;
    let session = builder(&server).connect().await.unwrap();
    let first = session.send_text("Hello").await.unwrap();
    assert_eq!(
        soon(first.reply()).await.unwrap().status,
        ReplyStatus::ConnectionLost
    );
    // The next one is asked on the next connection.
    let next = soon(session.send_text("Again").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(next.status, ReplyStatus::Completed);
    let waiting = session.next_reply().await.unwrap();
    session.close().await;
    assert_eq!(soon(waiting.reply()).await.unwrap_err().kind(), ErrorKind::Closed);
}

struct Recorder(mpsc::UnboundedSender<String>);

#[async_trait]
impl EventHandler for Recorder {
    async fn on_line(&mut self, session: &Session, line: Line) {
        let _ = self.0.send(format!("{:?}: {}", line.speaker, line.text));
        if line.text == "one" && line.speaker == Speaker::Assistant {
            // A handler may send; only waiting for the reply has to be done elsewhere.
            session.send_text("two").await.unwrap();
        }
    }

    async fn on_turn(&mut self, _: &Session, turn: Turn) {
        assert!(!matches!(turn, Turn::ReplyEnded { .. }), "the handler's fault");
    }
}

#[tokio::test]
async fn a_handler_and_closures_hear_the_same() {
    let server = start(Script::parrot()).await;
    let (sender, mut lines) = mpsc::unbounded_channel();
    let (errors, mut failed) = mpsc::unbounded_channel();
    let session = builder(&server)
        .text_only()
        .handler(Recorder(sender.clone()))
        .on_line(move |line| drop(sender.send(format!("{:?}: {}", line.speaker, line.text))))
        .on_error(move |error| drop(errors.send(error)))
        .connect()
        .await
        .unwrap();
    session.send_text("one").await.unwrap();
    for expected in ["User: one", "Assistant: one", "User: two", "Assistant: two"] {
        for _ in 0..2 {
            assert_eq!(soon(lines.recv()).await.unwrap(), expected);
        }
    }
    assert_eq!(soon(failed.recv()).await.unwrap().kind(), ErrorKind::Callback);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_callback_loses_nothing_and_is_counted() {
    let server = Server::start(Emulator::builder().pacing(Pacing::instant())).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let count = Arc::new(AtomicU32::new(0));
    let counter = count.clone();
    let mut first = true;
    let session = builder(&server)
        .text_only()
        .on_event(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            if std::mem::take(&mut first) {
                let _ = held.recv();
            }
        })
        .connect();
    // The callback holds up even the first event, so the settings are answered while it blocks.
    let session = soon(session).await.unwrap();
    let text = "word ".repeat(400);
    let waiting = session.send_text(text.clone()).await.unwrap();
    // Wait until the queue is full, however long that takes here.
    soon(async {
        while !session.stats().is_held_back {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    release.send(()).unwrap();
    let reply = soon(waiting.reply()).await.unwrap();
    assert_eq!(reply.text, text);
    assert!(session.stats().held_back > Duration::ZERO);
    session.close().await;
    let sent = server.emulator.journal().sent(1).len();
    assert_eq!(usize::try_from(count.load(Ordering::SeqCst)).unwrap(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_are_answered_while_a_callback_blocks() {
    let server = Server::start(Emulator::builder().ping_every(Duration::from_millis(20))).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let session = builder(&server)
        .on_event(move |_| {
            let _ = held.recv();
        })
        .connect()
        .await
        .unwrap();
    let pongs = || {
        let entries = server.emulator.journal().entries();
        entries
            .iter()
            .filter(|entry| entry.what == What::Heartbeat)
            .count()
    };
    let before = pongs();
    soon(async {
        while pongs() < before + 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    drop(release);
    session.close().await;
}

#[tokio::test]
async fn a_budget_warns_and_stops() {
    let server = start(Script::parrot()).await;
    let prices = Prices {
        text_in: 1e6,
        text_out: 1e6,
        ..Prices::default()
    };
    let session = builder(&server)
        .text_only()
        .prices(prices)
        .budget(Budget::new(1.0).warn_at(0.0))
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    soon(session.send_text("Hello").await.unwrap().reply())
        .await
        .unwrap();
    let state = next(&mut events, |event| match event {
        Event::Budget(state) => Some(state),
        _ => None,
    });
    assert!(matches!(state.await, BudgetState::Exhausted { .. }));
    let refused = soon(session.send_text("More").await.unwrap().reply()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Budget);
    assert_eq!(received(&server, "response.create"), 1);
    session.close().await;

    let server = start(Script::parrot()).await;
    let unpriced = builder(&server).budget(Budget::new(1.0)).connect().await;
    assert_eq!(unpriced.unwrap_err().kind(), ErrorKind::Settings);
}

#[tokio::test]
async fn answers_to_speech_are_timed() {
    let server = start(Script::parrot().hear("Hello?")).await;
    let session = builder(&server)
        .transcribe("gpt-4o-transcribe")
        .connect()
        .await
        .unwrap();
    let (mut events, mut lines) = (session.events(), session.events());
    session.send_audio(speech("question.wav")).await.unwrap();
    session
        .send_audio(Pcm16::silence(Duration::from_secs(1)))
        .await
        .unwrap();
    let (speech, request) = next(&mut events, |event| match event {
        Event::Latency(Latency::FirstOutput { timing, .. }) => {
            Some((timing.after_speech, timing.after_request))
        }
        _ => None,
    })
    .await;
    assert!(speech.is_some());
    assert!(request.is_none());
    for speaker in [Speaker::User, Speaker::Assistant] {
        let line = next(&mut lines, |event| match event {
            Event::Line(line) => Some(line),
            _ => None,
        });
        assert_eq!(line.await.speaker, speaker);
    }
    session.close().await;
}

#[tokio::test]
async fn a_transcription_gives_lines_in_order() {
    let script = Script::default()
        .turn(Scripted::default().hear("First."))
        .turn(Scripted::default().hear("Second."))
        .hear("Another.");
    let server = start(script).await;
    let url = format!("{}?intent=transcription", server.emulator.url());
    let endpoint = rt_client::Endpoint::from_url(&url).unwrap();
    let (sender, mut lines) = mpsc::unbounded_channel();
    let transcriber = Session::transcription(endpoint, key(), "gpt-4o-transcribe")
        .config(quick())
        .manual_turns()
        .on_line(move |line| drop(sender.send(line)))
        .connect()
        .await
        .unwrap();
    assert_eq!(
        transcriber.commit_audio().await.unwrap_err().kind(),
        ErrorKind::TooShort
    );
    let mut items = Vec::new();
    for _ in 0..2 {
        transcriber.send_audio(speech("question.wav")).await.unwrap();
        items.push(soon(transcriber.commit_audio()).await.unwrap());
    }
    for item in items {
        let line = soon(lines.recv()).await.unwrap();
        assert_eq!(line.item_id, item);
        assert!(!line.text.is_empty() && line.speaker == Speaker::User);
    }
    transcriber.close().await;
}

#[tokio::test]
async fn a_translation_comes_back_whole() {
    let server = start(Script::parrot().hear("Guten Tag.")).await;
    let url = format!(
        "{}/translations?model=gpt-realtime-translate",
        server.emulator.url()
    );
    let endpoint = rt_client::Endpoint::from_url(&url).unwrap();
    let (sender, mut audio) = mpsc::unbounded_channel();
    let translator = Session::translation(endpoint, key(), "es")
        .config(quick())
        .on_audio(move |audio| drop(sender.send(audio)))
        .connect()
        .await
        .unwrap();
    let question = speech("question.wav");
    translator.send_audio(question.clone()).await.unwrap();
    translator.finish(PATIENCE).await.unwrap();
    drop(translator);
    let mut back = Vec::new();
    while let Some(piece) = audio.recv().await {
        back.push(piece);
    }
    assert!(Pcm16::concat(&back).duration() >= question.duration());
}
