//! What sessions of several kinds have in common, written once.

/// Settings and callbacks that all kinds of sessions have.
macro_rules! common_setters {
    () => {
        /// Deadlines, bounds and retries of the connection.
        pub fn config(mut self, config: rt_lowlevel::Config) -> Self {
            self.setup.config = config;
            self
        }

        /// Sets up the connection itself: a proxy, certificates, headers, a dialer of your own.
        ///
        /// ```no_run
        /// # fn with(builder: rt_client::SessionBuilder) -> Result<(), rt_client::lowlevel::Error> {
        /// let builder = builder.connection(|connection| connection.proxy("http://proxy.example:3128"))?;
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        /// Those of the closure. Called again, it has the connection as it was set up before.
        pub fn connection<E>(
            mut self,
            set_up: impl FnOnce(rt_lowlevel::Builder) -> Result<rt_lowlevel::Builder, E>,
        ) -> Result<Self, E> {
            self.setup.connection = set_up(self.setup.connection)?;
            Ok(self)
        }

        /// Called with every event of the server, before the other callbacks.
        pub fn on_event(mut self, callback: impl FnMut(&rt_protocol::ServerEvent) + Send + 'static) -> Self {
            self.setup.closures.event = Some(Box::new(callback));
            self
        }

        /// Called with what is said, piece by piece and then whole.
        pub fn on_transcript(
            mut self,
            callback: impl FnMut(crate::transcript::Transcript) + Send + 'static,
        ) -> Self {
            self.setup.closures.transcript = Some(Box::new(callback));
            self
        }

        /// Called when the connection opened, was lost, or is back.
        pub fn on_state(mut self, callback: impl FnMut(rt_lowlevel::State) + Send + 'static) -> Self {
            self.setup.closures.state = Some(Box::new(callback));
            self
        }

        /// Called when a new session knows what the last one knew, after a reconnect or a rollover, with the report.
        pub fn on_restored(
            mut self,
            callback: impl FnMut(std::sync::Arc<rt_lowlevel::event::Restored>) + Send + 'static,
        ) -> Self {
            self.setup.closures.restored = Some(Box::new(callback));
            self
        }

        /// Called when something failed: a request the server refused, a message that could not be read, a callback that
        /// panicked, the end of the connection. What a [`ReplyHandle`](crate::reply::ReplyHandle) or a result tells is not
        /// told here, unless that was dropped: then a failure that only it would have told is.
        pub fn on_error(mut self, callback: impl FnMut(crate::error::Error) + Send + 'static) -> Self {
            self.setup.closures.error = Some(Box::new(callback));
            self
        }

        /// Takes everything that happens, method by method, beside the closures.
        pub fn handler(mut self, handler: impl crate::handlers::EventHandler) -> Self {
            self.setup.handler = Some(Box::new(handler));
            self
        }
    };
}

/// Settings and callbacks that some kinds of sessions have.
macro_rules! setters {
    ($($name:ident),+) => {
        $(crate::kinds::setter!($name);)+
    };
}

/// One of [`setters`].
macro_rules! setter {
    (on_audio) => {
        /// Called with the model's audio as it arrives: PCM16 at 24 kHz, whole samples. It comes faster than it
        /// plays. Not called for other output formats, whose bytes come with `on_event`.
        pub fn on_audio(mut self, callback: impl FnMut(rt_protocol::Pcm16) + Send + 'static) -> Self {
            self.setup.closures.audio = Some(Box::new(callback));
            self
        }
    };
    (on_line) => {
        /// Called with what each side said in its turn, whole, in the order of the conversation.
        pub fn on_line(mut self, callback: impl FnMut(crate::transcript::Line) + Send + 'static) -> Self {
            self.setup.closures.line = Some(Box::new(callback));
            self
        }
    };
    (on_turn) => {
        /// Called at each step of taking turns: who begins, who stops, who is interrupted.
        pub fn on_turn(mut self, callback: impl FnMut(crate::event::Turn) + Send + 'static) -> Self {
            self.setup.closures.turn = Some(Box::new(callback));
            self
        }
    };
    (on_usage) => {
        /// Called when tokens were used.
        pub fn on_usage(mut self, callback: impl FnMut(crate::usage::UsageReport) + Send + 'static) -> Self {
            self.setup.closures.usage = Some(Box::new(callback));
            self
        }
    };
    (prices) => {
        /// What tokens cost, for [`UsageReport::cost`](crate::usage::UsageReport::cost) and the budget.
        pub fn prices(mut self, prices: crate::usage::Prices) -> Self {
            self.setup.prices = Some(prices);
            self
        }
    };
    (budget) => {
        /// How much the session may cost: [`BudgetState::Exhausted`](crate::usage::BudgetState::Exhausted) says what happens then.
        /// It needs [`prices`](Self::prices).
        pub fn budget(mut self, budget: crate::usage::Budget) -> Self {
            self.setup.budget = Some(budget);
            self
        }
    };
    (on_budget) => {
        /// Called when the budget is nearly or wholly used up.
        pub fn on_budget(mut self, callback: impl FnMut(crate::usage::BudgetState) + Send + 'static) -> Self {
            self.setup.closures.budget = Some(Box::new(callback));
            self
        }
    };
    (playback) => {
        /// Plays the model's audio, and tells how far it is. Not for G.711 output, whose bytes the session passes on as they are.
        pub fn playback(mut self, sink: impl crate::playback::PlaybackSink) -> Self {
            self.setup.sink = Some(Box::new(sink));
            self
        }
    };
}

/// What every handle of a session has.
macro_rules! handle_parts {
    () => {
        /// Everything that happens from now on: as [`Session::events`](crate::Session::events).
        #[must_use]
        pub fn events(&self) -> crate::dispatch::EventStream {
            self.session.events()
        }

        /// Sends any event: as [`Session::send`](crate::Session::send).
        ///
        /// # Errors
        /// As [`Session::send`](crate::Session::send); `Budget` for audio, if there is a budget and it is used up.
        ///
        /// # Cancel safety
        /// As [`Session::send`](crate::Session::send).
        pub async fn send(
            &self,
            event: impl Into<rt_protocol::ClientEvent>,
        ) -> Result<(), crate::error::Error> {
            let event = event.into();
            if matches!(event, rt_protocol::ClientEvent::InputAudioBufferAppend(_)) {
                self.session.check_budget()?;
            }
            self.session.send(event).await
        }

        /// Asks for a new connection that goes on where this one is: as [`Session::restart`](crate::Session::restart).
        ///
        /// # Errors
        /// As [`Session::restart`](crate::Session::restart).
        pub fn restart(&self) -> Result<(), crate::error::Error> {
            self.session.restart()
        }

        /// Where the connection is.
        #[must_use]
        pub fn state(&self) -> tokio::sync::watch::Receiver<rt_lowlevel::State> {
            self.session.state()
        }

        /// What was counted so far.
        #[must_use]
        pub fn stats(&self) -> crate::session::SessionStats {
            self.session.stats()
        }
    };
}

pub(crate) use {common_setters, handle_parts, setter, setters};
