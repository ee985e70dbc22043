//! A history that is written faster than the server acknowledges it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;

fn id(n: usize) -> String {
    format!("s{n}")
}

fn ids(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(id).collect()
}

/// The server has item `n`, behind the one before it.
fn ack(bench: &mut Bench, n: usize) -> Reduced {
    let before = n.checked_sub(1).filter(|n| *n > 0).map(id);
    bench.server(added(
        before.as_deref(),
        message(&id(n), "user", "input_text", "x"),
    ))
}

/// Items 1 to `count` are written; nothing is acknowledged.
fn seeded(policy: RestorePolicy, count: usize) -> Bench {
    let mut bench = Bench::with(policy);
    for n in 1..=count {
        bench.send(user_text(&id(n), "x"));
    }
    bench
}

#[test]
fn what_fell_out_stays_out_when_its_acknowledgement_comes_late() {
    let mut bench = seeded(RestorePolicy::default(), 300);
    for n in 1..=50 {
        assert_eq!(ack(&mut bench, n).settled, [(n as u64, Verdict::Acknowledged)]);
        let done =
            json!({"type": "conversation.item.done", "item": message(&id(n), "user", "input_text", "x")});
        assert_eq!(bench.server(done), Reduced::default());
    }
    let told = bench.reconnect();
    assert_eq!(told.ids(), ids(173..=300));
    let lost: Vec<_> = told.plan.lost.iter().map(|lost| lost.id.clone()).collect();
    assert_eq!(lost, ids(1..=172));
    let discarded = Fate::Discarded(DiscardReason::NotRestored);
    let fates: BTreeMap<_, _> = told.lost_session.fates.iter().copied().collect();
    let fallen: BTreeMap<_, _> = (51..=129).map(|n| (n, discarded)).collect();
    let planned: BTreeMap<_, _> = told.plan.discarded.iter().copied().collect();
    let later = (130..=172).map(|n| (n, DiscardReason::NotRestored)).collect();
    assert_eq!((fates, planned), (fallen, later));
    assert_eq!(told.lost_session.pending, (130..=300).collect::<Vec<_>>());
}

#[test]
fn what_is_prepared_early_falls_out_once() {
    let mut bench = seeded(RestorePolicy::default(), 200);
    // A second session is told what fits.
    bench.mirror.plan(&Known::default(), Purpose::Prepare);
    for n in 1..=200 {
        ack(&mut bench, n);
    }
    let told = bench.reconnect();
    assert_eq!(told.ids(), ids(73..=200));
    assert_eq!(told.plan.lost.len(), 72);
    assert!(told.plan.discarded.is_empty() && told.lost_session.fates.is_empty());
}

#[test]
fn what_the_server_refused_or_deleted_did_not_fall_out() {
    let policy = RestorePolicy {
        max_items: 2,
        ..RestorePolicy::default()
    };
    let mut bench = Bench::with(policy);
    let mut events = Vec::new();
    for n in 1..=5 {
        let (seq, event) = bench.prepared(user_text(&id(n), "x"));
        events.push(event.event_id().unwrap().to_owned());
        bench.mirror.write(seq, Intent::of(&event), false);
    }
    // The first three are out.
    assert_eq!(bench.rejects(error(&events[1], "bad_item")), [2]);
    ack(&mut bench, 1);
    bench.send(json!({"type": "conversation.item.delete", "item_id": "s1"}));
    bench.server(json!({"type": "conversation.item.deleted", "item_id": "s1"}));
    assert_eq!(bench.reconnect().lost(), [("s3", LostReason::Bounds)]);
}

#[test]
fn what_was_to_be_deleted_is_not_lost() {
    let policy = RestorePolicy {
        max_items: 2,
        ..RestorePolicy::default()
    };
    let mut bench = seeded(policy, 5);
    let delete = |n| json!({"type": "conversation.item.delete", "item_id": id(n)});
    let deletes = bench.send(delete(1));
    bench.mirror.lost().fates.iter().for_each(|(seq, fate)| {
        let expected = if [1, deletes].contains(seq) {
            Fate::Superseded
        } else {
            Fate::Discarded(DiscardReason::NotRestored)
        };
        assert_eq!(*fate, expected, "{seq}");
    });
    // Another one waited for the next session.
    let (seq, event) = bench.prepared(delete(2));
    assert!(!bench.mirror.absorb(seq, &Intent::of(&event)));
    assert_eq!(bench.restore().lost(), [("s3", LostReason::Bounds)]);
}

