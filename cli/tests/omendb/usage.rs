//! Wrong usage: exit code 2, and a message that says what was expected.

use crate::journey::built;
use crate::run::Folder;

#[test]
fn wrong_flags_are_exit_code_2() {
    let (folder, ..) = built();
    for (line, said) in [
        ("", "Usage"),
        ("frobnicate", "frobnicate"),
        ("build", "<DB>"),
        ("build x.omen base.fbin --metric l3", "l2, ip, cosine"),
        ("build x.omen base.fbin --type f64", "f32"),
        ("build x.omen base.fbin --backend tape", "mapped"),
        #[cfg(not(feature = "rocksdb"))]
        ("build x.omen base.fbin --backend rocksdb", "--features rocksdb"),
        #[cfg(not(feature = "rocksdb"))]
        ("demo --backend rocksdb", "--features rocksdb"),
        ("repair a.omen", "<OUT>"),
        ("build x.omen base.fbin --degree 0", "degree"),
        ("build x.omen base.fbin --alpha 0.5", "alpha"),
        ("build x.omen base.fbin --build-width 0", "--build-width"),
        ("search a.omen query.fbin -k 0", "1.."),
        ("search a.omen query.fbin --width 10,0", "1.."),
        ("search a.omen query.fbin --width ten", "ten"),
        ("search a.omen query.fbin --recall 1.5", "above 0 and at most 1"),
        ("search a.omen query.fbin --recall 0", "above 0 and at most 1"),
        ("search a.omen query.fbin --exact --width 9", "--width"),
        ("delete a.omen", "ID"),
        ("truth base.fbin query.fbin", "--out"),
        ("info a.omen --isa sse9", "portable"),
        ("info a.omen --threads 0", "1.."),
        ("demo --dim 0", "1.."),
        ("demo --dim 65537", "65536"),
        ("demo --rows 0", "1.."),
    ] {
        let message = folder.refused(line, 2);
        assert!(message.contains(said), "{line}: {said:?} in {message}");
    }
    assert!(!folder.path("x.omen").exists());
}

#[test]
fn an_instruction_set_that_is_missing_is_never_replaced_silently() {
    let (folder, ..) = built();
    assert_eq!(folder.json("info a.omen --isa portable")["isa"], "portable");
    let with = |name: &str| folder.command(&["info", "a.omen", "--json"]).env("OMENDB_ISA", name).output().unwrap();
    let portable = with("portable");
    assert!(String::from_utf8(portable.stdout).unwrap().contains("\"isa\":\"portable\""));
    let unknown = with("sse9");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("sse9"));
    let foreign = if cfg!(target_arch = "x86_64") { "neon" } else { "avx512" };
    for output in [with(foreign), folder.command(&["info", "a.omen", "--isa", foreign]).output().unwrap()] {
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(foreign));
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let folder = Folder::new();
    let help = folder.run("--help");
    assert_eq!(help.code, 0);
    for command in [
        "demo", "build", "search", "truth", "add", "delete", "get", "ids", "info", "verify", "compact", "repair",
        "export",
    ] {
        assert!(help.stdout.contains(command));
        let help = folder.run(&format!("{command} --help"));
        assert_eq!(help.code, 0);
        assert!(help.stdout.contains("Example"), "{command}");
        assert!(help.stdout.contains(&format!("  omendb {command}")), "{command}");
    }
}
