//! `cargo xtask aarch64`: the kernels' suite for NEON, cross-compiled and run under emulation.
//!
//! A rustup toolchain may have no AArch64 library and no way to fetch one; Debian packages a
//! compiler with one (on bookworm new enough only from its security updates). Linked statically: under this emulator every thread of a dynamically
//! linked program hangs.

use crate::{Outcome, needs, shell};
use std::path::Path;

const TARGET: &str = "aarch64-unknown-linux-gnu";
const COMPILER: &str = "/usr/bin/rustc";
const LIBRARY: &str = "/usr/lib/rustlib/aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
const EMULATOR: &str = "qemu-aarch64-static";
/// What Debian calls the packages that these are in.
const PACKAGES: &[&str] =
    &["rustc-web", "libstd-rust-web-dev:arm64", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user-static"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.first() {
        return Err(format!("takes no arguments, and got '{unknown}'"));
    }
    if !complete() {
        install()?;
    }
    let mut suite = shell::cargo(&["test", "-p", "omendb-kernels", "--tests", "--target", TARGET]);
    suite
        .env("RUSTC", COMPILER)
        // Another compiler's files must not meet those of the toolchain.
        .env("CARGO_TARGET_DIR", shell::target_dir().join("emulated"))
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", format!("{EMULATOR} -cpu max"))
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("OMENDB_REQUIRED_ISAS", "neon,neondotprod")
        // What is forced for this machine is not there on the emulated one.
        .env_remove("OMENDB_ISA");
    shell::step(suite)
}

/// Whether compiler, library, linker and emulator are there.
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
            "the AArch64 compiler, library, linker or emulator is missing, and this is no Debian to \
             get them from ({packages}): the NEON suite was not run"
        ));
    }
    if !needs::root() {
        return Err(format!(
            "the AArch64 compiler, library, linker or emulator is missing, and installing them wants \
             root or sudo without a password: the NEON suite was not run. As root: \
             dpkg --add-architecture arm64; apt-get update; apt-get install {packages}"
        ));
    }
    eprintln!("the AArch64 compiler, library, linker or emulator is missing: installing with apt");
    needs::foreign("arm64")?;
    needs::packages(PACKAGES)?;
    if complete() {
        Ok(())
    } else {
        Err(format!("{packages} are installed, and do not work or are not where expected"))
    }
}
