//! A bar on stderr for long calls: only on a terminal, and not when told to be quiet.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use omendb_engine::{Phase, Progress};

use crate::output::Output;

/// A bar, drawn once something is told to it.
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

    /// What the engine calls.
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

    /// Counts what the command itself does.
    pub(crate) fn count(&self, what: &'static str, done: usize, total: usize) {
        self.0.set_message(what);
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
