//! G9, the honest report: what [`Restored`] says is what the emulator saw, number by number, over real sockets.
//! `RT_REPORTS` says how many sessions are lost (30), `RT_SEED` how exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rt_emulator::brain::SessionRecord;
use rt_emulator::wire::Cut;
use rt_emulator::{Emulator, Fault, Pacing};
use rt_lowlevel::ConnectionEvent;
use rt_lowlevel::event::Restored;
use rt_lowlevel::fate::Fate;
use rt_lowlevel::restore::LostReason;
use rt_protocol::client_event::{
    InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate, SessionUpdate,
};
use rt_protocol::item::ContentKind;
use rt_protocol::{Item, RealtimeSession, ServerEvent};

use super::bench::{Bench, Client, Dice, MS, number, patient, ramp, server_events, text_item};
use crate::support::PATIENCE;

/// A turn: 300 ms.
const TURN: usize = 7200;

/// A client, a line and a server, and how far they are.
struct Call {
    bench: Bench,
    client: Client,
    dice: Dice,
    texts: Vec<String>,
    /// Bytes of audio since the last commit.
    open: u64,
}

impl Call {
    async fn start(seed: u64) -> Self {
        let mut pacing = Pacing::real_time();
        (pacing.audio_speed, pacing.audio_chunk) = (4.0, 20 * MS);
        (pacing.first_output, pacing.text_delta) = (Duration::ZERO, MS);
        let bench = Bench::start(Emulator::builder().pacing(pacing)).await;
        let mut config = patient();
        // Bounds that are reached: some audio is not kept, and some items fall out.
        config.restore.media = 60_000;
        config.restore.max_items = 24;
        let client = bench.client(config).await;
        // Without transcription, so that turns are audio in the new session too.
        let session = RealtimeSession::new().instructions("Be brief.").manual_turns();
        client.handle.send(SessionUpdate::new(session)).await.unwrap();
        client.server("session.updated", 1).await;
        Self {
            bench,
            client,
            dice: Dice(seed | 1),
            texts: Vec::new(),
            open: 0,
        }
    }

    async fn text(&mut self) {
        let id = format!("text_{}", self.texts.len());
        let receipt = self.client.handle.send_tracked(text_item(&id)).await.unwrap();
        assert_eq!(receipt.await, Fate::Acknowledged);
        self.texts.push(id);
    }

    async fn turn(&mut self) {
        self.client.append(ramp(0, TURN)).await;
        let commit = InputAudioBufferCommit::default();
        let receipt = self.client.handle.send_tracked(commit).await.unwrap();
        assert_eq!(receipt.await, Fate::Acknowledged);
        self.open = 0;
    }

    /// Asks for an answer, and waits for its end; or until some of it was heard.
    async fn answer(&mut self, is_cut: bool) {
        self.turn().await;
        let created = self.count("response.created");
        self.client.handle.send(ResponseCreate::default()).await.unwrap();
        self.client.server("response.created", created + 1).await;
        if is_cut {
            let heard = self.count("response.output_audio.delta") + 1;
            self.client.server("response.output_audio.delta", heard + 3).await;
        } else {
            let done = self.count("response.done");
            self.client.server("response.done", done + 1).await;
        }
        let part = self.client.look(|events| {
            let deltas = server_events(events).filter_map(|event| match event {
                ServerEvent::ResponseOutputAudioDelta(delta) => {
                    Some((delta.item_id.clone(), delta.content_index))
                }
                _ => None,
            });
            deltas.last()
        });
        let (item, index) = part.expect("audio");
        // Half of it, none of it, or nobody says.
        match self.dice.roll(3) {
            0 => self.client.handle.mark_played(&item, index, (TURN / 2) as u64),
            1 => self.client.handle.mark_played(&item, index, 0),
            _ => {}
        }
    }

    fn count(&self, event_type: &str) -> usize {
        self.client.look(|events| {
            server_events(events)
                .filter(|event| event.event_type() == event_type)
                .count()
        })
    }

    /// Loses the session, and compares the report with the next one.
    async fn lose(&mut self, epoch: u64) -> Restored {
        let mut refused = None;
        if self.dice.roll(3) == 0 && !self.texts.is_empty() {
            // It is refused once only, by the next session: after that nobody knows it.
            let place = usize::try_from(self.dice.roll(self.texts.len() as u64)).unwrap();
            let id = self.texts[place].clone();
            self.bench.emulator.fault(epoch, Fault::refuse_item(&id));
            refused = Some(id);
        }
        let is_cut = self.dice.roll(2) == 0;
        if is_cut {
            self.answer(true).await;
        }
        let samples = if self.dice.roll(2) == 0 { 4800 } else { 0 };
        if samples > 0 {
            let audio = InputAudioBufferAppend::new(ramp(0, samples));
            self.client.handle.send(audio).await.unwrap();
            self.open += 2 * samples as u64;
        }
        let how = if self.dice.roll(2) == 0 {
            Cut::Fin
        } else {
            Cut::Reset
        };
        let (events, before) = (self.client.look(<[_]>::len), self.bench.last_session());
        assert_eq!(self.bench.line.cut(how), 1);
        let report = self.client.restored(epoch).await;
        let now = self.bench.last_session();
        let context = format!("session {epoch}, is_cut {is_cut}, refused {refused:?}: {report:?}");
        self.compare(&report, events, &before, &now, &context).await;
        report
    }

