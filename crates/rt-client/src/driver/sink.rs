//! The application's sink: whatever it does, the session goes on.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rt_protocol::Pcm16;

use crate::error::{Error, ErrorKind};
use crate::playback::PlaybackSink;

/// The sink of a session, until it fails.
#[derive(Default)]
pub(crate) struct Sink {
    sink: Option<Box<dyn PlaybackSink>>,
}

impl Sink {
    pub(crate) fn new(sink: Option<Box<dyn PlaybackSink>>) -> Self {
        Self { sink }
    }

    pub(super) fn play(&mut self, audio: Pcm16) -> Result<(), Error> {
        self.call("play", |sink| sink.play(audio)).map(|_| ())
    }

    pub(super) fn pause(&mut self, pause: bool) -> Result<(), Error> {
        self.call("pause", |sink| {
            sink.pause(pause);
            Ok(())
        })
        .map(|_| ())
    }

    /// Empties it. How many samples it has played in all, if there is a sink.
    pub(super) fn clear(&mut self) -> Result<Option<u64>, Error> {
        self.call("clear", |sink| {
            sink.clear();
            Ok(sink.played())
        })
    }

    /// How many samples it has played in all, if there is a sink. One that is gone has failed: its count stands still.
    pub(super) fn played(&mut self) -> Result<Option<u64>, Error> {
        self.call("played", |sink| match sink.is_gone() {
            true => Err(io::Error::new(io::ErrorKind::NotConnected, "it is gone")),
            false => Ok(sink.played()),
        })
    }

    /// Calls it. One that fails or panics is not called again.
    fn call<T>(
        &mut self,
        name: &str,
        call: impl FnOnce(&mut dyn PlaybackSink) -> io::Result<T>,
    ) -> Result<Option<T>, Error> {
        let Some(sink) = &mut self.sink else {
            return Ok(None);
        };
        let why = match catch_unwind(AssertUnwindSafe(|| call(sink.as_mut()))) {
            Ok(Ok(value)) => return Ok(Some(value)),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("its `{name}` panicked"),
        };
        let sink = self.sink.take();
        // Its end is the application's code too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(sink)));
        let message = format!(
            "the playback sink failed and is not used any more ({why}): what comes counts as played at the pace of the clock"
        );
        Err(Error::new(ErrorKind::Playback, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics in the method of this name.
    struct Broken(&'static str);

    impl Broken {
        fn at(&self, name: &str) {
            assert!(self.0 != name, "the sink's own fault");
        }
    }

    impl PlaybackSink for Broken {
        fn play(&mut self, _: Pcm16) -> io::Result<()> {
            self.at("play");
            Ok(())
        }

        fn clear(&mut self) {
            self.at("clear");
        }

        fn pause(&mut self, _: bool) {
            self.at("pause");
        }

        fn played(&self) -> u64 {
            self.at("played");
            7
        }
    }

    impl Drop for Broken {
        fn drop(&mut self) {
            assert!(self.0.is_empty(), "the sink's own fault, again");
        }
    }

    #[test]
    fn a_panic_is_an_error_once() {
        for name in ["play", "clear", "pause", "played"] {
            let mut sink = Sink::new(Some(Box::new(Broken(name))));
            let all = |sink: &mut Sink| {
                [
                    sink.play(Pcm16::new()),
                    sink.pause(true),
                    sink.clear().map(|_| ()),
                    sink.played().map(|_| ()),
                ]
                .into_iter()
                .filter_map(Result::err)
                .collect::<Vec<_>>()
            };
            let errors = all(&mut sink);
            assert_eq!(errors.len(), 1, "{name}");
            assert_eq!(errors[0].kind(), ErrorKind::Playback);
            assert!(errors[0].to_string().contains(name), "{}", errors[0]);
            assert!(all(&mut sink).is_empty(), "{name}");
            assert_eq!(sink.played().unwrap(), None);
        }
        let (gone, speaker) = crate::playback::ChannelSink::new();
        let mut gone = Sink::new(Some(Box::new(gone)));
        assert_eq!(gone.played().unwrap(), Some(0));
        drop(speaker);
        let error = gone.played().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Playback);
        assert!(error.to_string().contains("gone"), "{error}");
        assert_eq!(gone.played().unwrap(), None, "once");
        let mut works = Sink::new(Some(Box::new(Broken(""))));
        assert_eq!(works.clear().unwrap(), Some(7));
    }
}
