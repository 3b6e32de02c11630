//! Rule R10, right on any data: each kind of difficult data once, every order of arrival, every history.
//! The run `robust` has all of them together.

use omendb_benches::robust;

/// The data is the same each time; the run's differs.
const SEED: u64 = 1;

/// Runs the cells of these names, and fails with each that is not as expected.
fn right_on(names: &[&str]) {
    let (mut seen, mut failing) = (0, String::new());
    let wanted = |cell: &robust::Cell| names.contains(&cell.name().as_str());
    robust::measure(SEED, &wanted, &mut |outcome| {
        seen += 1;
        for defect in outcome.defects() {
            failing += &format!("\n  {}: {defect}", outcome.cell.name());
        }
    })
    .unwrap();
    assert_eq!(seen, names.len(), "a name is not that of a cell: {names:?}");
    assert!(failing.is_empty(), "{failing}");
}

#[test]
fn r10_rows_of_uneven_length() {
    right_on(&[
        "lengths 0.05 (ip): one batch, fresh",
        "lengths 0.5 (ip): one batch, fresh",
        "lengths 0.5 (ip): a bulk, then batches, fresh",
        "lengths 1 (ip): batches of 1000, fresh",
        "lengths exp(2N) (ip): one batch, fresh",
        "lengths exp(2N) (l2): one batch, fresh",
        "lengths uneven late (ip): a bulk, then batches, fresh",
        "i8 lengths 0.5 (ip), 2000 rows: single rows, fresh",
        "f16 lengths 0.5 (ip): one batch, half deleted, compacted",
    ]);
}

#[test]
fn r10_inner_products() {
    right_on(&[
        "mean offset (ip): one batch, fresh",
        "positive rows, negative queries (ip): one batch, fresh",
        "one row x 1,000 (ip): one batch, fresh",
        "300 giants alike (ip): one batch, fresh",
        "300 giants alike (ip), 2000 rows: single rows, fresh",
    ]);
}

#[test]
fn r10_copies() {
    right_on(&[
        "copies 100 x 20, dim 32 (l2): one batch, fresh",
        "copies 100 x 20, dim 32 (cosine): batches of 1000, churned, compacted",
        "copies 100 x 20, dim 32 (l2), 2000 rows: single rows, fresh",
        "copies 100 x 20, dim 128 (ip): one batch, fresh",
        "half copies of one (l2): one batch, fresh",
        "99.5 % copies of one (l2): one batch, fresh",
        "99.5 % copies of one (l2): batches of 1000, fresh",
        "grid with copies (l2): one batch, fresh",
        "near-copies 400 x 30 (l2): one batch, fresh",
        "copies an ulp apart (l2): one batch, fresh",
        "u8 copies 100 x 20 (l2): one batch, fresh",
        "f16 near-copies (cosine): one batch, fresh",
    ]);
}

#[test]
fn r10_groups_far_apart() {
    right_on(&[
        "groups 100 apart 30, dim 128 (l2): one batch, fresh",
        "groups 100 apart 30, dim 128 (l2): one batch, half deleted, compacted",
        "groups 100 apart 30, dim 128 (ip): one batch, fresh",
        "groups 20 apart 100, dim 1536 (l2): one batch, fresh",
        "groups 2 apart 10,000, dim 32 (l2): one batch, fresh",
        "groups 2,000 apart 30, dim 16 (l2): one batch, fresh",
        "groups 400 apart 3, dim 2 (l2): one batch, fresh",
        "groups uneven (l2): one batch, fresh",
        "groups one after another (l2): batches of 1000, fresh",
        "u8 groups 100 (l2): one batch, fresh",
    ]);
}

#[test]
fn r10_regions_emptied() {
    right_on(&[
        "regions, survivors asked (l2): one batch, regions emptied",
        "regions, survivors asked (l2): one batch, regions emptied, compacted",
        "lengths 0.5 (l2): one batch, 90 % deleted",
        "lengths 0.5 (l2): one batch, 90 % deleted, compacted",
    ]);
}

#[test]
fn r10_ids_replaced_again_and_again() {
    right_on(&[
        "hot ids (l2): one batch, two ids hot",
        "hot ids (l2): one batch, two ids hot, compacted",
        "normal, dim 32 (l2): one batch, churned",
    ]);
}

#[test]
fn r10_streams_in_order() {
    right_on(&[
        "curve in order (l2): batches of 300, fresh",
        "curve in order (cosine): one batch, fresh",
        "drift (l2): batches of 1000, fresh",
        "line in order (l2): one batch, fresh",
    ]);
}

#[test]
fn r10_scales_and_spaces() {
    right_on(&[
        "zero rows (l2): one batch, fresh",
        "zero rows (ip): one batch, fresh",
        "far outlier (l2): one batch, fresh, reopened",
        "huge column (l2): one batch, fresh",
        "offset 1e4 (l2): one batch, fresh",
        "offset 1e5 (l2): batches of 1000, fresh",
        "mixed scales (l2): one batch, fresh",
        "mixed scales (cosine): one batch, fresh",
        "dim 1 (l2): one batch, fresh",
        "dim 2 (cosine): one batch, fresh",
        "dim 8 (ip): one batch, fresh",
        "hubs (l2): one batch, fresh",
        "binary (l2): one batch, fresh",
        "queries from elsewhere (ip): one batch, fresh",
        "queries from elsewhere (l2), 300 rows: one batch, fresh",
        "queries from elsewhere (l2), 20 rows: one batch, fresh",
    ]);
}