#[test]
fn an_item_that_is_made_again_is_not_lost() {
    let policy = RestorePolicy {
        max_items: 2,
        ..RestorePolicy::default()
    };
    let mut bench = seeded(policy, 5);
    let again = bench.send(user_text("s1", "again"));
    let told = bench.reconnect();
    assert_eq!(told.ids(), strings(&["s5", "s1"]));
    let lost: Vec<_> = told.lost().into_iter().map(|(id, _)| id).collect();
    assert_eq!(lost, ["s2", "s3", "s4"]);
    assert!(told.lost_session.pending.contains(&again));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However acknowledgements are spread over a burst: what is told is its end, in order; the rest is reported; and
    /// each command has one fate.
    #[test]
    fn a_burst_is_told_and_reported_exactly(
        max_items in 1usize..12,
        lags in prop::collection::vec((0usize..4, 0u8..12), 1..80),
    ) {
        let policy = RestorePolicy { max_items, ..RestorePolicy::default() };
        let mut bench = Bench::with(policy);
        let mut waiting = VecDeque::new();
        let (mut there, mut refused) = (Vec::<String>::new(), BTreeSet::new());
        let mut fates = BTreeMap::new();
        for (at, (answers, kind)) in lags.iter().enumerate() {
            let (seq, event) = bench.prepared(user_text(&id(at + 1), "x"));
            bench.mirror.write(seq, Intent::of(&event), false);
            fates.insert(seq, None);
            waiting.push_back((event, *kind == 0));
            for _ in 0..*answers {
                let Some((event, is_refused)) = waiting.pop_front() else { break };
                let event_id = event.event_id().unwrap().to_owned();
                let (id, _) = told_item(&event).unwrap();
                let reduced = if is_refused {
                    refused.insert(id);
                    bench.server(error(&event_id, "bad_item"))
                } else {
                    let item = message(&id, "user", "input_text", "x");
                    let reduced = bench.server(added(there.last().map(|id| &**id), item.clone()));
                    bench.server(json!({"type": "conversation.item.done", "item": item}));
                    there.push(id);
                    reduced
                };
                prop_assert_eq!(reduced.settled.len(), 1);
                for (seq, verdict) in reduced.settled {
                    let before = fates.insert(seq, Some(format!("{verdict:?}")));
                    prop_assert_eq!(before.flatten(), None);
                }
            }
        }
        let told = bench.reconnect();
        let all: Vec<String> = (1..=lags.len()).map(id).filter(|id| !refused.contains(id)).collect();
        let ids = told.ids();
        prop_assert!(all.ends_with(&ids), "{:?} of {:?}", ids, all);
        prop_assert!(ids.len() <= max_items);
        prop_assert!(!refused.is_empty() || ids.len() == max_items.min(all.len()), "{:?}", ids);
        let lost: Vec<String> = told.plan.lost.iter().map(|lost| lost.id.clone()).collect();
        prop_assert_eq!(&lost[..], &all[..all.len() - ids.len()]);
        for (seq, fate) in told.lost_session.fates {
            prop_assert_eq!(fate, Fate::Discarded(DiscardReason::NotRestored));
            prop_assert!(fates.insert(seq, Some("fell out".to_owned())).flatten().is_none());
        }
        for (seq, _) in told.plan.discarded {
            prop_assert!(told.lost_session.pending.contains(&seq));
            prop_assert!(fates.insert(seq, Some("fell out".to_owned())).flatten().is_none());
        }
        for step in told.plan.steps {
            if let Some(seq) = step.seq {
                prop_assert!(told.lost_session.pending.contains(&seq));
                prop_assert!(fates.insert(seq, Some("told".to_owned())).flatten().is_none());
            }
        }
        prop_assert!(fates.values().all(Option::is_some), "{:?}", fates);
    }
}
