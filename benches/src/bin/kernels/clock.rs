//! Time a visit takes, for several contenders in turn, so that what disturbs the machine
//! disturbs all of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Something that visits `visits` rows a call.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) visits: usize,
    pub(crate) run: Box<dyn FnMut() -> f32 + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new(name: &'static str, visits: usize, run: impl FnMut() -> f32 + 'a) -> Self {
        Self { name, visits, run: Box::new(run) }
    }
}

/// The least nanoseconds a visit took each contender, over `rounds` turns of about `turn`.
pub(crate) fn race(contenders: &mut [Contender<'_>], rounds: usize, turn: Duration) -> Vec<f64> {
    let calls: Vec<u32> = contenders
        .iter_mut()
        .map(|contender| {
            black_box((contender.run)());
            let start = Instant::now();
            black_box((contender.run)());
            let once = start.elapsed().max(Duration::from_nanos(50));
            (turn.as_nanos() / once.as_nanos()).clamp(1, 1 << 20) as u32
        })
        .collect();
    let mut best = vec![f64::INFINITY; contenders.len()];
    for _ in 0..rounds {
        for (i, contender) in contenders.iter_mut().enumerate() {
            // Once to bring its rows back where they belong.
            black_box((contender.run)());
            let start = Instant::now();
            for _ in 0..calls[i] {
                black_box((contender.run)());
            }
            let time = start.elapsed().as_nanos() as f64;
            best[i] = best[i].min(time / (f64::from(calls[i]) * contender.visits as f64));
        }
    }
    best
}
