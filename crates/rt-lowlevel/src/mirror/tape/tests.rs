//! Tests of the tape.

use proptest::prelude::*;
use rt_protocol::client_event::ResponseCreate;

use super::bounds::MAX_MARKS;
use super::*;

const SECOND: u64 = ticks(1000);

/// Audio that counts up, so that a gap or a repetition shows.
struct Ramp(u16);

impl Ramp {
    fn samples(&mut self, count: usize) -> AudioBytes {
        let mut bytes = Vec::with_capacity(count * 2);
        for _ in 0..count {
            bytes.extend_from_slice(&self.0.to_le_bytes());
            self.0 = self.0.wrapping_add(1);
        }
        bytes.into()
    }

    fn ms(&mut self, ms: usize) -> AudioBytes {
        self.samples(ms * 24)
    }
}

fn values(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

fn audio_of(tape: &Tape) -> Vec<u16> {
    let mut bytes = Vec::new();
    for entry in tape.entries() {
        if let Entry::Audio(chunk) = entry {
            bytes.extend_from_slice(chunk.audio.as_bytes());
        }
    }
    values(&bytes)
}

fn pieces(audio: &TurnAudio) -> Vec<u16> {
    let bytes: Vec<u8> = audio
        .pieces
        .iter()
        .flat_map(|piece| piece.as_bytes().to_vec())
        .collect();
    values(&bytes)
}

fn kinds(tape: &Tape) -> String {
    let marks = tape.entries().filter(|entry| entry.is_mark()).count();
    assert_eq!(tape.marks, marks);
    tape.entries()
        .map(|entry| match entry {
            Entry::Audio(_) => 'a',
            Entry::Commit(_) => 'c',
            Entry::Respond(_) => 'r',
        })
        .collect()
}

fn commit(n: u64) -> Commit {
    Commit {
        seq: Some(n),
        event_id: Some(format!("c{n}")),
    }
}

fn request(n: u64) -> Request {
    Request {
        seq: Some(n),
        event: ResponseCreate {
            event_id: format!("r{n}").into(),
            ..ResponseCreate::default()
        },
    }
}

/// A tape with so many pieces of 100 ms, numbered from 1.
fn filled(limit: u64, count: u64) -> Tape {
    let mut tape = Tape::new(limit);
    let mut ramp = Ramp(0);
    for seq in 1..=count {
        tape.append(Some(seq), &ramp.ms(100), Format::Pcm, true);
    }
    tape
}

fn range(from_ms: u16, to_ms: u16) -> Vec<u16> {
    (from_ms * 24..to_ms * 24).collect()
}

#[test]
fn a_turn_of_the_server_comes_off_at_its_end() {
    let mut tape = filled(30 * SECOND, 10);
    tape.speech_started("i", 250);
    tape.speech_stopped("i", None, 730);
    let (audio, commit) = tape.committed("i");
    assert_eq!(pieces(&audio), range(250, 730));
    assert!(commit.is_none() && !audio.by_client);
    assert_eq!(audio_of(&tape), range(730, 1000));
    assert_eq!(tape.held, ticks(270));
    assert!(tape.is_quiet(true));
}

#[test]
fn a_commit_of_the_client_takes_what_was_written_before_it() {
    let mut tape = filled(30 * SECOND, 3);
    tape.commit(commit(4));
    let mut ramp = Ramp(300 * 24);
    tape.append(Some(5), &ramp.ms(50), Format::Pcm, true);
    tape.commit(commit(6));
    assert_eq!(kinds(&tape), "aaacac");
    let (audio, first) = tape.committed("i");
    assert_eq!(pieces(&audio), range(0, 300));
    assert_eq!(first, Some(commit(4)));
    assert!(audio.by_client);
    assert_eq!(kinds(&tape), "ac");
    let (audio, second) = tape.committed("j");
    assert_eq!(pieces(&audio), range(300, 350));
    assert_eq!(second, Some(commit(6)));
    assert!(tape.is_empty());
}

#[test]
fn a_commit_in_the_middle_of_speech_is_the_clients() {
    let mut tape = filled(30 * SECOND, 3);
    tape.speech_started("i", 100);
    tape.commit(commit(9));
    let (audio, commit) = tape.committed("i");
    assert_eq!(pieces(&audio), range(0, 300));
    assert!(commit.is_some());
    assert!(tape.is_quiet(false), "the turn is over too");
}

#[test]
fn a_turn_without_a_known_end_takes_everything() {
    let mut tape = filled(30 * SECOND, 3);
    tape.speech_started("i", 100);
    let (audio, commit) = tape.committed("other");
    assert_eq!(pieces(&audio), range(0, 300));
    assert!(commit.is_none() && !audio.by_client);
    assert!(tape.is_empty() && tape.is_quiet(true));
    // The end of another turn does not belong to it.
    let mut tape = filled(30 * SECOND, 3);
    tape.speech_stopped("i", None, 100);
    assert_eq!(pieces(&tape.committed("other").0), range(0, 300));
}

#[test]
fn silence_that_becomes_a_turn_has_its_bounds() {
    let mut tape = filled(30 * SECOND, 5);
    tape.speech_stopped("i", Some(100), 400);
    assert!(!tape.is_quiet(true));
    assert_eq!(pieces(&tape.committed("i").0), range(100, 400));
    assert_eq!(audio_of(&tape), range(400, 500));
    // A stop whose start nobody saw begins at the beginning.
    let mut tape = filled(30 * SECOND, 2);
    tape.speech_started("other", 50);
    tape.speech_stopped("i", None, 100);
    assert_eq!(pieces(&tape.committed("i").0), range(0, 100));
}

#[test]
fn the_bound_drops_the_oldest_to_the_millisecond() {
    let mut tape = filled(ticks(450), 10);
    assert_eq!(audio_of(&tape), range(550, 1000));
    assert_eq!(tape.held, ticks(450));
    assert_eq!(tape.take_lost_ms(), 550);
    assert_eq!(tape.take_lost_ms(), 0);
    // One that is larger than the bound keeps its end.
    let mut tape = filled(ticks(450), 0);
    tape.append(None, &Ramp(0).ms(1000), Format::Pcm, true);
    assert_eq!(audio_of(&tape), range(550, 1000));
    // Parts of milliseconds add up.
    let mut tape = Tape::new(0);
    for _ in 0..10 {
        tape.append(None, &Ramp(0).samples(12), Format::Pcm, true);
    }
    assert!(tape.is_empty());
    assert_eq!(tape.take_lost_ms(), 5);
}

#[test]
fn only_speech_that_falls_off_is_lost() {
    // Silence, as the server would have told.
    let mut tape = Tape::new(ticks(100));
    tape.append(Some(1), &Ramp(0).ms(500), Format::Pcm, false);
    assert_eq!(tape.take_lost_ms(), 0);
    // A turn that began 30 ms before what is kept.
    let mut tape = Tape::new(ticks(100));
    tape.append(Some(1), &Ramp(0).ms(100), Format::Pcm, false);
    tape.speech_started("i", 70);
    tape.append(Some(2), &Ramp(0).ms(100), Format::Pcm, false);
    assert_eq!(tape.take_lost_ms(), 30);
    tape.append(Some(3), &Ramp(0).ms(20), Format::Pcm, false);
    assert_eq!(tape.take_lost_ms(), 20);
}

#[test]
fn tiny_pieces_are_bounded_by_number() {
    let mut tape = Tape::new(ticks(50));
    for seq in 0..500 {
        tape.append(Some(seq), &Ramp(0).samples(1), Format::Pcm, true);
    }
    assert_eq!(kinds(&tape).len(), 50);
    assert_eq!(tape.held, 100);
    assert_eq!(tape.lost, 900);
    // What is no audio cannot be dropped.
    let mut tape = Tape::new(0);
    for n in 0..5 {
        tape.commit(commit(n));
        tape.append(None, &Ramp(0).samples(1), Format::Pcm, true);
    }
    assert_eq!(kinds(&tape), "ccccc");
}

#[test]
fn nothing_is_kept_of_nothing() {
    let mut tape = filled(SECOND, 0);
    tape.append(Some(1), &AudioBytes::default(), Format::Pcm, true);
    assert!(tape.is_empty());
}

#[test]
fn clearing_leaves_what_a_commit_is_to_take() {
    let mut tape = filled(30 * SECOND, 2);
    tape.commit(commit(3));
    tape.append(Some(4), &Ramp(0).ms(10), Format::Pcm, true);
    tape.request(request(5));
    tape.clear();
    assert_eq!(kinds(&tape), "aacr");
    assert_eq!(tape.held, ticks(200));
    let mut tape = filled(30 * SECOND, 2);
    tape.clear();
    assert!(tape.is_empty());
    tape.speech_started("i", 0);
    tape.cleared();
    assert!(tape.is_quiet(false));
}

#[test]
fn what_was_read_and_is_silent_is_not_kept_for_ever() {
    let mut tape = filled(30 * SECOND, 100);
    tape.confirmed(60, true);
    // 6 s were read; 5 s of them may still turn out to be speech.
    assert_eq!(
        audio_of(&tape),
        (24_000..240_000u32)
            .map(|n| u16::try_from(n % 65536).unwrap())
            .collect::<Vec<_>>()
    );
    assert_eq!(tape.held, ticks(9000));
    tape.confirmed(60, true);
    assert_eq!(tape.held, ticks(9000));
    // Not while somebody speaks, nor when the client commits.
    tape.speech_started("i", 9000);
    tape.confirmed(100, true);
    tape.cleared();
    tape.confirmed(100, false);
    assert_eq!(tape.held, ticks(9000));
    tape.confirmed(0, true);
    assert_eq!(tape.held, ticks(9000));
    tape.confirmed(100, true);
    assert_eq!(tape.held, ticks(5000));
    assert_eq!(tape.take_lost_ms(), 0);
    // A part of a piece stays with the rest of it.
    let mut tape = filled(30 * SECOND, 0);
    tape.append(Some(1), &Ramp(0).ms(3000), Format::Pcm, true);
    tape.append(Some(2), &Ramp(0).ms(3000), Format::Pcm, true);
    tape.confirmed(2, true);
    assert_eq!(tape.held, ticks(6000));
    // Nor is anything before a commit.
    let mut tape = filled(30 * SECOND, 0);
    tape.commit(commit(1));
    tape.append(Some(2), &Ramp(0).ms(3000), Format::Pcm, true);
    tape.append(Some(3), &Ramp(0).ms(6000), Format::Pcm, true);
    tape.confirmed(3, true);
    assert_eq!(kinds(&tape), "caa");
}

#[test]
fn replay_writes_everything_again_in_order() {
    let mut tape = filled(30 * SECOND, 2);
    tape.commit(commit(3));
    tape.request(request(4));
    tape.append(Some(5), &Ramp(200 * 24).ms(100), Format::Pcm, true);
    tape.speech_started("i", 0);
    tape.rewind(Format::Pcm);
    assert!(!tape.is_quiet(true));
    assert_eq!(tape.requests().count(), 0, "not written yet");
    let seqs: Vec<_> = std::iter::from_fn(|| tape.replay())
        .map(|entry| entry.seq())
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5].map(Some));
    assert_eq!(kinds(&tape), "aacra");
    assert_eq!(tape.requests().count(), 1);
    // The clock of the new session begins with it.
    assert_eq!(tape.clock, ticks(300));
    tape.speech_started("j", 50);
    tape.speech_stopped("j", None, 150);
    assert_eq!(pieces(&tape.committed("j").0), range(50, 150));
    assert_eq!(audio_of(&tape), range(150, 300));
}

