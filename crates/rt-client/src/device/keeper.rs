//! The thread of a device: opens it, works, and opens it again when it was lost.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::host::device_error;
use super::recovery::{PATIENCE, Recovery, reopened};
use crate::error::Error;

/// What the thread of a device is told.
pub(super) enum Message<C> {
    Command(C),
    /// The stream of this number ended.
    Lost(u32),
    Stop,
}

/// Told by a stream that it ended.
pub(super) struct Lost<C> {
    thread: Sender<Message<C>>,
    number: u32,
}

impl<C> Lost<C> {
    pub(super) fn tell(&self) {
        // Without a thread nobody asks.
        drop(self.thread.send(Message::Lost(self.number)));
    }
}

/// What the thread of a device does.
pub(super) trait Work: Send + 'static {
    /// An open device. A stream stays on the thread that opened it: not every system lets it go elsewhere.
    type Stream;
    type Command: Send + 'static;
    /// What the device is called in messages.
    const DEVICE: &'static str;

    fn open(&mut self, name: Option<&str>, lost: Lost<Self::Command>) -> Result<Self::Stream, Error>;

    /// How long it may sleep while nothing is to be opened.
    fn pause(&self, is_open: bool) -> Duration;

    fn obey(&mut self, command: Self::Command);

    /// The stream ended. Whether samples went through it.
    fn lost(&mut self, stream: Self::Stream) -> bool;

    /// Moves samples. Whether some went through the stream.
    fn work(&mut self, stream: Option<&mut Self::Stream>) -> bool;

    /// There is no device any more, after an attempt to open one if there is an error.
    fn gave_up(&mut self, error: Option<Error>);
}

/// Starts the thread, and waits until the device is open.
///
/// # Errors
/// `Device` if there is none, or it cannot be used.
pub(super) fn start<W: Work>(work: W, name: Option<String>) -> Result<Sender<Message<W::Command>>, Error> {
    let (sender, receiver) = mpsc::channel();
    let (opened, open) = mpsc::channel();
    let thread = sender.clone();
    let run = move || {
        let keeper = Keeper {
            work,
            name,
            thread,
            streams: 0,
            stream: None,
            recovery: Recovery::default(),
        };
        keeper.run(&receiver, &opened);
    };
    std::thread::Builder::new()
        .name(format!("rt-{}", W::DEVICE))
        .spawn(run)
        .map_err(|error| device_error(format!("no thread for the {}: {error}", W::DEVICE)))?;
    open.recv()
        .unwrap_or_else(|_| Err(device_error(format!("the thread of the {} ended", W::DEVICE))))?;
    Ok(sender)
}

struct Keeper<W: Work> {
    work: W,
    name: Option<String>,
    thread: Sender<Message<W::Command>>,
    /// How many streams there were.
    streams: u32,
    stream: Option<W::Stream>,
    recovery: Recovery,
}

impl<W: Work> Keeper<W> {
    fn run(mut self, messages: &Receiver<Message<W::Command>>, opened: &Sender<Result<(), Error>>) {
        let name = self.name.clone();
        let first = self.open(name.as_deref());
        let is_open = first.is_ok();
        // Whoever started it waits.
        let _ = opened.send(first);
        while is_open && self.turn(messages) {}
    }

    fn open(&mut self, name: Option<&str>) -> Result<(), Error> {
        self.streams += 1;
        let lost = Lost {
            thread: self.thread.clone(),
            number: self.streams,
        };
        self.stream = Some(self.work.open(name, lost)?);
        self.recovery.opened(Instant::now());
        Ok(())
    }

