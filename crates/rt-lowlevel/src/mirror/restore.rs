//! Telling a new session: the plan, its bounds, and the moment it takes over.

use std::collections::HashSet;

use rt_protocol::session::SessionKind;
use rt_protocol::{Item, Text};

use super::folded::Folded;
use super::heard::Playback;
use super::items::{Body, Entry};
use super::plan::{Known, Plan, Purpose, Step, fingerprint};
use super::render::{Rendered, Renderer, Telling};
use super::report::{DiscardReason, LostItem, LostReason};
use super::{Mirror, bounded_push};

/// The item that stands for those that fell out.
pub(super) const SUMMARY_ID: &str = "rt_summary";
/// The item of [`anchor`](super::RestorePolicy::anchor).
pub(super) const ANCHOR_ID: &str = "rt_anchor";

/// An item the session is to have.
struct Desired {
    item: Item,
    text_only: bool,
    seq: Option<u64>,
}

impl Mirror {
    /// What a session with this knowledge has to be told. No steps: it is up to date.
    pub(crate) fn plan(&mut self, known: &Known, purpose: Purpose) -> Plan {
        let mut plan = Plan::default();
        if !self.policy.enabled {
            return plan;
        }
        if known.items.is_empty() {
            self.fold(1);
        }
        if let Some(request) = self.settings.request()
            && known.settings != Some(fingerprint(&request))
        {
            let event_id = self.event_id();
            plan.steps.push(Step::settings(request, event_id));
        }
        let desired = self.desired(known, purpose, &mut plan);
        if purpose == Purpose::Prepare {
            // Nothing is lost as long as the other session works.
            plan.lost.clear();
            plan.discarded.clear();
        } else {
            plan.lost.splice(..0, self.folded.lost.iter().cloned());
            plan.lost_unlisted = self.folded.unlisted;
            plan.discarded.splice(..0, self.folded.discarded());
        }

        let mut wanted = HashSet::new();
        let mut changed = HashSet::new();
        for desired in &desired {
            let id = desired.item.id().unwrap_or_default();
            wanted.insert(id);
            plan.text_only += usize::from(desired.text_only);
            if known
                .items
                .get(id)
                .is_some_and(|as_what| *as_what != fingerprint(&desired.item))
            {
                changed.insert(id);
            }
        }
        let mut outdated: Vec<&String> = known
            .items
            .keys()
            .filter(|id| {
                let gone = match purpose {
                    Purpose::Restore => !wanted.contains(id.as_str()),
                    Purpose::Prepare => !wanted.contains(id.as_str()) && self.items.position(id).is_none(),
                };
                gone || changed.contains(id.as_str())
            })
            .collect();
        outdated.sort();
        for id in outdated {
            let event_id = self.event_id();
            plan.steps.push(Step::delete(id, event_id));
        }
        let mut before: Option<&str> = None;
        for desired in &desired {
            let id = desired.item.id();
            let told = id.is_some_and(|id| known.items.contains_key(id) && !changed.contains(id));
            if !told {
                let event_id = self.event_id();
                plan.steps
                    .push(Step::create(desired.item.clone(), before, desired.seq, event_id));
            }
            before = id;
        }
        plan
    }

    /// The items the session is to have, in order; what it will not have goes into the plan.
    fn desired(&self, known: &Known, purpose: Purpose, plan: &mut Plan) -> Vec<Desired> {
        if self.kind != SessionKind::Realtime {
            for entry in self.items.entries() {
                plan.discarded
                    .extend(entry.created_by.map(|seq| (seq, DiscardReason::NotRestored)));
                if matches!(&entry.body, Body::Message(given) if !given.settled) {
                    plan.lost.push(LostItem::new(&entry.id, LostReason::NoTranscript));
                }
            }
            return Vec::new();
        }
        let renderer = self.renderer();
        let transcribes = self.settings.derived().transcribes;
        let mut told: Vec<(&Entry, Rendered)> = Vec::new();
        let mut untold: Vec<(&Entry, LostReason)> = Vec::new();
        for entry in self.items.entries() {
            let is_final = entry.created_by.is_none() && renderer.is_final(entry, transcribes);
            if purpose == Purpose::Prepare && !is_final {
                if renderer.tell(entry) == Telling::Withheld {
                    continue;
                }
                break;
            }
            match (known.rejected.get(&entry.id), renderer.tell(entry)) {
                (_, Telling::Withheld) => {}
                (Some(code), _) => untold.push((entry, LostReason::Rejected(code.clone()))),
                (None, Telling::Told(rendered)) => told.push((entry, *rendered)),
                (None, Telling::Lost(reason)) => untold.push((entry, reason)),
            }
        }
        // A call and its output are both told, or neither.
        let of = |told: &[(&Entry, Rendered)], output: bool| -> HashSet<String> {
            told.iter()
                .filter(|(entry, _)| matches!(entry.body, Body::Output(_)) == output)
                .filter_map(|(entry, _)| entry.call_id().map(str::to_owned))
                .collect()
        };
        let (outputs, calls) = (of(&told, true), of(&told, false));
        told.retain(|(entry, _)| {
            let whole = entry
                .call_id()
                .is_none_or(|id| outputs.contains(id) && calls.contains(id));
            if !whole {
                untold.push((entry, LostReason::NoCall));
            }
            whole
        });
        for (entry, reason) in untold {
            let refused = matches!(reason, LostReason::Rejected(_));
            if let Some(seq) = entry.created_by.filter(|_| !refused) {
                plan.discarded.push((seq, DiscardReason::NotRestored));
            }
            plan.lost.push(LostItem::new(&entry.id, reason));
        }
        let system = |id: &str, text: &Text| Desired {
            item: Item::system_text(text.clone()).with_id(id),
            text_only: false,
            seq: None,
        };
        let mut desired = Vec::with_capacity(told.len() + 2);
        if let Some(summary) = &self.summary {
            desired.push(system(SUMMARY_ID, summary));
        }
        desired.extend(told.into_iter().map(|(entry, rendered)| Desired {
            item: rendered.item,
            text_only: rendered.text_only,
            seq: entry.created_by,
        }));
        if let (Purpose::Restore, Some(anchor)) = (purpose, &self.policy.anchor)
            && !desired.is_empty()
        {
            desired.push(system(ANCHOR_ID, anchor));
        }
        desired.retain(|desired| {
            desired
                .item
                .id()
                .is_none_or(|id| !known.rejected.contains_key(id))
        });
        desired
    }

