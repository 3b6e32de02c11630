//! Decides whether a figure is a regression.

use super::baseline::{Baseline, Portable, Speeds};
use super::case::{Figures, Measured, Outcome};
use super::fault::fault;

/// Recall may fall by so much, in points of a hundred.
const RECALL_POINTS: f64 = 0.5;
/// Distances a query may rise by this share.
const DISTANCES: f64 = 0.10;
/// The heap while building, at its highest, and files may rise by this share.
const BYTES: f64 = 0.10;
/// Less memory than this depends on how the threads happened to share the work.
const BYTES_FLOOR: f64 = 1024.0 * 1024.0;
/// Speeds may fall by this share, beyond what they spread when nothing changes.
const SPEED: f64 = 0.20;
/// Speeds of the large cases together may fall by this share: the mean of so many spread by 2 % when
/// nothing changed, where one of them alone spread by up to 20 %.
const TOGETHER: f64 = 0.10;
/// Cases from this many rows on are large: their searches wait for memory for the most part.
const LARGE: usize = 50_000;
/// So many of them have a mean that is calmer than each.
const ENOUGH: usize = 4;

/// One sentence for each regression.
pub(crate) fn all(outcomes: &[Outcome], baseline: &Baseline) -> Vec<String> {
    let mut found = Vec::new();
    for outcome in outcomes {
        let case = &outcome.case;
        found.extend(fault(outcome));
        if let Some(figures) = outcome.figures() {
            let mut defects = Vec::new();
            if let Some(good) = baseline.figures.get(case) {
                defects.extend(portable(&figures, good));
            }
            if let Some(good) = baseline.speeds(case) {
                defects.extend(speeds(&figures, &good));
            }
            found.extend(defects.into_iter().map(|defect| format!("{case}: {defect}")));
        }
    }
    found.extend(together(outcomes, baseline));
    found
}

/// How the run ends, in words, and whether it passes. Cases that the baseline does not hold, judged by
/// nothing, pass where they are recorded now.
pub(crate) fn verdict(defects: &[String], unknown: &[String], recorded: bool) -> (&'static str, bool) {
    match (defects, unknown) {
        ([], []) => ("no regression", true),
        ([], _) => ("no regression in what was judged", recorded),
        _ => ("regressions found", false),
    }
}

/// The geometric mean of what has become of the speeds of all large cases.
fn together(outcomes: &[Outcome], baseline: &Baseline) -> Option<String> {
    let of = |Outcome { case, rows, result }: &Outcome| match (result, baseline.speeds(case)) {
        (Measured::Figures(now), Some(good)) if *rows >= LARGE => {
            Some((now.build_ratio / good.build_ratio).ln() + (now.search_ratio / good.search_ratio).ln())
        }
        _ => None,
    };
    let changes: Vec<f64> = outcomes.iter().filter_map(of).collect();
    let change = (changes.iter().sum::<f64>() / (2 * changes.len()) as f64).exp() - 1.0;
    (changes.len() >= ENOUGH && change < -TOGETHER).then(|| {
        let count = changes.len();
        format!("slower: {:+.0} % in building and searching, the mean of {count} large cases", 100.0 * change)
    })
}

/// Whether a case works and is slower than it was.
pub(crate) fn is_slower(Outcome { case, result, .. }: &Outcome, baseline: &Baseline) -> bool {
    match (result, baseline.speeds(case)) {
        (Measured::Figures(figures), Some(good)) => !speeds(figures, &good).is_empty(),
        _ => false,
    }
}

fn portable(now: &Figures, good: &Portable) -> Vec<String> {
    let mut found = Vec::new();
    if (good.recall - now.recall) * 100.0 > RECALL_POINTS {
        found.push(format!("worse: recall@10 {:.4}, was {:.4}", now.recall, good.recall));
    }
    if now.distances > good.distances * (1.0 + DISTANCES) {
        found.push(format!("more work: {:.0} distances per query, were {:.0}", now.distances, good.distances));
    }
    for (what, now, good) in [
        ("heap while building, at its highest,", now.peak_bytes, good.peak_bytes),
        ("files", now.disk_bytes, good.disk_bytes),
    ] {
        if now > (good * (1.0 + BYTES)).max(good + BYTES_FLOOR) {
            let mib = 1024.0 * 1024.0;
            found.push(format!("larger: {what} {:.0} MiB, was {:.0} MiB", now / mib, good / mib));
        }
    }
    found
}

