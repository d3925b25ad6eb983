//! What the program says: to a person on a terminal, or as one JSON object a line to a program.

use std::io::{self, IsTerminal, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Where it is said. Everything that a person reads goes to standard error, past the progress bars that are shown there.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    json: bool,
    bars: MultiProgress,
}

impl Console {
    /// Of the bars that are drawn on this terminal, programs see none.
    pub(crate) fn new(json: bool, bars: MultiProgress) -> Self {
        if json {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { json, bars }
    }

    /// Whether a person sees bars; lines must do otherwise.
    pub(crate) fn shows_bars(&self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// Whether a program listens.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.json
    }

    /// A new bar, below those that are there.
    ///
    /// # Panics
    /// When `template` is none of indicatif's.
    pub(crate) fn bar(&self, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        self.bars.add(ProgressBar::no_length().with_style(style))
    }

    /// Prints an event for programs; people get [`Console::say`].
    pub(crate) fn event(&self, event: &impl Serialize) {
        if self.json {
            let line = serde_json::to_string(event).expect("an event has no keys but strings");
            // Nobody to hear it is no reason to stop.
            let _ = writeln!(io::stdout().lock(), "{line}");
        }
    }

    /// Prints a line for people.
    pub(crate) fn say(&self, line: &str) {
        if !self.json {
            self.line(line);
        }
    }

    /// Prints what went wrong, for whoever reads.
    pub(crate) fn error(&self, message: &str) {
        self.line(&format!("error: {message}"));
    }

    fn line(&self, line: &str) {
        self.bars.suspend(|| note(line));
    }
}

/// Prints what went wrong.
pub(crate) fn error(message: &str) {
    note(&format!("error: {message}"));
}

/// Tells a person something, on standard error.
pub(crate) fn note(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// Prints what was asked for to standard output.
///
/// # Errors
/// It cannot be written. That nobody reads on is no error: they have seen enough.
pub(crate) fn answer(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
