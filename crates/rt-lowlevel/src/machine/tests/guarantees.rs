//! What the connection guarantees, each in many simulated worlds.
//!
//! `RT_SIM_SEEDS` sets how many seeds there are in all (2000). A failure prints its seed; `RT_SIM_SEED` runs that one only.

use std::time::Duration;

use super::sim::{Plan, TRUNCATED_TEXT, World};
use super::*;
use crate::event::RestoreCause;

const GUARANTEES: u64 = 11;

/// The seeds of one guarantee, from 1 to 11.
fn seeds(guarantee: u64) -> Vec<u64> {
    let read = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    if let Some(seed) = read("RT_SIM_SEED") {
        return vec![seed];
    }
    let count = read("RT_SIM_SEEDS").unwrap_or(2000).div_ceil(GUARANTEES);
    (0..count).map(|index| guarantee * 1_000_000 + index).collect()
}

fn in_worlds(guarantee: u64, plan: &Plan, change: fn(&mut Config), check: impl Fn(World)) {
    for seed in seeds(guarantee) {
        let world = World::new(seed, plan.clone(), change);
        let run = std::panic::AssertUnwindSafe(|| check(world));
        if let Err(cause) = std::panic::catch_unwind(run) {
            eprintln!("failed with RT_SIM_SEED={seed}");
            std::panic::resume_unwind(cause);
        }
    }
}

#[test]
fn g1_every_command_ends_in_exactly_one_state() {
    let plan = Plan {
        calls: true,
        deeds: 0.4,
        ..Plan::default()
    };
    in_worlds(
        1,
        &plan,
        |_| {},
        |mut world| {
            world.run();
            world.check_ledger();
            world.close();
            world.check_ledger();
        },
    );
}

#[test]
fn g2_a_new_session_is_told_settings_then_items_in_order_then_the_rest() {
    let plan = Plan {
        deeds: 0.3,
        refusals: 0.05,
        ..Plan::default()
    };
    in_worlds(
        2,
        &plan,
        |_| {},
        |mut world| {
            world.run();
            world.check_order_of_restore();
        },
    );
}

#[test]
fn g3_restored_text_was_heard() {
    let plan = Plan {
        playback: true,
        cuts: Some((300, 4000)),
        ..Plan::default()
    };
    in_worlds(
        3,
        &plan,
        |_| {},
        |mut world| {
            // Looked at with every report.
            world.run();
            world.check_items();
        },
    );
}

#[test]
fn g4_calls_and_their_outputs_stay_together() {
    let plan = Plan {
        calls: true,
        deeds: 0.2,
        cuts: Some((300, 5000)),
        ..Plan::default()
    };
    in_worlds(
        4,
        &plan,
        |_| {},
        |mut world| {
            world.run();
            world.check_calls();
        },
    );
}

#[test]
fn g5_responses_end_once() {
    let plan = Plan {
        deeds: 0.3,
        cuts: Some((200, 4000)),
        ..Plan::default()
    };
    in_worlds(
        5,
        &plan,
        |_| {},
        |mut world| {
            world.run();
            world.close();
            world.check_responses();
        },
    );
}

#[test]
fn g6_speech_arrives_whole_once_and_in_order() {
    let plan = Plan {
        cuts: Some((200, 5000)),
        deeds: 0.0,
        ..Plan::default()
    };
    in_worlds(
        6,
        &plan,
        |_| {},
        |mut world| {
            world.run();
            world.check_speech();
            world.check_items();
            assert!(world.said() > 0);
        },
    );
}

#[test]
fn g7_a_rollover_leaves_no_hole() {
    let plan = Plan {
        cuts: None,
        holes: 0.0,
        session_length: Some(25),
        seconds: 70,
        deeds: 0.05,
        ..Plan::default()
    };
    let change = |config: &mut Config| {
        config.rollover.margin = Duration::from_secs(12);
        config.rollover.deadline = Duration::from_secs(3);
    };
    in_worlds(7, &plan, change, |mut world| {
        world.run();
        let seed = world.seed;
        assert!(world.reports().count() >= 2, "seed {seed}");
        for event in &world.told {
            assert!(
                !matches!(event, ConnectionEvent::Retrying(_)),
                "seed {seed}: {event:?}"
            );
        }
        let is_ours = |cause: &RestoreCause| matches!(cause, RestoreCause::Rollover);
        assert!(
            world.reports().all(|report| is_ours(&report.cause)),
            "seed {seed}"
        );
        world.check_speech();
        world.check_items();
        if world.reports().all(|report| report.replayed.is_zero()) {
            assert!(world.speech_is_nowhere_twice(), "seed {seed}");
        }
        world.close();
        world.check_ledger();
        world.check_responses();
    });
}

