//! The memory that the process may use: a setting, or the limit of its control group.

use std::fmt;
use std::path::{Path, PathBuf};

use super::MIB;

/// The limit if nothing sets one. The chart gives a pod as much.
const DEFAULT: usize = 256 * MIB;
/// The most that is used of a control group's limit, which other processes may share.
const MOST_OF_CGROUP: usize = 1024 * MIB;
const CGROUP_ROOT: &str = "/sys/fs/cgroup";

/// The memory that the process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// In bytes.
    pub bytes: usize,
    /// The source of the limit.
    pub source: MemoryLimitSource,
}

/// The source of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryLimitSource {
    /// `server.memory_limit`.
    Setting,
    /// The control group of the process, up to 1 GiB of it.
    Cgroup,
    /// No other source has a limit: 256 MiB.
    Default,
}

impl MemoryLimit {
    /// The limit of the setting; else that of the process's control group; else the default. Reads
    /// files, so it blocks.
    #[must_use]
    pub fn find(setting: Option<usize>) -> Self {
        if let Some(bytes) = setting {
            let source = MemoryLimitSource::Setting;
            return Self { bytes, source };
        }
        let membership = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        match of_cgroups(Path::new(CGROUP_ROOT), &membership) {
            Some(bytes) => Self {
                bytes: bytes.min(MOST_OF_CGROUP),
                source: MemoryLimitSource::Cgroup,
            },
            None => Self::default(),
        }
    }
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self {
            bytes: DEFAULT,
            source: MemoryLimitSource::Default,
        }
    }
}

impl fmt::Display for MemoryLimitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Setting => "server.memory_limit",
            Self::Cgroup => "cgroup",
            Self::Default => "default",
        })
    }
}

/// The lowest limit of the process's control groups and those above them. `membership` is
/// `/proc/self/cgroup`: lines of `number:controllers:path`; version 2 has no controllers
/// (cgroups(7)). In a container, the path may be that of the host, and the root the container's
/// own.
fn of_cgroups(root: &Path, membership: &str) -> Option<usize> {
    let limits = membership.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let path = path.trim_start_matches('/');
        let is_memory = controllers.split(',').any(|name| name == "memory");
        match controllers {
            "" => lowest(root, path, "memory.max"),
            _ if is_memory => lowest(&root.join("memory"), path, "memory.limit_in_bytes"),
            _ => None,
        }
    });
    limits.min()
}

fn lowest(root: &Path, path: &str, file: &str) -> Option<usize> {
    let folder = root.join(path);
    let folders = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(root));
    folders.filter_map(|folder| read(&folder.join(file))).min()
}

/// The limit in a file. `None` if there is no such file, or no limit: `max` in version 2, and in
/// version 1 a number that no machine has.
fn read(file: &PathBuf) -> Option<usize> {
    let text = std::fs::read_to_string(file).ok()?;
    let bytes: usize = text.trim().parse().ok()?;
    (bytes < 1 << 60).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn root(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let process = std::process::id();
        let root = std::env::temp_dir().join(format!("watchword-cgroup-{name}-{process}"));
        for (file, text) in files {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        root
    }

    #[test]
    fn the_lowest_limit_on_the_way_to_the_root_counts() {
        let files = [
            ("kubepods/memory.max", "268435456\n"),
            ("kubepods/pod1/memory.max", "134217728\n"),
            ("kubepods/pod1/app/memory.max", "max\n"),
            ("memory/slice/memory.limit_in_bytes", "67108864\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        let root = root("limits", &files);
        let of = |membership| of_cgroups(&root, membership);
        assert_eq!(of("0::/kubepods/pod1/app\n"), Some(128 * MIB));
        assert_eq!(of("0::/kubepods\n"), Some(256 * MIB));
        assert_eq!(
            of("0::/other\n"),
            None,
            "the root of version 2 has no limit"
        );
        let first = "5:cpu,cpuacct:/slice\n4:memory:/slice\n";
        assert_eq!(of(first), Some(64 * MIB));
        assert_eq!(of("4:memory:/\n"), None, "as good as none");
        assert_eq!(of("4:cpu:/kubepods\n"), None);
        // A container sees the path of the host, and its own limit at the root.
        assert_eq!(of("4:memory:/docker/0123\n"), None);
        fs::write(root.join("memory.max"), "33554432").unwrap();
        assert_eq!(of("0::/../../pod9\n"), Some(32 * MIB));
        for odd in ["", "0", "0:", "0::", ":::", "nonsense"] {
            let _ = of(odd);
        }
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_setting_goes_before_what_the_system_says() {
        let limit = MemoryLimit::find(Some(64 * MIB));
        assert_eq!(
            (limit.bytes, limit.source),
            (64 * MIB, MemoryLimitSource::Setting)
        );
        let found = MemoryLimit::find(None);
        assert!(found.bytes > 0 && found.bytes <= MOST_OF_CGROUP);
    }
}
