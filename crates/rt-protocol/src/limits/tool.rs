//! Tools.

use crate::limits::{Check, LimitError, Path, name, present};
use crate::session::{AllowedTools, McpTool, Tool, ToolChoice};

impl Tool {
    /// Checks the tool against the [limits](crate::limits) of the service.
    ///
    /// # Errors
    /// [`LimitError`] for the first field beyond its limit; its path starts with `tool`.
    pub fn check(&self) -> Result<(), LimitError> {
        Path::Root.key("tool").check(self)
    }
}

impl Check for Tool {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        match self {
            Self::Function(tool) => name(&at.key("name"), tool.name.as_deref()),
            Self::Mcp(tool) => tool.check_at(at),
            Self::Unknown(_) => Ok(()),
        }
    }
}

impl Check for McpTool {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        present(
            &at.key("server_label"),
            Some(&self.server_label),
            "a label to call the server by",
        )?;
        let (url, connector, tunnel) = (&self.server_url, &self.connector_id, &self.tunnel_id);
        if url.value().is_none() && connector.value().is_none() && tunnel.value().is_none() {
            at.refuse(
                "without a server",
                "one of server_url, connector_id and tunnel_id",
            )?;
        }
        name(&at.key("server_url"), self.server_url.as_deref())?;
        name(&at.key("connector_id"), self.connector_id.as_deref())?;
        if let Some(id) = self.tunnel_id.as_deref()
            && !is_tunnel(id)
        {
            at.key("tunnel_id").refuse(
                format_args!("not a tunnel id ({} characters)", id.chars().count()),
                "tunnel_ and 32 characters of a-z and 0-9",
            )?;
        }
        if let Some(AllowedTools::Names(names)) = self.allowed_tools.value() {
            let at = at.key("allowed_tools");
            for (n, tool) in names.iter().enumerate() {
                name(&at.index(n), Some(tool))?;
            }
        }
        if self.allowed_callers.value().is_some_and(Vec::is_empty) {
            at.key("allowed_callers").refuse("empty", "at least one caller")?;
        }
        Ok(())
    }
}

/// `^tunnel_[a-z0-9]{32}$`
fn is_tunnel(id: &str) -> bool {
    id.strip_prefix("tunnel_").is_some_and(|id| {
        id.len() == 32
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

impl Check for ToolChoice {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        match self {
            Self::Mode(mode) => name(at, Some(mode.as_str())),
            Self::Tool(tool) => match tool.kind.as_deref() {
                Some("function") => present(&at.key("name"), tool.name.as_deref(), "the name of a function"),
                Some("mcp") => present(
                    &at.key("server_label"),
                    tool.server_label.as_deref(),
                    "the label of a server",
                ),
                _ => Ok(()),
            },
        }
    }
}