#[test]
fn g8_fatal_causes_stop_at_once_and_the_rest_is_bounded() {
    let closes = [
        (1011, "", true),
        (1012, "", true),
        (1008, "policy", false),
        (3000, "invalid_request_error.invalid_api_key", false),
        (1001, "", true),
        (1007, "", false),
    ];
    for seed in seeds(8) {
        let (code, reason, is_retried) = closes[usize::try_from(seed).unwrap() % closes.len()];
        let plan = Plan {
            close: Some((code, reason)),
            holes: 0.0,
            seconds: 60,
            cuts: Some((400, 12_000)),
            failing_dials: 0.4,
            ..Plan::default()
        };
        let mut world = World::new(seed, plan, |config| {
            let ours = crate::config::RetryPolicy::default();
            config.retry = ours;
        });
        world.run();
        let dials = &world.dials;
        for (place, dial) in dials.iter().enumerate() {
            let within = dials[place..]
                .iter()
                .take_while(|later| **later - *dial < Duration::from_secs(60));
            assert!(
                within.count() <= 6,
                "seed {seed}: more than 6 connects in a minute"
            );
        }
        let ended = world.machine.terminal().cloned();
        if !is_retried && world.cuts > 0 {
            let opened = world
                .told
                .iter()
                .filter(|event| matches!(event, ConnectionEvent::Opened(_)));
            assert_eq!(opened.count(), 1, "seed {seed}: a fatal close is final");
            let error = ended
                .and_then(|closed| closed.error)
                .unwrap_or_else(|| panic!("seed {seed}: no cause: {:?}", world.told.last()));
            assert_eq!(error.close_code(), Some(code), "seed {seed}");
        }
        let last = world
            .told
            .iter()
            .filter(|event| matches!(event, ConnectionEvent::Closed(_)))
            .count();
        assert!(last <= 1, "seed {seed}");
    }
}

#[test]
fn g9_the_report_is_what_the_service_saw() {
    let plan = Plan {
        calls: true,
        deeds: 0.3,
        refusals: 0.1,
        cuts: Some((300, 6000)),
        ..Plan::default()
    };
    in_worlds(
        9,
        &plan,
        |_| {},
        |mut world| {
            // Looked at with every report.
            world.run();
            assert!(
                world.sessions() == 1 || world.reports().count() > 0,
                "seed {}",
                world.seed
            );
        },
    );
}

#[test]
fn g10_what_was_restored_as_text_is_not_truncated() {
    let plan = Plan {
        deeds: 0.6,
        cuts: Some((500, 5000)),
        ..Plan::default()
    };
    in_worlds(
        10,
        &plan,
        |_| {},
        |mut world| {
            world.run();
            for event in &world.told {
                if let ConnectionEvent::Server(rt_protocol::ServerEvent::Error(error)) = event {
                    let code = error.error.code.as_deref().unwrap_or_default();
                    assert_ne!(code, TRUNCATED_TEXT, "seed {}", world.seed);
                }
            }
        },
    );
}

#[test]
fn g11_everything_is_bounded() {
    let plan = Plan {
        deeds: 0.9,
        failing_dials: 0.8,
        cuts: Some((200, 3000)),
        ..Plan::default()
    };
    let change = |config: &mut Config| {
        config.limits.audio = crate::config::AudioPolicy::Live(Duration::from_millis(300));
        config.limits.control_messages = 8;
        config.restore.max_items = 6;
    };
    in_worlds(11, &plan, change, |mut world| {
        // Looked at after every input.
        world.run();
        world.close();
        world.check_ledger();
    });
}

#[test]
fn a_call_of_three_hours_with_drops_and_a_cap_loses_nothing() {
    let plan = Plan {
        seconds: 3 * 3600,
        session_length: Some(15 * 60),
        cuts: Some((7 * 60_000, 7 * 60_000)),
        holes: 0.1,
        deeds: 0.0,
        ..Plan::default()
    };
    let mut world = World::new(42, plan, |_| {});
    world.run();
    world.check_speech();
    world.check_items();
    world.check_responses();
    world.close();
    world.check_ledger();
    assert!(world.reports().count() >= 25, "{}", world.reports().count());
    let lost: usize = world
        .reports()
        .map(|report| report.lost_audio.as_nanos() as usize)
        .sum();
    assert_eq!(lost, 0);
}
