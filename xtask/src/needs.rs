//! Requirements besides the toolchain: found, or installed with a message.

use crate::{Outcome, shell};
use std::path::Path;
use std::process::Command;

/// Finds or installs libclang, which generates the bindings of RocksDB.
pub(crate) fn libclang() -> Outcome {
    if let Some(found) = find_libclang() {
        eprintln!("libclang (for RocksDB's bindings): {found}");
        return Ok(());
    }
    if !shell::works("apt-get", &["--version"]) {
        return Err("libclang is missing; RocksDB's bindings need it: install your system's clang development \
                    package, or set LIBCLANG_PATH to the folder of libclang.so"
            .into());
    }
    eprintln!("libclang is missing; RocksDB's bindings need it: installing libclang-dev with apt");
    packages(&["libclang-dev"])?;
    find_libclang().map(drop).ok_or_else(|| {
        "libclang-dev is installed, but libclang.so is not found: set LIBCLANG_PATH to its folder".into()
    })
}

/// Whether `cargo nextest` is installed. Without it the same tests run under `cargo test`.
pub(crate) fn nextest() -> bool {
    let found = shell::cargo(&["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!(
            "cargo-nextest is not installed: the tests run under `cargo test`, one binary after another, which takes \
             longer (`cargo install cargo-nextest --locked` installs it)"
        );
    }
    found
}

/// Installs packages of the system with apt.
pub(crate) fn packages(names: &[&str]) -> Outcome {
    let arguments = [&["install", "--yes", "--no-install-recommends"], names].concat();
    let install = || shell::step(apt(&arguments));
    // The first attempt may fail because package lists are missing.
    install().or_else(|_| {
        shell::step(apt(&["update"]))?;
        install()
    })
}

/// Adds another architecture, so that its packages can be installed.
pub(crate) fn foreign(architecture: &str) -> Outcome {
    let known = Command::new("dpkg").arg("--print-foreign-architectures").output();
    let known =
        known.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).lines().any(|line| line == architecture));
    if known {
        return Ok(());
    }
    shell::step(privileged("dpkg", &["--add-architecture", architecture]))?;
    shell::step(apt(&["update"]))
}

/// `apt-get`, without questions.
fn apt(arguments: &[&str]) -> Command {
    let mut command = privileged("apt-get", arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether [`packages`] and [`foreign`] have the rights that they need.
pub(crate) fn root() -> bool {
    is_root() || shell::works("sudo", &["-n", "true"])
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A program run as root, through `sudo -n` if needed.
fn privileged(program: &str, arguments: &[&str]) -> Command {
    let mut command = if is_root() {
        Command::new(program)
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", program]);
        sudo
    };
    command.args(arguments);
    command
}

/// Finds libclang as the bindings' generator does: in `LIBCLANG_PATH` or the usual folders.
fn find_libclang() -> Option<String> {
    if let Ok(path) = std::env::var("LIBCLANG_PATH") {
        return Some(path);
    }
    let mut folders: Vec<_> = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/opt/llvm/lib"]
        .map(|folder| Path::new(folder).to_path_buf())
        .to_vec();
    let below = |folder: &str| std::fs::read_dir(folder).into_iter().flatten().flatten();
    folders.extend(below("/usr/lib").map(|entry| entry.path()));
    folders.extend(below("/usr/lib").map(|entry| entry.path().join("lib")));
    folders.push("/Library/Developer/CommandLineTools/usr/lib".into());
    folders.iter().find_map(|folder| {
        std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (is_libclang(&name) && entry.path().exists()).then(|| entry.path().display().to_string())
        })
    })
}

/// Whether a name is `libclang.so`, `libclang.so.14`, `libclang-14.so.1` or similar; not `libclang-cpp.so`.
fn is_libclang(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libclang") else {
        return false;
    };
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    rest.starts_with("so") || rest == "dylib"
}

#[cfg(test)]
mod tests {
    use super::is_libclang;

    #[test]
    fn libclang_is_told_from_its_neighbours() {
        for name in ["libclang.so.14", "libclang-14.so.1", "libclang.so.1", "libclang-19.so"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclangAST.a", "libclang_rt.so", "libc.so.6", ""] {
            assert!(!is_libclang(name), "{name}");
        }
    }
}
