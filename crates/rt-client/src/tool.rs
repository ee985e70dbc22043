//! Functions the model may call: an async function with typed arguments becomes a tool.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rt_protocol::Text;
use rt_protocol::session::FunctionTool;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::Policy;

/// How long a function may run unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The model calls a function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolCall {
    /// What the answer refers to.
    pub call_id: String,
    /// The function.
    pub name: String,
    /// The arguments, as JSON text. `Debug` does not show them.
    pub arguments: Text,
    /// The response that calls it.
    pub response_id: String,
}

/// The service asks whether it may call a tool of a remote MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpApproval {
    /// What the answer refers to.
    pub request_id: String,
    /// The server, by its label.
    pub server: String,
    /// The tool.
    pub name: String,
    /// The arguments, as JSON text. `Debug` does not show them.
    pub arguments: Text,
    /// The response that wants to call it.
    pub response_id: String,
}

type Running = Pin<Box<dyn Future<Output = Result<Text, String>> + Send>>;
type Run = Arc<dyn Fn(Text) -> Running + Send + Sync>;

/// A function the session runs when the model calls it.
///
/// Its name and description tell the model when to use it. Its arguments are any type that can be deserialized and has a
/// schema; its result is anything that can be serialized. An `Err` is told to the model, and to `on_error`.
///
/// ```
/// use rt_client::tool::Function;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Order {
///     /// The kind of flower.
///     flower: String,
///     count: u32,
/// }
///
/// let price = Function::new("price", |order: Order| async move {
///     match order.flower.as_str() {
///         "rose" => Ok(3 * order.count),
///         other => Err(format!("there are no {other}s today")),
///     }
/// })
/// .description("The price of flowers in euros.");
/// ```
#[derive(Clone)]
pub struct Function {
    tool: FunctionTool,
    policy: Policy,
    run: Run,
}

impl Function {
    /// A function by the name the model calls it by: 1 to 64 letters, digits, `_` and `-`.
    ///
    /// Calls of the same response run at the same time.
    #[must_use]
    pub fn new<A, F, Fut, T, E>(name: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: fmt::Display,
    {
        let run = move |text: Text| -> Running {
            match arguments::<A>(&text) {
                Ok(arguments) => {
                    let running = function(arguments);
                    Box::pin(async move { answer(running.await) })
                }
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        };
        Self::of::<A>(name.into(), Arc::new(run))
    }

    /// A function that is not async. It may block: it runs on a thread of the runtime's pool for blocking work
    /// ([`tokio::task::spawn_blocking`]), beside other calls of the same response.
    ///
    /// It cannot be stopped: one that takes longer than its [`timeout`](Self::timeout), or whose call was taken back, goes on, and
    /// its result is thrown away. A runtime that ends waits for it.
    #[must_use]
    pub fn sync<A, F, T, E>(name: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        F: Fn(A) -> Result<T, E> + Send + Sync + 'static,
        T: Serialize + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let function = Arc::new(function);
        let run = move |text: Text| -> Running {
            let function = Arc::clone(&function);
            let work = move || answer(function(arguments::<A>(&text)?));
            Box::pin(async move {
                match tokio::task::spawn_blocking(work).await {
                    Ok(answer) => answer,
                    Err(error) => match error.try_into_panic() {
                        // Told as the panic of any function.
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(_) => Err("the program ends".to_owned()),
                    },
                }
            })
        };
        Self::of::<A>(name.into(), Arc::new(run))
    }

    fn of<A: JsonSchema>(name: String, run: Run) -> Self {
        let mut settings = SchemaSettings::draft07();
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        let mut schema = settings.into_generator().into_root_schema_for::<A>();
        // The name of a Rust type says nothing to a model.
        schema.remove("title");
        Self {
            tool: FunctionTool::new(name).parameters(schema.into()),
            policy: Policy {
                timeout: TIMEOUT,
                interim: None,
                approval: false,
            },
            run,
        }
    }

    /// What it does and when to use it, for the model.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.tool = self.tool.description(description);
        self
    }

    /// How long it may run; 60 s unless set. After that it is stopped, and the model is told.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.policy.timeout = timeout;
        self
    }

    /// Answers at once with this text, and tells the model the result when it is there, so that the conversation goes on
    /// meanwhile.
    #[must_use]
    pub fn background(mut self, interim: impl Into<Text>) -> Self {
        self.policy.interim = Some(interim.into());
        self
    }

    /// Waits with each call until the application approves it: see
    /// [`Event::ApprovalWanted`](crate::Event::ApprovalWanted).
    #[must_use]
    pub fn needs_approval(mut self) -> Self {
        self.policy.approval = true;
        self
    }

    pub(crate) fn name(&self) -> &str {
        self.tool.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn tool(&self) -> &FunctionTool {
        &self.tool
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Runs it.
    pub(crate) fn run(&self, arguments: Text) -> Running {
        (self.run)(arguments)
    }
}

/// The arguments of a call.
fn arguments<A: DeserializeOwned>(text: &str) -> Result<A, String> {
    // Functions without arguments are called with an empty text by some models.
    let text = if text.trim().is_empty() { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| format!("the arguments are not as the schema says: {error}"))
}

/// What a function returned, as the model is told it.
fn answer<T: Serialize, E: fmt::Display>(result: Result<T, E>) -> Result<Text, String> {
    let result = result.map_err(|error| error.to_string())?;
    let json = serde_json::to_string(&result);
    json.map(Text::from)
        .map_err(|error| format!("its result cannot be written as JSON: {error}"))
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, JsonSchema)]
    #[allow(dead_code)]
    struct Order {
        /// The kind of flower.
        flower: String,
        colour: Option<Colour>,
    }

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    #[allow(dead_code)]
    enum Colour {
        Red,
        White,
    }

    #[test]
    fn a_type_becomes_a_schema() {
        let function = Function::sync("price", |_: Order| Ok::<_, String>(3));
        let schema = function.tool().parameters.value().unwrap();
        assert_eq!(schema["type"], "object");
        assert_eq!(
            schema["properties"]["flower"]["description"],
            "The kind of flower."
        );
        assert_eq!(schema["required"], serde_json::json!(["flower"]));
        let text = schema.to_string();
        assert!(
            text.contains("red") && !text.contains("$ref") && !text.contains("$schema"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn results_and_errors_are_text() {
        let function = Function::new("price", |order: Order| async move {
            if order.flower == "rose" {
                Ok(serde_json::json!({"euros": 3}))
            } else {
                Err("no such flower")
            }
        });
        let run = |arguments: &str| function.run(arguments.into());
        assert_eq!(run(r#"{"flower":"rose"}"#).await.unwrap(), r#"{"euros":3}"#);
        assert_eq!(run(r#"{"flower":"oak"}"#).await.unwrap_err(), "no such flower");
        assert!(run("{}").await.unwrap_err().contains("missing field `flower`"));
    }
}