    async fn compare(
        &self,
        report: &Restored,
        from: usize,
        before: &SessionRecord,
        now: &SessionRecord,
        context: &str,
    ) {
        // Items: what was there, less what is told to be lost, in its order.
        let lost: Vec<&str> = report.lost.iter().map(|lost| lost.id.as_str()).collect();
        let mut expected = before.item_ids();
        let known = expected.len();
        expected.retain(|id| !lost.contains(&id.as_str()));
        assert_eq!(now.item_ids(), expected, "{context}");
        assert_eq!(
            known - expected.len(),
            lost.len(),
            "lost what nobody had; {context}"
        );
        assert_eq!(report.lost_unlisted, 0, "{context}");
        assert_eq!(report.restored, expected.len(), "{context}");
        let commands = now.commands();
        let created = commands
            .iter()
            .filter(|c| c.event_type == "conversation.item.create");
        let (refused, taken): (Vec<_>, Vec<_>) = created.partition(|command| command.refused.is_some());
        assert_eq!(taken.len(), report.restored, "{context}");
        let rejected = report
            .lost
            .iter()
            .filter(|lost| matches!(lost.reason, LostReason::Rejected(_)));
        let rejected: Vec<Option<&str>> = rejected.map(|lost| Some(lost.id.as_str())).collect();
        // Those behind a refused item do not find their place, and are told again.
        let mut refused: Vec<Option<&str>> =
            refused.iter().map(|command| command.item_id.as_deref()).collect();
        refused.retain(|id| !taken.iter().any(|command| command.item_id.as_deref() == *id));
        refused.dedup();
        assert_eq!(refused, rejected, "{context}");

        // What was audio in some session, and is text now.
        let mut heard = BTreeSet::new();
        for (_, record) in self.bench.journal().sessions() {
            let items = record.items();
            let audio = items.iter().filter(|item| has_audio(item));
            heard.extend(audio.filter_map(|item| item.id().map(str::to_owned)));
        }
        let items = now.items();
        let texts = items.iter().filter(|item| !has_audio(item)).filter_map(Item::id);
        let text_only = texts.filter(|id| heard.contains(*id)).count();
        assert_eq!(report.text_only, text_only, "{context}");

        // Settings, once and first; input that had no effect yet, once.
        assert!(report.settings, "{context}");
        let settings = commands
            .iter()
            .filter(|c| c.event_type == "session.update")
            .count();
        assert_eq!(
            (settings, commands[0].event_type.as_str()),
            (1, "session.update"),
            "{context}"
        );
        let replayed = u64::try_from(report.replayed.as_millis()).unwrap() * 48;
        let arriving = async {
            while now.appended() < replayed {
                tokio::time::sleep(MS).await;
            }
        };
        let arrived = tokio::time::timeout(PATIENCE, arriving).await;
        assert!(arrived.is_ok(), "{} of {replayed}; {context}", now.appended());
        self.client.settled().await;
        assert_eq!(now.appended(), replayed, "{context}");
        assert_eq!(replayed, self.open, "{context}");
        assert_eq!(report.lost_audio, Duration::ZERO, "{context}");

        // What else was told of the loss.
        let (interrupted, discarded) = self.client.look(|events| {
            let mut counts = (0, 0);
            for event in &events[from..] {
                match event {
                    ConnectionEvent::Interrupted(_) => counts.0 += 1,
                    ConnectionEvent::Settled(settled) if matches!(settled.fate, Fate::Discarded(_)) => {
                        counts.1 += settled.count;
                    }
                    _ => {}
                }
            }
            counts
        });
        assert_eq!(
            (report.settled, report.discarded),
            (interrupted, discarded),
            "{context}"
        );
        assert!(!report.downtime.is_zero(), "{context}");
    }
}

fn has_audio(item: &Item) -> bool {
    let Item::Message(message) = item else {
        return false;
    };
    message.content.iter().any(|part| {
        let kind = part.kind.value();
        matches!(
            kind,
            Some(ContentKind::InputAudio | ContentKind::OutputAudio | ContentKind::Audio)
        )
    })
}

#[tokio::test]
async fn g9_reports_are_what_the_server_saw() {
    let (sessions, seed) = (number("RT_REPORTS", 30), number("RT_SEED", 0x9e37_79b9_7f4a_7c15));
    let mut call = Call::start(seed).await;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let (mut settled, mut text_only, mut replayed) = (0, 0, Duration::ZERO);
    for epoch in 2..2 + sessions {
        for _ in 0..call.dice.roll(4) {
            match call.dice.roll(3) {
                0 => call.text().await,
                1 => call.turn().await,
                _ => call.answer(false).await,
            }
        }
        let report = call.lose(epoch).await;
        for lost in &report.lost {
            *reasons.entry(lost.reason.to_string()).or_default() += 1;
        }
        settled += report.settled;
        text_only += report.text_only;
        replayed += report.replayed;
    }
    println!(
        "{sessions} sessions lost: {settled} responses settled, {text_only} items as text, {replayed:?} replayed, lost {reasons:?}"
    );
    // The schedule is worth something: all of this happened.
    if sessions >= 30 {
        assert!(
            settled > 0 && text_only > 0 && !replayed.is_zero() && reasons.len() >= 3,
            "{reasons:?}"
        );
    }
    call.client.close().await;
}