    /// Waits, and does what there is to do. Whether to go on.
    fn turn(&mut self, messages: &Receiver<Message<W::Command>>) -> bool {
        let pause = self.work.pause(self.stream.is_some()).min(PATIENCE);
        let pause = self.recovery.wait(Instant::now()).unwrap_or(pause);
        match messages.recv_timeout(pause) {
            Ok(Message::Lost(number)) if number == self.streams => {
                if let Some(stream) = self.stream.take() {
                    if self.work.lost(stream) {
                        self.recovery.flowed(Instant::now());
                    }
                    if self.is_hopeless(None) {
                        return false;
                    }
                }
            }
            Ok(Message::Lost(_)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::Command(command)) => self.work.obey(command),
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
        }
        if self.recovery.is_due(Instant::now()) {
            let name = self.name.clone();
            if let Err(error) = reopened(name.as_deref(), |name| self.open(name))
                && self.is_hopeless(Some(error))
            {
                return false;
            }
        }
        if self.work.work(self.stream.as_mut()) {
            self.recovery.flowed(Instant::now());
        }
        true
    }

    /// A stream ended, or none could be opened. Whether that is the end.
    fn is_hopeless(&mut self, error: Option<Error>) -> bool {
        self.recovery.lost(Instant::now());
        let is_hopeless = self.recovery.is_hopeless(Instant::now());
        if is_hopeless {
            self.work.gave_up(error);
        }
        is_hopeless
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// A device that can be opened by some names, and tells what happens to it.
    struct Fake {
        /// The names it is opened by next, from the last; `None` is the default device.
        there: Vec<Option<&'static str>>,
        told: Sender<String>,
    }

    impl Work for Fake {
        type Stream = Lost<&'static str>;
        type Command = &'static str;
        const DEVICE: &'static str = "fake";

        fn open(&mut self, name: Option<&str>, lost: Lost<&'static str>) -> Result<Self::Stream, Error> {
            let _ = self.told.send(format!("open {name:?}"));
            match self.there.last() {
                Some(there) if *there == name => {
                    self.there.pop();
                    Ok(lost)
                }
                _ => Err(device_error("it is not there")),
            }
        }

        fn pause(&self, _: bool) -> Duration {
            Duration::from_secs(60)
        }

        fn obey(&mut self, command: &'static str) {
            let _ = self.told.send(command.to_owned());
        }

        fn lost(&mut self, stream: Self::Stream) -> bool {
            // It may tell again.
            stream.tell();
            let _ = self.told.send("lost".to_owned());
            true
        }

        fn work(&mut self, stream: Option<&mut Self::Stream>) -> bool {
            if let Some(stream) = stream
                && self.there.is_empty()
            {
                // The last one stays.
                let _ = self.told.send(format!("stream {}", stream.number));
            }
            false
        }

        fn gave_up(&mut self, _: Option<Error>) {
            let _ = self.told.send("gave up".to_owned());
        }
    }

    #[test]
    fn a_device_that_is_lost_is_opened_again_by_its_name_or_else_another() {
        let (told, tells) = mpsc::channel();
        let fake = Fake {
            there: vec![None, Some("mine")],
            told,
        };
        let thread = start(fake, Some("mine".to_owned())).unwrap();
        let next = || tells.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(next(), r#"open Some("mine")"#);
        thread.send(Message::Command("play")).unwrap();
        assert_eq!(next(), "play");
        // Not the stream there is.
        thread.send(Message::Lost(7)).unwrap();
        thread.send(Message::Command("on")).unwrap();
        assert_eq!(next(), "on");
        thread.send(Message::Lost(1)).unwrap();
        assert_eq!(next(), "lost");
        assert_eq!(next(), r#"open Some("mine")"#);
        assert_eq!(next(), "open None");
        assert_eq!(next(), "stream 3");
        thread.send(Message::Stop).unwrap();
        // Until it has ended.
        while tells.recv_timeout(Duration::from_secs(20)).is_ok() {}
        while thread.send(Message::Stop).is_ok() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_cannot_be_opened_at_first_is_an_error() {
        let (told, tells) = mpsc::channel();
        let fake = Fake {
            there: Vec::new(),
            told,
        };
        assert_eq!(start(fake, None).unwrap_err().kind(), ErrorKind::Device);
        assert_eq!(tells.iter().count(), 1, "it is not tried again");
    }
}