#[test]
fn a_replay_that_is_cut_off_goes_on_where_it_was() {
    let mut tape = filled(30 * SECOND, 4);
    tape.rewind(Format::Pcm);
    tape.replay();
    tape.replay();
    tape.rewind(Format::Pcm);
    assert_eq!(audio_of(&tape), range(0, 400));
    assert_eq!(tape.held, ticks(400));
    assert_eq!(std::iter::from_fn(|| tape.replay()).count(), 4);
    assert_eq!(audio_of(&tape), range(0, 400));
}

#[test]
fn audio_of_another_format_is_lost() {
    let mut tape = filled(30 * SECOND, 1);
    tape.append(Some(2), &vec![0; 80].into(), Format::Pcmu, true);
    tape.rewind(Format::Pcmu);
    assert_eq!(kinds(&tape), "a");
    assert_eq!(tape.held, ticks(10));
    assert_eq!(tape.take_lost_ms(), 100);
}

#[test]
fn positions_hold_in_g711() {
    let mut tape = Tape::new(30 * SECOND);
    let bytes: Vec<u8> = (0..=255).cycle().take(800).collect();
    tape.append(Some(1), &bytes.clone().into(), Format::Pcma, true);
    tape.speech_started("i", 30);
    tape.speech_stopped("i", None, 70);
    let (audio, _) = tape.committed("i");
    assert_eq!(audio.format, Format::Pcma);
    assert_eq!(audio.pieces, [AudioBytes::from(bytes[240..560].to_vec())]);
    assert_eq!(tape.held, ticks(30));
}

