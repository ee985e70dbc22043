//! The conversation as the application reads and changes it, and calls it answers itself.

use rt_protocol::{Item, Text};
use tokio::sync::oneshot;

use super::Session;
use crate::driver::Request;
use crate::engine::{Acked, Command, Ticket};
use crate::error::Error;
use crate::history::HistoryItem;

impl Session {
    /// Answers a call that came as [`Event::ToolCall`](crate::Event::ToolCall). When all calls of its response are
    /// answered, the model goes on.
    ///
    /// # Errors
    /// `Closed` if the session is closed. A call that waits for no answer is an error event.
    pub async fn answer_tool(
        &self,
        call_id: impl Into<String>,
        output: impl Into<Text>,
    ) -> Result<(), Error> {
        self.command(Command::Answer {
            call_id: call_id.into(),
            output: output.into(),
        })
        .await
    }

    /// Approves a call that came as [`Event::ApprovalWanted`](crate::Event::ApprovalWanted), or not.
    ///
    /// # Errors
    /// `Closed` if the session is closed. A call that waits for no approval is an error event.
    pub async fn approve_tool(&self, call_id: impl Into<String>, approve: bool) -> Result<(), Error> {
        self.command(Command::Approve {
            call_id: call_id.into(),
            approve,
        })
        .await
    }

    /// Approves a call of a remote MCP tool that came as [`Event::McpApprovalWanted`](crate::Event::McpApprovalWanted), or
    /// not, by the id of the request. When the service has called the tool, the model goes on.
    ///
    /// # Errors
    /// `Closed` if the session is closed. A request that waits for no approval, or is one of a connection that was lost, is
    /// an error event.
    pub async fn approve_mcp(&self, request_id: impl Into<String>, approve: bool) -> Result<(), Error> {
        self.command(Command::ApproveMcp {
            request_id: request_id.into(),
            approve,
        })
        .await
    }

    /// The conversation as far as it is known, in order: at most the latest 4096 items.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn history(&self) -> Result<Vec<HistoryItem>, Error> {
        let (answer, history) = oneshot::channel();
        self.ask(Request::History(answer)).await?;
        history.await.map_err(|_| Error::closed())
    }

    /// Adds an item without asking for an answer, after the item of that id, or at the end; `"root"` is the start.
    /// Resolves to its id when the server has it.
    ///
    /// # Errors
    /// `Refused`, `Connection` if the connection is lost before the answer, `Timeout` after 10 s, `Closed`.
    ///
    /// # Cancel safety
    /// Once polled, the item is added even if the future is dropped.
    pub async fn insert_item(&self, item: impl Into<Item>, after: Option<&str>) -> Result<String, Error> {
        let (item, after) = (Box::new(item.into()), after.map(str::to_owned));
        match self.edit(|ack| Command::Insert { ack, item, after }).await? {
            Acked::Item(id) => Ok(id),
            Acked::Whole(_) => Err(Error::closed()),
        }
    }

    /// Deletes an item.
    ///
    /// # Errors
    /// As [`insert_item`](Self::insert_item).
    ///
    /// # Cancel safety
    /// Once polled, the item is deleted even if the future is dropped.
    pub async fn delete_item(&self, item_id: impl Into<String>) -> Result<(), Error> {
        let item_id = item_id.into();
        self.edit(|ack| Command::Delete { ack, item_id }).await.map(drop)
    }

    /// Asks for an item as the server has it, audio included.
    ///
    /// # Errors
    /// As [`insert_item`](Self::insert_item).
    pub async fn retrieve_item(&self, item_id: impl Into<String>) -> Result<Item, Error> {
        let item_id = item_id.into();
        match self.edit(|ack| Command::Retrieve { ack, item_id }).await? {
            Acked::Whole(item) => Ok(*item),
            Acked::Item(_) => Err(Error::closed()),
        }
    }

    pub(super) async fn edit(&self, command: impl FnOnce(Ticket) -> Command) -> Result<Acked, Error> {
        let ack = self.ticket();
        let (answer, acked) = oneshot::channel();
        self.ask(Request::Command {
            command: command(ack),
            reply: None,
            ack: Some((ack, answer)),
        })
        .await?;
        acked.await.unwrap_or_else(|_| Err(Error::closed()))
    }
}
