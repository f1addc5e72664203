//! A Unix socket and its file, which has the right permissions and is removed in the end.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::{BACKLOG, SocketAccess};

#[derive(Debug)]
pub(super) struct UnixSocket {
    // Dropped first: while the socket is open, no other file can have its inode number.
    _file: SocketFile,
    listener: UnixListener,
}

impl UnixSocket {
    /// Listens at this path. Replaces the socket of an earlier process.
    ///
    /// # Errors
    /// Those of the system; also if a process listens there, or the file is of another kind.
    pub(super) async fn bind(path: &Path, access: SocketAccess) -> io::Result<Self> {
        remove_unused(path).await?;
        let socket = tokio::net::UnixSocket::new_stream()?;
        socket.bind(path)?;
        let file = SocketFile {
            path: path.to_owned(),
            identity: identity(path)?,
        };
        // Nobody can connect before it listens, so its permissions do not matter until then.
        if access.group.is_some() {
            chown(path, None, access.group)?;
        }
        fs::set_permissions(path, Permissions::from_mode(access.mode))?;
        Ok(Self {
            _file: file,
            listener: socket.listen(BACKLOG)?,
        })
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

async fn remove_unused(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if metadata.file_type().is_socket() => {}
        Ok(_) => {
            let problem = "it is a file, and no socket";
            return Err(io::Error::new(ErrorKind::AlreadyExists, problem));
        }
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        // Too busy to accept.
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
        _ => Err(io::Error::new(
            ErrorKind::AddrInUse,
            "another process listens on it",
        )),
    }
}

/// The file of a socket. It is removed in the end, unless another file has replaced it.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // If that fails, the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
