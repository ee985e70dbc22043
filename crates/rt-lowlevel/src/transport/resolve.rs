//! [`Resolver`]: names to addresses, with a deadline, one lookup at a time per name.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{DialError, DialStage};

/// How many names are remembered.
const REMEMBERED: usize = 64;

/// Looks names up in the system's resolver.
///
/// That resolver blocks a thread and cannot be cancelled. So there is one lookup per name at a time, whoever asks,
/// and it outlives those who gave up waiting: a resolver that hangs holds one thread per name, not one per attempt.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    names: Arc<Mutex<HashMap<String, Name>>>,
}

#[derive(Debug, Default)]
struct Name {
    running: Option<watch::Receiver<Option<Answer>>>,
    /// The addresses of the last lookup that worked, for when one does not.
    last_good: Vec<IpAddr>,
}

type Answer = Result<Vec<IpAddr>, (bool, Arc<io::Error>)>;

impl Resolver {
    /// The addresses of `host`.
    pub(super) async fn resolve(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
    ) -> Result<Vec<SocketAddr>, DialError> {
        let with_port = |ips: Vec<IpAddr>| ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(with_port(vec![ip]));
        }
        let mut running = self.lookup(host, port);
        let answer = match tokio::time::timeout(limit, running.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => answer.clone(),
            // The runtime it ran on is gone.
            Ok(Err(_)) => {
                self.forget_running(host);
                None
            }
            Err(_) => None,
        };
        match answer {
            Some(Ok(ips)) if !ips.is_empty() => Ok(with_port(ips)),
            other => {
                let known = self.last_good(host);
                if !known.is_empty() {
                    return Ok(with_port(known));
                }
                Err(match other {
                    Some(Err((true, cause))) => {
                        failed(format!("the host {host} does not exist"), &cause).into_final()
                    }
                    Some(Err((false, cause))) => failed(format!("the host {host} was not resolved"), &cause),
                    Some(Ok(_)) => {
                        DialError::new(DialStage::Dns, format!("the host {host} has no address")).into_final()
                    }
                    None => DialError::new(
                        DialStage::Dns,
                        format!("the host {host} was not resolved within {limit:?}"),
                    ),
                }
                .with_hint("check the host name and the network"))
            }
        }
    }

    /// Joins the lookup that runs, or starts one.
    fn lookup(&self, host: &str, port: u16) -> watch::Receiver<Option<Answer>> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = names.get(host).and_then(|name| name.running.as_ref())
            && running.has_changed().is_ok()
        {
            return running.clone();
        }
        if names.len() >= REMEMBERED {
            names.retain(|_, name| name.running.is_some());
        }
        let (sender, receiver) = watch::channel(None);
        names.entry(host.to_owned()).or_default().running = Some(receiver.clone());
        let host = host.to_owned();
        let names = Arc::clone(&self.names);
        tokio::spawn(async move {
            let answer = match tokio::net::lookup_host((host.as_str(), port)).await {
                Ok(found) => Ok(found.map(|address| address.ip()).collect::<Vec<_>>()),
                Err(cause) => Err((is_not_found(&cause), Arc::new(cause))),
            };
            {
                let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(name) = names.get_mut(&host) {
                    name.running = None;
                    if let Ok(ips) = &answer {
                        name.last_good.clone_from(ips);
                    }
                }
            }
            sender.send_replace(Some(answer));
        });
        receiver
    }

    fn last_good(&self, host: &str) -> Vec<IpAddr> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names
            .get(host)
            .map(|name| name.last_good.clone())
            .unwrap_or_default()
    }

    /// A resolver that knows these names already, and does not ask for them.
    #[cfg(test)]
    pub(super) fn knowing(known: &[(&str, &[&str])]) -> Self {
        let resolver = Self::default();
        for (host, addresses) in known {
            let ips: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            let (sender, receiver) = watch::channel(Some(Ok(ips.clone())));
            // As long as it lives, the answer is that of a lookup which is under way.
            std::mem::forget(sender);
            let name = Name {
                running: Some(receiver),
                last_good: ips,
            };
            resolver.names.lock().unwrap().insert((*host).to_owned(), name);
        }
        resolver
    }

    fn forget_running(&self, host: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = names.get_mut(host) {
            name.running = None;
        }
    }
}