#[test]
fn requests_and_commits_come_off_by_themselves() {
    let mut tape = filled(30 * SECOND, 1);
    tape.request(request(1));
    tape.request(request(2));
    tape.commit(commit(3));
    assert_eq!(
        tape.take_request(|request| request.seq == Some(2)),
        Some(request(2))
    );
    assert_eq!(tape.take_request(|request| request.seq == Some(2)), None);
    tape.remove_commit(Some("other"));
    assert_eq!(kinds(&tape), "arc");
    tape.remove_commit(Some("c3"));
    assert_eq!(kinds(&tape), "ar");
    assert!(!tape.is_quiet(true));
    tape.rewind(Format::Pcm);
    tape.push_back_request(request(7));
    assert_eq!(
        tape.drain_requests(|request| request.seq == Some(1)),
        [request(1)]
    );
    assert_eq!(kinds(&tape), "ar");
    tape.drop_audio();
    assert_eq!((kinds(&tape).as_str(), tape.held), ("r", 0));
    tape.forget();
    assert!(tape.is_empty());
    assert_eq!(tape.limit(), 30 * SECOND);
}

#[test]
fn what_is_put_in_front_is_bounded_too() {
    let mut tape = filled(ticks(300), 3);
    tape.rewind(Format::Pcm);
    tape.push_front(Entry::Audio(Chunk::again(Ramp(0).ms(100), Format::Pcm)));
    assert_eq!(tape.held, ticks(300));
    assert_eq!(tape.take_lost_ms(), 100);
    tape.push_front(Entry::Commit(commit(1)));
    assert_eq!(kinds(&tape), "caaa");
    let restored = Tape::restored(ticks(150), tape.entries().cloned().collect());
    assert_eq!((restored.held, kinds(&restored).as_str()), (ticks(150), "caa"));
    assert!(restored.sent.is_empty());
}

