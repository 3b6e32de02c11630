//! A progress bar on stderr, only on a terminal and not with --quiet.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use omendb_engine::{Phase, Progress};

use crate::output::Output;

/// A progress bar, drawn at its first update.
#[derive(Clone)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(output: &Output) -> Self {
        // indicatif's stderr target draws on terminals only.
        let target = if output.for_people() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = "{msg:>10} {wide_bar} {human_pos}/{human_len} ({eta})";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// The listener for the engine.
    pub(crate) fn listener(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let bar = self.0.clone();
        move |progress: Progress| {
            let phase = match progress.phase {
                Phase::Check => "checking",
                Phase::Write => "writing",
                Phase::Link => "linking",
                Phase::Checkpoint => "saving",
                _ => "working",
            };
            if bar.message() != phase {
                bar.set_message(phase);
                bar.reset();
            }
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
        }
    }

    /// Sets the progress of the command itself.
    pub(crate) fn count(&self, what: &'static str, done: usize, total: usize) {
        self.0.set_message(what);
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