fn speeds(now: &Figures, good: &Speeds) -> Vec<String> {
    let mut found = Vec::new();
    for (what, now, good, noise) in [
        ("building", now.build_ratio, good.build_ratio, good.build_noise),
        ("searching", now.search_ratio, good.search_ratio, good.search_noise),
    ] {
        let change = now / good - 1.0;
        if change < -(SPEED + noise) {
            found.push(format!(
                "slower: {what} {:+.0} % beside the calibration loop (noise {:.0} %)",
                100.0 * change,
                100.0 * noise
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Figures = Figures {
        rows_per_second: 1e4,
        build_ratio: 0.01,
        recall: 0.98,
        qps: 1e4,
        search_ratio: 0.001,
        p50_us: 90.0,
        p99_us: 200.0,
        distances: 1_000.0,
        leaked: 0.0,
        peak_bytes: 1e9,
        disk_bytes: 1e9,
        reopen_seconds: 0.1,
    };

    fn judged(now: Figures) -> Vec<String> {
        let portable = Portable { recall: 0.98, distances: 1_000.0, peak_bytes: 1e9, disk_bytes: 1e9 };
        let speeds = Speeds { build_ratio: 0.01, build_noise: 0.05, search_ratio: 0.001, search_noise: 0.05 };
        let mut baseline = Baseline::default();
        baseline.figures.insert("case".into(), portable);
        baseline.speeds.entry(crate::machine::processor()).or_default().insert("case".into(), speeds);
        all(&[Outcome { case: "case".into(), rows: 0, result: Measured::Figures(now) }], &baseline)
    }

    #[test]
    fn what_is_as_good_or_a_little_worse_passes() {
        assert!(judged(GOOD).is_empty());
        let bearable = Figures { recall: 0.976, distances: 1_090.0, search_ratio: 0.00078, peak_bytes: 1.09e9, ..GOOD };
        assert!(judged(bearable).is_empty());
    }

    #[test]
    fn every_kind_of_regression_is_named() {
        for (now, word) in [
            (Figures { recall: 0.974, ..GOOD }, "worse"),
            (Figures { distances: 1_110.0, ..GOOD }, "more work"),
            (Figures { build_ratio: 0.0074, ..GOOD }, "slower: building"),
            (Figures { search_ratio: 0.00074, ..GOOD }, "slower: searching"),
            (Figures { peak_bytes: 1.11e9, ..GOOD }, "larger: heap while building"),
            (Figures { disk_bytes: 1.11e9, ..GOOD }, "larger: files"),
            (Figures { leaked: 64.0, ..GOOD }, "leaks"),
        ] {
            let found = judged(now);
            assert!(found.len() == 1 && found[0].contains(word), "{word}: {found:?}");
        }
    }

    #[test]
    fn a_little_slower_everywhere_is_slower() {
        let speeds = Speeds { build_ratio: 0.01, build_noise: 0.05, search_ratio: 0.001, search_noise: 0.05 };
        let mut baseline = Baseline::default();
        let cases = ["a", "b", "c", "d"];
        for case in cases {
            baseline.speeds.entry(crate::machine::processor()).or_default().insert(case.into(), speeds);
        }
        let judged = |slow: f64, rows, cases: &[&str]| {
            let figures = Figures { build_ratio: 0.01 * slow, search_ratio: 0.001 * slow, ..GOOD };
            let outcome = |case: &&str| Outcome { case: (*case).into(), rows, result: Measured::Figures(figures) };
            all(&cases.iter().map(outcome).collect::<Vec<_>>(), &baseline)
        };
        let found = judged(0.88, LARGE, &cases);
        assert!(found.len() == 1 && found[0].contains("-12 %"), "{found:?}");
        for bearable in [judged(0.92, LARGE, &cases), judged(0.88, LARGE - 1, &cases), judged(0.88, LARGE, &cases[1..])]
        {
            assert!(bearable.is_empty(), "{bearable:?}");
        }
    }

    #[test]
    fn a_build_with_a_fault_is_not_recorded_and_a_slower_one_is() {
        let mut baseline = Baseline::default();
        let mut recorded = |result| {
            let outcome = |result| vec![Outcome { case: "case".into(), rows: 0, result }];
            baseline.record(&[outcome(Measured::Figures(GOOD)), outcome(result)])
        };
        let broken = recorded(Measured::Broken("it counts 3 rows".into()));
        assert_eq!(broken, Err("case: broken: it counts 3 rows".into()));
        let leaking = recorded(Measured::Figures(Figures { leaked: 64.0, ..GOOD }));
        assert_eq!(leaking, Err("case: leaks: 64 bytes per query".into()));
        assert_eq!(recorded(Measured::Figures(GOOD)), Ok(()));
        assert_eq!(recorded(Measured::Figures(Figures { search_ratio: 0.0001, recall: 0.5, ..GOOD })), Ok(()));
    }

    #[test]
    fn of_two_looks_each_speed_is_the_better_and_all_else_the_later() {
        let outcome = |figures| Outcome { case: "case".into(), rows: 0, result: Measured::Figures(figures) };
        let slow_build = Figures { build_ratio: 0.005, rows_per_second: 5e3, recall: 0.99, ..GOOD };
        let slow_search = Figures { search_ratio: 0.0005, qps: 5e3, p50_us: 180.0, recall: 0.97, ..GOOD };
        let Measured::Figures(both) = outcome(slow_build).or_faster(outcome(slow_search)).result else { panic!() };
        assert_eq!((both.build_ratio, both.rows_per_second), (GOOD.build_ratio, GOOD.rows_per_second));
        assert_eq!((both.search_ratio, both.qps, both.p50_us), (GOOD.search_ratio, GOOD.qps, GOOD.p50_us));
        assert_eq!(both.recall, 0.97);
        let broken = Outcome { case: "case".into(), rows: 0, result: Measured::Broken("it counts 3 rows".into()) };
        assert!(matches!(outcome(GOOD).or_faster(broken).result, Measured::Broken(_)));
    }

    #[test]
    fn what_was_not_judged_does_not_pass() {
        let (none, one) = ([], ["case".to_owned()]);
        assert_eq!(verdict(&none, &none, false), ("no regression", true));
        assert_eq!(verdict(&none, &one, false), ("no regression in what was judged", false));
        assert_eq!(verdict(&none, &one, true), ("no regression in what was judged", true));
        assert_eq!(verdict(&one, &none, true), ("regressions found", false));
    }

    #[test]
    fn broken_is_not_slower() {
        let broken = Outcome { case: "case".into(), rows: 0, result: Measured::Broken("it counts 3 rows".into()) };
        assert_eq!(all(&[broken], &Baseline::default()), ["case: broken: it counts 3 rows"]);
    }
}
