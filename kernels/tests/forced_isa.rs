//! `OMENDB_ISA`: forced by name; what is unknown or missing is an error. A variable of the
//! environment belongs to the whole process, hence one test that sets it, in a process of its own.

use omendb_kernels::{Distance, ISA_VARIABLE, Isa, KernelError, Metric};

/// Where a run is meant to cover certain instruction sets, it names them, so that a machine
/// without them cannot pass by leaving them out: `OMENDB_REQUIRED_ISAS=avx2,avx512`.
#[test]
fn the_required_instruction_sets_are_here() {
    let required = std::env::var("OMENDB_REQUIRED_ISAS").unwrap_or_default();
    for name in required.split(',').filter(|name| !name.is_empty()) {
        name.parse::<Isa>().unwrap().required().unwrap();
    }
}

/// The operating system's word, for one that is overlooked would be tested nowhere, and nothing would be red.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn what_the_system_lists_is_available() {
    const AVX2: &str = "avx2 fma f16c bmi1 bmi2 abm popcnt";
    const AVX512: &str = "avx512f avx512bw avx512cd avx512dq avx512vl";
    let list = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let flags = list.lines().find_map(|line| line.strip_prefix("flags")).unwrap();
    let has = |wanted: &[&str]| {
        wanted.iter().flat_map(|names| names.split(' ')).all(|name| flags.split_whitespace().any(|flag| flag == name))
    };
    for (isa, wanted) in [
        (Isa::Avx2, &[AVX2] as &[&str]),
        (Isa::Avx2Vnni, &[AVX2, "avx_vnni"]),
        (Isa::Avx512, &[AVX2, AVX512]),
        (Isa::Avx512Vnni, &[AVX2, AVX512, "avx512_vnni"]),
        (Isa::Avx512Popcnt, &[AVX2, AVX512, "avx512_vnni avx512_vpopcntdq"]),
        (Isa::Avx512Bf16, &[AVX2, AVX512, "avx512_vnni avx512_vpopcntdq avx512_bf16"]),
    ] {
        assert!(isa.is_available() || !has(wanted), "{isa}: {wanted:?} in {flags}");
    }
}

#[test]
fn the_variable_decides() {
    let set = |name: &str| {
        // SAFETY: no other test of this process reads or writes this variable.
        unsafe { std::env::set_var(ISA_VARIABLE, name) }
    };
    for isa in Isa::available() {
        set(isa.name());
        assert_eq!(Isa::chosen().unwrap(), isa);
        let l2 = Distance::<f32>::new(Metric::L2, 4).unwrap();
        assert_eq!(l2.bytes().isa(), isa);
        assert!(l2.bytes().name().ends_with(isa.name()));
    }
    for isa in Isa::ALL.into_iter().filter(|isa| !isa.is_available()) {
        set(isa.name());
        let refused = Distance::<f32>::new(Metric::L2, 4).unwrap_err();
        assert!(matches!(refused, KernelError::MissingIsa { isa: named, .. } if named == isa));
    }
    for name in ["", "avx", "AVX2 "] {
        set(name);
        let refused = Distance::<f32>::new(Metric::L2, 4).unwrap_err();
        assert!(matches!(refused, KernelError::UnknownIsa { .. }), "{refused}");
    }
}
