//! Which run of the machine this is.
//!
//! The kernel draws a name at every boot. What it says goes into the ledger; two runs of a process
//! under one name have the kernel's page cache in common.

/// The kernel's name for this boot; `None` where it tells none.
pub(crate) fn current() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let name = text.trim();
    (!name.is_empty()).then(|| name.to_string())
}
