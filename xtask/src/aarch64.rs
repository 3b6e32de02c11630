//! `cargo xtask aarch64`: runs the kernels' suite for NEON, cross-compiled, under emulation.
//!
//! A rustup toolchain may have no AArch64 library. Debian packages a compiler with one (on bookworm, only its security updates
//! are new enough). The suite is linked statically: under this emulator the threads of a dynamically linked program hang.

use crate::{Outcome, needs, shell};
use std::path::Path;

const TARGET: &str = "aarch64-unknown-linux-gnu";
const COMPILER: &str = "/usr/bin/rustc";
const LIBRARY: &str = "/usr/lib/rustlib/aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
const EMULATOR: &str = "qemu-aarch64-static";
/// Debian's packages of these.
const PACKAGES: &[&str] =
    &["rustc-web", "libstd-rust-web-dev:arm64", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user-static"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.first() {
        return Err(format!("takes no arguments; found '{unknown}'"));
    }
    if !complete() {
        install()?;
    }
    let mut suite = shell::cargo(&["test", "-p", "omendb-kernels", "--tests", "--target", TARGET]);
    suite
        .env("RUSTC", COMPILER)
        // The files of this compiler must not mix with those of the toolchain.
        .env("CARGO_TARGET_DIR", shell::target_dir().join("emulated"))
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", format!("{EMULATOR} -cpu max"))
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("OMENDB_REQUIRED_ISAS", "neon,neondotprod")
        // An instruction set of this machine does not exist on the emulated one.
        .env_remove("OMENDB_ISA");
    shell::step(suite)
}

/// Whether compiler, library, linker and emulator are installed.
fn complete() -> bool {
    shell::works(COMPILER, &["--version"])
        && Path::new(LIBRARY).exists()
        && shell::works(LINKER, &["--version"])
        && shell::works(EMULATOR, &["--version"])
}

fn install() -> Outcome {
    let packages = PACKAGES.join(" ");
    let debian = std::fs::read_to_string("/etc/os-release").unwrap_or_default().lines().any(|line| line == "ID=debian");
    if !debian {
        return Err(format!(
            "the AArch64 compiler, library, linker or emulator is missing, and this system is not Debian, which packages \
             them ({packages}): the NEON suite did not run"
        ));
    }
    if !needs::root() {
        return Err(format!(
            "the AArch64 compiler, library, linker or emulator is missing, and installing them needs root or sudo without \
             a password: the NEON suite did not run. As root: dpkg --add-architecture arm64; apt-get update; apt-get \
             install {packages}"
        ));
    }
    eprintln!("the AArch64 compiler, library, linker or emulator is missing: installing with apt");
    needs::foreign("arm64")?;
    needs::packages(PACKAGES)?;
    if complete() {
        Ok(())
    } else {
        Err(format!("{packages} are installed, but do not work or are not where expected"))
    }
}