    /// The session that was told all this is the open one from now on.
    pub(crate) fn attach(&mut self, known: &Known) {
        for entry in self.items.entries_mut() {
            entry.on_session = known.items.contains_key(&entry.id);
            entry.retold = entry.on_session;
            if entry.on_session {
                entry.created_by = None;
            }
        }
        // What the session does not know it never will, but for a call that still runs.
        let open: HashSet<String> = self
            .items
            .entries()
            .iter()
            .filter(|entry| entry.on_session || (self.policy.enabled && self.items.is_open_call(entry)))
            .map(|entry| entry.id.clone())
            .collect();
        let gone = &mut self.gone_calls;
        self.items.retain(|entry| {
            let stays = open.contains(&entry.id);
            if !stays && let (Some(_), Some(call_id)) = (entry.call(), entry.call_id()) {
                bounded_push(gone, call_id.to_owned());
            }
            stays
        });
        self.folded = Folded::default();
        if known.settings_done {
            self.settings.attached();
        }
    }

    /// Keeps what is remembered within `times` the bounds of the policy; the oldest falls out.
    pub(super) fn fold(&mut self, times: usize) {
        let (max_items, max_text) = (
            self.policy.max_items.saturating_mul(times),
            self.policy.max_text.saturating_mul(times),
        );
        if self.items.len() <= max_items && self.items.text_len() <= max_text {
            return;
        }
        let renderer = self.renderer();
        let entries = self.items.entries();
        // What is not told takes no room in a restore, but some in memory.
        let untold = entries
            .len()
            .saturating_sub(self.policy.max_items.saturating_mul(2));
        let oldest = entries
            .len()
            .saturating_sub(self.policy.max_items.saturating_mul(4));
        let (mut items, mut text, mut cut) = (0, 0, 0);
        // Down to the bounds themselves, so that it is not done for each new item.
        for (at, entry) in entries.iter().enumerate().rev() {
            if !matches!(renderer.tell(entry), Telling::Told(_)) {
                cut = cut.max(if at < untold { at + 1 } else { 0 });
                continue;
            }
            items += 1;
            text += entry.text_len();
            if items > 1 && (items > self.policy.max_items || text > self.policy.max_text)
                || self.policy.max_items == 0
            {
                cut = cut.max(at + 1);
                break;
            }
        }
        let calls: HashSet<&str> = entries[..cut]
            .iter()
            .filter(|entry| entry.call().is_some())
            .filter_map(Entry::call_id)
            .collect();
        let mut fallen = HashSet::new();
        let mut told = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let orphan =
                matches!(&entry.body, Body::Output(output) if calls.contains(output.call_id.as_str()));
            let runs = at >= oldest && self.items.is_open_call(entry);
            if runs || (at >= cut && !orphan) {
                continue;
            }
            fallen.insert(entry.id.clone());
            if let Telling::Told(rendered) = renderer.tell(entry) {
                told.push(rendered.item);
            }
        }
        if fallen.is_empty() {
            return;
        }
        let summary = match &self.policy.summarizer {
            Some(summarizer) => summarizer.call(self.summary.as_deref(), &told),
            None => None,
        };
        let reason = if summary.is_some() {
            LostReason::Summarized
        } else {
            LostReason::Bounds
        };
        if let Some(summary) = summary {
            self.summary = Some(summary.into());
        }
        let folded = &mut self.folded;
        self.items.retain(|entry| {
            let stays = !fallen.contains(&entry.id);
            if !stays {
                folded.push(entry, &reason);
            }
            stays
        });
    }

    pub(super) fn playback(&self) -> Playback {
        Playback {
            reported: self.playback_reported,
            unreported: self.policy.unreported,
            pace: self.pace,
        }
    }

    pub(super) fn renderer(&self) -> Renderer<'_> {
        Renderer {
            items: &self.items,
            playback: self.playback(),
            format: self.settings.derived().input,
        }
    }
}
