//! Responses: how they are asked for, planned and stopped.

use bytes::Bytes;
use rt_protocol::item::Role;
use rt_protocol::response::{
    ConversationChoice, ResponseAudio, ResponseAudioOutput, ResponseStatus, StatusReason,
};
use rt_protocol::server_event::ResponseCreated;
use rt_protocol::session::{AudioFormat, MaxOutputTokens, Modality, ToolChoice, ToolChoiceMode, Voice};
use rt_protocol::{Field, Item, Response, ResponseParams, ServerEvent, Tool};

use super::Brain;
use super::conversation::{Entry, given};
use super::failure::Failure;
use super::format::Format;
use super::plan::{Ending, Planner, Steps};
use super::run::Run;
use super::session::check_modalities;
use super::usage::Context;
use crate::script::{Reply, Step};

/// Responses outside the conversation that may run at once.
const MAX_RUNS: usize = 64;

impl Brain {
    /// The response of the conversation that is under way.
    pub(super) fn active_run(&self) -> Option<usize> {
        self.runs.iter().position(|run| run.in_conversation)
    }

    /// `response.create`.
    pub(super) fn create_response(&mut self, params: &ResponseParams) -> Result<(), Failure> {
        check_modalities("response.output_modalities", &params.output_modalities)?;
        let (_, voice) = output_of(params);
        if self.spoke && voice.value().is_some() && *voice != self.session.voice() {
            let message = "Cannot update a conversation's voice if assistant audio is present.";
            return Err(Failure::new("cannot_update_voice", message).param("response.audio.output.voice"));
        }
        let in_conversation = params.conversation.value() != Some(&ConversationChoice::None);
        if let Some(active) = self.active_run().filter(|_| in_conversation) {
            let message = format!(
                "Conversation already has an active response in progress: {}. Wait until the response is finished \
                 before creating a new one.",
                self.runs[active].id
            );
            return Err(Failure::new("conversation_already_has_active_response", message));
        }
        if self.runs.len() >= MAX_RUNS {
            return Err(Failure::new(
                "too_many_responses",
                "Too many responses are in progress.",
            ));
        }
        for (item, n) in params.input.value().into_iter().flatten().zip(0..) {
            if let Item::ItemReference(reference) = item
                && self.conversation.position(&reference.id).is_none()
            {
                let message = "The referenced item does not exist in the conversation.";
                return Err(Failure::new("invalid_value", message).param(format!("response.input[{n}].id")));
            }
        }
        self.start_response(params, in_conversation);
        Ok(())
    }

    /// `response.cancel`.
    pub(super) fn cancel_response(&mut self, response_id: Option<&str>) -> Result<(), Failure> {
        let position = match response_id {
            Some(id) => self.runs.iter().position(|run| run.id == id),
            None => self.active_run(),
        };
        let Some(position) = position else {
            let message = "Cancellation failed: no active response found";
            return Err(Failure::new("response_cancel_not_active", message));
        };
        self.stop_run(position, StatusReason::ClientCancelled);
        Ok(())
    }

    /// Begins a response: `response.created`, the rest follows in time.
    pub(super) fn start_response(&mut self, params: &ResponseParams, in_conversation: bool) {
        self.idle_at = None;
        self.response_wanted = false;
        let (format, voice) = output_of(params);
        let format = if format.value().is_some() {
            Format::of(format)
        } else {
            self.session.output_format()
        };
        let voice = voice.clone().or(self.session.voice());
        let fields = self.session.fields();
        let modalities = params
            .output_modalities
            .clone()
            .or(fields.output_modalities.clone());
        let spoken = modalities
            .value()
            .is_none_or(|list| list.contains(&Modality::Audio))
            .then_some(format);
        let limit = params
            .max_output_tokens
            .clone()
            .or(fields.max_output_tokens.clone());
        let id = self.ids.response();
        let wire = Response {
            object: "realtime.response".into(),
            id: id.clone().into(),
            status: ResponseStatus::InProgress.into(),
            status_details: Field::Null,
            output: Vec::new().into(),
            conversation_id: Field::or_null(in_conversation.then(|| self.conversation_id.clone())),
            output_modalities: modalities,
            max_output_tokens: limit.clone(),
            audio: ResponseAudio {
                output: ResponseAudioOutput {
                    format: format.to_wire().into(),
                    voice,
                }
                .into(),
            }
            .into(),
            usage: Field::Null,
            metadata: params.metadata.clone().or(Field::Null),
        };
        let reply = if in_conversation {
            self.player.reply()
        } else {
            Reply::Parrot
        };
        let context = self.context(params);
        let entries: Vec<&Entry> = context.iter().map(|source| source.entry(self)).collect();
        let instructions = params
            .instructions
            .clone()
            .or(self.session.fields().instructions.clone());
        let tools = params.tools.clone().or(self.session.fields().tools.clone());
        let tools = tools.into_value().unwrap_or_default();
        let tools_json = if tools.is_empty() {
            String::new()
        } else {
            serde_json::to_string(&tools).unwrap_or_default()
        };
        let counted = Context::of(
            instructions.as_deref().unwrap_or_default(),
            &tools_json,
            entries.iter().copied(),
            self.seen_tokens,
        );
        let parrot = Parrot::of(&entries, spoken, params);
        let forced = match reply {
            Reply::Parrot => self.forced_call(params, &tools, &entries),
            _ => None,
        };
        let max_tokens = match limit.value() {
            Some(MaxOutputTokens::Tokens(tokens)) => Some(*tokens),
            _ => None,
        };
        let (steps, call_ids) = self.plan(reply, forced, &parrot, spoken, max_tokens);
        self.emit(ServerEvent::ResponseCreated(
            ResponseCreated {
                response: wire.clone(),
                ..Default::default()
            }
            .into(),
        ));
        self.limit_in_beta();
        self.runs.push(Run {
            id,
            in_conversation,
            wire,
            spoken,
            steps,
            open: None,
            output: Vec::new(),
            context: counted,
            text_out: 0,
            audio_ms: 0,
            audio_since: None,
            call_ids,
        });
    }

