//! Items, as the client creates, retrieves, deletes and cuts them.

use rt_protocol::client_event::{ConversationItemCreate, ConversationItemTruncate};
use rt_protocol::item::Role;
use rt_protocol::server_event::{
    ConversationItemAdded, ConversationItemDeleted, ConversationItemDone, ConversationItemRetrieved,
    ConversationItemTruncated,
};
use rt_protocol::{ContentPart, Item, ServerEvent};

use super::Brain;
use super::conversation::{Entry, duplicate, given, not_found};
use super::failure::Failure;

impl Brain {
    /// Whether an item has to wait for the end of a response: the output of a call that response made.
    pub(super) fn must_wait(&self, item: &Item) -> bool {
        let Item::FunctionCallOutput(output) = item else {
            return false;
        };
        self.runs
            .iter()
            .any(|run| run.in_conversation && run.call_ids.contains(&output.call_id))
    }

    /// `conversation.item.create`.
    pub(super) fn create_item(&mut self, create: ConversationItemCreate) -> Result<(), Failure> {
        let id = match create.item.id() {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => self.new_item_id(),
        };
        if self.settings.refused_items.contains(&id) {
            let message = "Error adding item: the emulator was told to refuse it.";
            return Err(Failure::new("invalid_value", message).param("item"));
        }
        // The turn under way has its id already.
        if self.turn.as_ref().is_some_and(|(turn, _)| *turn == id) {
            return Err(duplicate(&id));
        }
        let mut item = create.item;
        refuse_assistant_audio(&item)?;
        if let Item::FunctionCall(call) = &mut item
            && call.call_id.value().is_none()
        {
            call.call_id = self.new_call_id().into();
        }
        let mut entry = given(item, id.clone(), self.session.input_format());
        if !entry.audio.is_empty() && entry.text().is_empty() {
            entry.heard = Some(self.hear(entry.format.ms(entry.audio.len())));
        }
        self.conversation
            .insert(entry, create.previous_item_id.as_deref())?;
        self.show_item(&id);
        Ok(())
    }

    /// An item is in the conversation: `added` and `done`.
    pub(super) fn show_item(&mut self, id: &str) {
        let Some(item) = self.conversation.get(id).map(|entry| entry.item.clone()) else {
            return;
        };
        let previous_item_id = self.conversation.before(id);
        let added = ConversationItemAdded {
            previous_item_id: previous_item_id.clone(),
            item: item.clone(),
            ..Default::default()
        };
        self.emit(ServerEvent::ConversationItemAdded(added.into()));
        let done = ConversationItemDone {
            previous_item_id,
            item,
            ..Default::default()
        };
        self.emit(ServerEvent::ConversationItemDone(done.into()));
    }

    /// `conversation.item.delete`.
    pub(super) fn delete_item(&mut self, item_id: String) -> Result<(), Failure> {
        self.conversation.remove(&item_id)?;
        self.hearings.retain(|hearing| hearing.item_id != item_id);
        let deleted = ConversationItemDeleted {
            item_id,
            ..Default::default()
        };
        self.emit(ServerEvent::ConversationItemDeleted(deleted));
        Ok(())
    }

    /// `conversation.item.retrieve`.
    pub(super) fn retrieve_item(&mut self, item_id: &str) -> Result<(), Failure> {
        let item = self.conversation.get(item_id).map(Entry::with_audio);
        let Some(item) = item else {
            return Err(not_found("retrieve", "retrieving", item_id));
        };
        let retrieved = ConversationItemRetrieved {
            item,
            ..Default::default()
        };
        self.emit(ServerEvent::ConversationItemRetrieved(retrieved.into()));
        Ok(())
    }

    /// `conversation.item.truncate`.
    pub(super) fn truncate_item(&mut self, truncate: ConversationItemTruncate) -> Result<(), Failure> {
        let ConversationItemTruncate {
            item_id,
            content_index,
            audio_end_ms,
            ..
        } = truncate;
        self.conversation
            .truncate(&item_id, content_index, audio_end_ms)?;
        let truncated = ConversationItemTruncated {
            item_id,
            content_index,
            audio_end_ms,
            ..Default::default()
        };
        self.emit(ServerEvent::ConversationItemTruncated(truncated));
        Ok(())
    }

    /// Creates the items that waited for the end of a response.
    pub(super) fn create_deferred(&mut self) {
        for (event, event_id) in std::mem::take(&mut self.deferred) {
            if let Err(failure) = self.obey(event, &event_id) {
                self.fail(failure, event_id);
            }
        }
    }
}

/// The assistant's audio is the server's own: clients can give it text only.
fn refuse_assistant_audio(item: &Item) -> Result<(), Failure> {
    let Item::Message(message) = item else {
        return Ok(());
    };
    let with_audio = |part: &ContentPart| part.audio.value().is_some_and(|audio| !audio.is_empty());
    match message.content.iter().position(with_audio) {
        Some(index) if message.role == Role::Assistant => {
            let message =
                "Assistant audio cannot be added to a conversation: send its text as 'output_text'.";
            let param = format!("item.content[{index}].audio");
            Err(Failure::new("invalid_value", message).param(param))
        }
        _ => Ok(()),
    }
}
