//! `OMENDB_ISA`: forced by name; what is unknown or missing is an error. A variable of the
//! environment belongs to the whole process, hence one test in a process of its own.

use omendb_kernels::{Distance, ISA_VARIABLE, Isa, KernelError, Metric};

#[test]
fn the_variable_decides() {
    let set = |name: &str| {
        // SAFETY: this process runs this test alone.
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
        assert!(
            matches!(refused, KernelError::UnknownIsa { .. }),
            "{refused}"
        );
    }
}