fn failed(message: String, cause: &io::Error) -> DialError {
    DialError::new(DialStage::Dns, message).with_source(io::Error::new(cause.kind(), cause.to_string()))
}

/// The resolver's "no such name" has no `ErrorKind`; only its text tells it from a network that is down.
fn is_not_found(cause: &io::Error) -> bool {
    let text = cause.to_string();
    [
        "Name or service not known",
        "nodename nor servname",
        "No such host",
        "No address associated",
    ]
    .iter()
    .any(|known| text.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_need_no_lookup() {
        let resolver = Resolver::default();
        let found = resolver.resolve("::1", 9, Duration::ZERO).await.unwrap();
        assert_eq!(found, ["[::1]:9".parse().unwrap()]);
        assert!(resolver.names.lock().unwrap().is_empty());
    }

    /// A resolver in which the lookup of `host` hangs until something is sent.
    fn hanging(host: &str, last_good: Vec<IpAddr>) -> (Resolver, watch::Sender<Option<Answer>>) {
        let resolver = Resolver::default();
        let (sender, receiver) = watch::channel(None);
        let name = Name {
            running: Some(receiver),
            last_good,
        };
        resolver.names.lock().unwrap().insert(host.to_owned(), name);
        (resolver, sender)
    }

    #[tokio::test(start_paused = true)]
    async fn f01_a_resolver_that_hangs_costs_five_seconds_and_one_lookup() {
        let (resolver, _sender) = hanging("slow.test", Vec::new());
        let limit = crate::config::Timeouts::default().dns;
        let begin = tokio::time::Instant::now();
        let asked = (0..5).map(|_| resolver.resolve("slow.test", 1, limit));
        for result in futures::future::join_all(asked).await {
            let error = result.unwrap_err();
            assert_eq!((error.stage(), error.is_final), (DialStage::Dns, false));
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        // Nobody started another one: a thread of the system's resolver would be stuck in each.
        let names = resolver.names.lock().unwrap();
        assert_eq!(names.len(), 1);
        assert!(names["slow.test"].running.as_ref().unwrap().has_changed().is_ok());
    }

    #[test]
    fn f02_a_name_that_does_not_exist_is_told_from_a_network_that_is_down() {
        for (text, expected) in [
            (
                "failed to lookup address information: Name or service not known",
                true,
            ),
            (
                "failed to lookup address information: nodename nor servname provided, or not known",
                true,
            ),
            ("No such host is known. (os error 11001)", true),
            (
                "failed to lookup address information: Temporary failure in name resolution",
                false,
            ),
            ("failed to lookup address information: Too many open files", false),
        ] {
            assert_eq!(is_not_found(&io::Error::other(text)), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn f01_a_lookup_that_hangs_is_shared_and_ends_for_each_at_its_deadline() {
        let (resolver, sender) = hanging("slow.test", Vec::new());
        let short = Duration::from_millis(20);
        let error = resolver.resolve("slow.test", 1, short).await.unwrap_err();
        assert_eq!(error.stage(), DialStage::Dns);
        assert!(!error.is_final);

        let waiting = resolver.resolve("slow.test", 1, Duration::from_secs(5));
        let answer: Answer = Ok(vec!["127.0.0.1".parse().unwrap()]);
        let (found, _) = tokio::join!(waiting, async { sender.send_replace(Some(answer)) });
        assert_eq!(found.unwrap(), ["127.0.0.1:1".parse().unwrap()]);
    }

    #[tokio::test]
    async fn the_last_good_addresses_help_out() {
        let (resolver, _sender) = hanging("flaky.test", vec!["127.0.0.1".parse().unwrap()]);
        let found = resolver
            .resolve("flaky.test", 7, Duration::from_millis(5))
            .await
            .unwrap();
        assert_eq!(found, ["127.0.0.1:7".parse().unwrap()]);
    }
}
