//! Processes that end with the test process, however that ends.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Becomes the program in "$@", beside a watcher that kills it when our end of standard input
/// closes.
const ENDS_WITH_US: &str = r#"exec 3<&0 </dev/null
(read -r _ <&3; kill -9 $$ 2>/dev/null) &
exec "$@" 3<&-"#;

/// Removes the folder "$1" when our end of standard input closes, unless it has a file `keep`. The
/// processes that write to it are killed at the same moment, so a try may meet a new file.
const REMOVES_AFTER_US: &str = r#"read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
  if [ -e "$1/keep" ] || rm -rf "$1" 2>/dev/null; then exit; fi
  sleep 0.2
done"#;

/// A program that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program whose output goes to `NAME.log` in the folder, where it also runs.
pub(crate) fn start(
    folder: &Path,
    name: &str,
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
) -> Running {
    let log = File::create(folder.join(format!("{name}.log"))).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", ENDS_WITH_US, "sh"]).arg(program);
    shell.args(arguments).current_dir(folder);
    shell
        .stdin(Stdio::piped())
        .stderr(log.try_clone().unwrap())
        .stdout(log);
    let started = shell.spawn();
    Running(started.unwrap_or_else(|error| panic!("{shell:?}: {error}")))
}

/// The output of the program of this name, for messages.
pub(crate) fn log(folder: &Path, name: &str) -> String {
    let bytes = fs::read(folder.join(format!("{name}.log"))).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Removes the folder after the test process, unless a test panics. Drop does not run for what is
/// in a `static`.
pub(crate) fn remove_after_us(folder: &Path) -> Child {
    let keep = folder.join("keep");
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = File::create(&keep);
        hook(panic);
    }));
    let mut shell = Command::new("sh");
    shell.args(["-c", REMOVES_AFTER_US, "sh"]).arg(folder);
    // The pipes of a test runner would stay open in this process.
    shell
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    shell
        .spawn()
        .unwrap_or_else(|error| panic!("{shell:?}: {error}"))
}
