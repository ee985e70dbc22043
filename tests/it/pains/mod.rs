//! What users of other SDKs complain of, by the numbers of docs/pains.md: one test each, over the whole of a session.

mod account;
mod connection;
mod talk;
mod tools;
mod traces;

use rt_client::Session;

use crate::agent::{builder, next, soon, start};
use crate::support::Server;

/// What a connection sent of this type.
fn received(server: &Server, connection: u64, event_type: &str) -> Vec<serde_json::Value> {
    let received = server.emulator.journal().received(connection);
    let of_type = received
        .into_iter()
        .filter(|message| message.event_type == event_type);
    of_type.map(|message| message.json).collect()
}

/// What the server refused on a connection.
fn refused(server: &Server, connection: u64) -> Vec<String> {
    let sent = server.emulator.journal().sent(connection);
    let errors = sent.iter().filter(|message| message.event_type == "error");
    errors.map(|message| message.json["error"].to_string()).collect()
}

async fn ask(session: &Session, text: &str) -> rt_client::reply::Reply {
    soon(session.send_text(text).await.unwrap().reply())
        .await
        .unwrap()
}

/// The table names every test there is, and no other.
#[test]
fn the_table_is_true() {
    let table = include_str!("../../../docs/pains.md");
    let sources = [
        include_str!("account.rs"),
        include_str!("connection.rs"),
        include_str!("talk.rs"),
        include_str!("tools.rs"),
        include_str!("../../../crates/rt-client/src/engine/tests/pains.rs"),
    ];
    let names = |text: &str, before: &str| {
        let found = text.split(before).skip(1).map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
            format!("pain_{}", &rest[..end.unwrap_or(rest.len())])
        });
        found.collect::<std::collections::BTreeSet<String>>()
    };
    let tests = sources
        .iter()
        .flat_map(|source| names(source, "fn pain_"))
        .collect();
    let told = names(table, "pain_");
    assert_eq!(told, tests);
    for number in 1..=25 {
        let prefix = format!("pain_{number:02}_");
        assert_eq!(
            told.iter().filter(|name| name.starts_with(&prefix)).count(),
            1,
            "{prefix}"
        );
        let row = format!("| {number} |");
        let row = table.lines().find(|line| line.starts_with(&row)).expect("a row");
        assert!(row.contains(&prefix), "{row}");
    }
}
