//! The origin of figures: the processor and the commit.

/// The processor's name, if the system has it. Virtual machines may give different processors one name.
pub(crate) fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let name = fields.find(|(key, _)| matches!(key.trim(), "model name" | "CPU part"));
    name.map_or(std::env::consts::ARCH, |(_, value)| value.trim()).to_owned()
}

/// The commit, if git knows it.
pub(crate) fn commit() -> Option<String> {
    let asked = std::process::Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"])
        .output()
        .ok()?;
    asked.status.success().then(|| String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}