#[test]
fn what_is_quiet() {
    let tape = filled(30 * SECOND, 1);
    assert!(tape.is_quiet(true), "silence");
    assert!(!tape.is_quiet(false), "uncommitted");
    let mut tape = filled(30 * SECOND, 0);
    assert!(tape.is_quiet(false));
    tape.commit(commit(1));
    assert!(!tape.is_quiet(true));
    let mut tape = filled(30 * SECOND, 0);
    tape.speech_started("i", 0);
    assert!(!tape.is_quiet(true));
}

#[test]
fn a_process_that_takes_over_knows_no_commands() {
    let mut tape = filled(30 * SECOND, 1);
    tape.commit(commit(2));
    tape.request(request(3));
    let entries: Vec<Entry> = tape.entries().cloned().map(Entry::without_command).collect();
    assert!(entries.iter().all(|entry| entry.seq().is_none()));
    assert!(tape.entries().all(|entry| entry.seq().is_some()));
}

proptest! {
    /// Whatever is appended, committed and cut off, in whatever pieces: what comes off as turns and what is left are the
    /// ramp, without a gap and without a repetition.
    #[test]
    fn no_sample_twice_and_none_missing(
        steps in proptest::collection::vec((0u8..6, 1usize..600), 1..80),
    ) {
        let mut tape = Tape::new(30 * SECOND);
        let mut ramp = Ramp(0);
        let mut taken: Vec<u16> = Vec::new();
        let mut seq = 0;
        for (what, size) in steps {
            seq += 1;
            match what {
                0 | 1 => tape.append(Some(seq), &ramp.samples(size), Format::Pcm, true),
                2 => {
                    tape.commit(commit(seq));
                    taken.extend(pieces(&tape.committed("i").0));
                }
                3 => {
                    // The server hears a turn from where the last one ended, up to some point.
                    let end = ms(tape.clock) * (size as u64 % 100) / 100;
                    let before = audio_of(&tape).len();
                    tape.speech_started("i", 0);
                    tape.speech_stopped("i", None, end);
                    let (audio, _) = tape.committed("i");
                    let turn = pieces(&audio);
                    prop_assert_eq!(turn.len() + audio_of(&tape).len(), before);
                    taken.extend(turn);
                }
                4 => tape.rewind(Format::Pcm),
                _ => while tape.replay().is_some() {},
            }
            if what == 4 {
                // The outbox waits for the replay.
                while tape.replay().is_some() {}
            }
            prop_assert!(tape.held <= tape.limit);
            prop_assert_eq!(tape.held, tape.entries().map(Entry::ticks).sum::<u64>());
        }
        taken.extend(audio_of(&tape));
        let expected: Vec<u16> = (0..taken.len()).map(|n| u16::try_from(n % 65536).unwrap()).collect();
        prop_assert_eq!(taken.len() % 65536, usize::from(ramp.0));
        prop_assert_eq!(taken, expected);
    }
}