    /// The timed steps of a reply, and the ids of the calls in it.
    fn plan(
        &mut self,
        reply: Reply,
        forced: Option<String>,
        parrot: &Parrot,
        spoken: Option<Format>,
        max_tokens: Option<u64>,
    ) -> (Steps, Vec<String>) {
        let pacing = self.settings.pacing;
        let mut planner = Planner::new(&pacing, spoken, max_tokens, self.now);
        let mut call_ids = Vec::new();
        let mut ending = Ending::Completed;
        let steps = match (reply, forced) {
            (_, Some(name)) => vec![Step::call(name, "{}")],
            (Reply::Steps(steps), None) => steps,
            (Reply::Parrot, None) => vec![Step::Parrot],
            (Reply::Quiet, None) => Vec::new(),
        };
        for step in steps {
            match step {
                Step::Say { text, lasting } => planner.say(&text, lasting, None),
                Step::Parrot => planner.say(&parrot.text, None, parrot.audio.clone()),
                Step::Delay(duration) => planner.delay(duration),
                Step::Call {
                    name,
                    arguments,
                    call_id,
                } => {
                    let call_id = call_id.unwrap_or_else(|| self.new_call_id());
                    call_ids.push(call_id.clone());
                    planner.call(name, &arguments, call_id);
                }
                Step::Fail(failure) => {
                    ending = Ending::Failed(failure);
                    break;
                }
            }
        }
        (planner.finish(ending), call_ids)
    }

    /// What a response is given to answer: the items of its `input`, or the conversation.
    fn context(&self, params: &ResponseParams) -> Vec<Source> {
        match params.input.value() {
            None => (0..self.conversation.entries().len())
                .map(Source::Position)
                .collect(),
            Some(items) => items
                .iter()
                .filter_map(|item| match item {
                    Item::ItemReference(reference) => {
                        self.conversation.position(&reference.id).map(Source::Position)
                    }
                    item => {
                        let format = self.session.input_format();
                        let mut entry = given(item.clone(), String::new(), format);
                        if !entry.audio.is_empty() && entry.text().is_empty() {
                            entry.heard = Some("Speech.".to_owned());
                        }
                        Some(Source::Own(entry.into()))
                    }
                })
                .collect(),
        }
    }

    /// The function that has to be called, if the tool choice demands one and the last item is not its output.
    fn forced_call(&self, params: &ResponseParams, tools: &[Tool], entries: &[&Entry]) -> Option<String> {
        let first = tools.iter().find_map(|tool| match tool {
            Tool::Function(function) => function.name.as_deref(),
            _ => None,
        });
        if matches!(
            entries.last().map(|entry| &entry.item),
            Some(Item::FunctionCallOutput(_))
        ) {
            return None;
        }
        match params
            .tool_choice
            .clone()
            .or(self.session.fields().tool_choice.clone())
            .into_value()?
        {
            ToolChoice::Mode(ToolChoiceMode::Required) => first.map(str::to_owned),
            ToolChoice::Tool(tool) if tool.kind.as_deref() == Some("function") => tool.name.into_value(),
            _ => None,
        }
    }
}

/// Where an item of the context is.
enum Source {
    /// In the conversation.
    Position(usize),
    /// In the request.
    Own(Box<Entry>),
}

impl Source {
    /// The item.
    fn entry<'a>(&'a self, brain: &'a Brain) -> &'a Entry {
        match self {
            Self::Position(position) => &brain.conversation.entries()[*position],
            Self::Own(entry) => entry,
        }
    }
}

/// What a parrot says.
struct Parrot {
    /// In words.
    text: String,
    /// In sound, if the user spoke and the answer is spoken.
    audio: Option<Bytes>,
}

impl Parrot {
    /// The last thing the user said or a function returned; else the instructions; else a greeting.
    fn of(entries: &[&Entry], spoken: Option<Format>, params: &ResponseParams) -> Self {
        let last = entries.iter().rev().find(|entry| {
            entry.role() == Some(&Role::User) || matches!(entry.item, Item::FunctionCallOutput(_))
        });
        let Some(entry) = last else {
            let text = params
                .instructions
                .as_deref()
                .filter(|text| !text.is_empty())
                .unwrap_or("Hello.");
            return Self {
                text: text.to_owned(),
                audio: None,
            };
        };
        let audio = spoken.filter(|_| !entry.audio.is_empty());
        let audio = audio.map(|format| {
            entry
                .format
                .convert(&Bytes::copy_from_slice(&entry.audio), format)
        });
        Self {
            text: entry.text(),
            audio,
        }
    }
}

/// `audio.output.format` and `audio.output.voice` of a request.
fn output_of(params: &ResponseParams) -> (&Field<AudioFormat>, &Field<Voice>) {
    match params.audio.value().and_then(|audio| audio.output.value()) {
        Some(output) => (&output.format, &output.voice),
        None => (&Field::Absent, &Field::Absent),
    }
}
