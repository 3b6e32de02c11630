//! The peak memory of this process.

/// The peak resident memory in bytes, including mapped files (`VmHWM` of `/proc/self/status`). `None` if unknown.
pub(crate) fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_process_has_memory() {
        let held = std::hint::black_box(vec![1u8; 8 << 20]);
        assert!(super::peak_bytes().unwrap() > held.len() as u64);
    }
}