#[test]
fn marks_without_an_answer_are_bounded_and_leave_the_audio_alone() {
    let mut tape = Tape::new(ticks(30_000));
    let mut ramp = Ramp(0);
    for n in 0..40_000u64 {
        tape.request(Request {
            seq: Some(n),
            event: ResponseCreate::default(),
        });
    }
    assert_eq!(tape.entries().count(), MAX_MARKS);
    tape.append(None, &ramp.ms(20), Format::Pcm, true);
    assert_eq!(audio_of(&tape).len(), 480);
    assert_eq!(tape.take_lost_ms(), 0);
    let first = tape.requests().next().and_then(|request| request.seq);
    assert_eq!(first, Some(40_000 - MAX_MARKS as u64));
}

#[test]
fn the_oldest_turn_without_an_answer_goes_with_its_audio() {
    let mut tape = Tape::new(ticks(30_000));
    let mut ramp = Ramp(0);
    for n in 0..=MAX_MARKS as u64 {
        tape.append(None, &ramp.ms(1), Format::Pcm, true);
        tape.commit(Commit {
            seq: Some(n),
            event_id: None,
        });
    }
    assert_eq!(tape.take_lost_ms(), 1);
    // The answer to the second is that of its own audio.
    let (audio, commit) = tape.committed("u1");
    assert_eq!(commit.and_then(|commit| commit.seq), Some(1));
    assert_eq!(pieces(&audio), (24..48).collect::<Vec<u16>>());
    assert_eq!(audio_of(&tape).len(), 24 * (MAX_MARKS - 1));
}
