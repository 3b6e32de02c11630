//! The examples do what they say: each is run as it stands.

#[path = "../examples/backends.rs"]
mod backends;
#[path = "../examples/kernels.rs"]
mod kernels;
#[path = "../examples/live_updates.rs"]
mod live_updates;
#[path = "../examples/quickstart.rs"]
mod quickstart;
#[expect(dead_code, reason = "its main reads the arguments of the process, and here those are the test runner's")]
#[path = "../examples/text_search.rs"]
mod text_search;

use omendb_engine::f16;

#[test]
fn quickstart_runs() {
    quickstart::main().unwrap();
}

#[test]
fn backends_runs() {
    backends::main().unwrap();
}

#[test]
fn live_updates_runs() {
    live_updates::main().unwrap();
}

#[test]
fn kernels_runs() {
    kernels::main().unwrap();
}

#[test]
fn text_search_reads_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let rows: Vec<f16> = [1.0f32, 0.0, 0.0, 1.0].map(f16::from_f32).to_vec();
    let mut file = [2u32.to_le_bytes(), 2u32.to_le_bytes()].concat();
    file.extend(rows.iter().flat_map(|value| value.to_le_bytes()));
    let (base, strings) = (write("base.f16bin", &file), write("base.txt", b"right\nup\n"));
    text_search::from_files(&base, &strings, &base, &strings).unwrap();
    // A text too few is refused.
    let few = write("few.txt", b"right\n");
    assert!(text_search::from_files(&base, &few, &base, &strings).is_err());
}

#[test]
fn text_search_runs() {
    text_search::from_sentences().unwrap();
}
