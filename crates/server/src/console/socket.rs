//! The console's socket: a name in the file system that only its owner may open, from its first moment on.

use crate::server::StartError;
use rustix::fs::{Mode, fchmod};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 64;

/// A socket that is listened on, under a name that goes when it does.
pub(super) struct Socket {
    listener: UnixListener,
    /// The name that it is going to have.
    path: PathBuf,
    /// The name that it has.
    at: PathBuf,
    /// Device and inode: by then the name may be another's.
    identity: (u64, u64),
}

impl Socket {
    /// Listens under a name beside the one that it is going to have. The folder is made where it is missing. `succeeds`:
    /// whoever answers under that name leaves it to this one.
    pub(super) fn bind(path: &Path, succeeds: bool) -> Result<Socket, StartError> {
        let fail = |what: &str, error: io::Error| {
            StartError::new(format!("the console's socket {} {what}: {error}", path.display()), error)
        };
        if let Some(folder) = path.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| fail("has no folder; make it, or set `state` to another", error))?;
        }
        if !succeeds {
            is_free(path)?;
        }
        // No longer than the name that it is going to have, whose length the config has checked.
        let at = path.with_file_name(format!(".{:x}.sock", std::process::id()));
        let listener = listen_at(&at).map_err(|error| fail("cannot be bound; `state` sets its folder", error))?;
        let identity = identity(&at).map_err(|error| fail("cannot be looked at", error))?;
        Ok(Socket { listener, path: path.to_owned(), at, identity })
    }

    pub(super) const fn listener(&self) -> &UnixListener {
        &self.listener
    }

    /// Takes the name that it is for, from whoever had it.
    pub(super) fn name(&mut self) -> Result<(), StartError> {
        fs::rename(&self.at, &self.path).map_err(|error| {
            StartError::new(format!("the console's socket cannot be named {}: {error}", self.path.display()), error)
        })?;
        self.at.clone_from(&self.path);
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if identity(&self.at).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.at);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

fn stream() -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?)
}

fn listen_at(path: &Path) -> io::Result<UnixListener> {
    let address = SocketAddrUnix::new(path)?;
    match fs::remove_file(path) {
        // What a process with this number left when it was killed.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let socket = stream()?;
    // unix(7): the name is made with the mode of the socket. Made and then restricted, it would be open in between.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Whether nobody answers under this name: one that a server left when it was killed is free.
fn is_free(path: &Path) -> Result<(), StartError> {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(found) if !found.file_type().is_socket() => {
            let error = io::Error::from(io::ErrorKind::AlreadyExists);
            let sentence =
                format!("the console's socket cannot be {shown}: something else has that name; move it away");
            return Err(StartError::new(sentence, error));
        }
        Err(error) => {
            return Err(StartError::new(format!("the console's socket {shown} cannot be looked at: {error}"), error));
        }
        Ok(_) => {}
    }
    let asked =
        SocketAddrUnix::new(path).map_err(io::Error::from).and_then(|address| Ok(connect(stream()?, &address)?));
    match asked.map_err(|error| (Errno::from_io_error(&error), error)) {
        Err((Some(Errno::CONNREFUSED | Errno::NOENT), _)) => Ok(()),
        // EAGAIN: somebody is there and has much to do.
        Ok(()) | Err((Some(Errno::AGAIN), _)) => {
            let error = io::Error::from(io::ErrorKind::AddrInUse);
            let sentence = format!(
                "another server answers on the console's socket {shown}; stop it, or give this one a `state` of its own"
            );
            Err(StartError::new(sentence, error))
        }
        Err((_, error)) => {
            let sentence =
                format!("who has the console's socket {shown} cannot be told: {error}; remove it if nobody does");
            Err(StartError::new(sentence, error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn named(path: &Path, succeeds: bool) -> Socket {
        let mut socket = Socket::bind(path, succeeds).unwrap();
        socket.name().unwrap();
        socket
    }

    #[test]
    fn only_its_owner_may_open_it_and_it_goes_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/console.sock");
        let socket = named(&path, false);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(UnixStream::connect(&path).is_ok());
        drop(socket);
        assert_eq!(names(path.parent().unwrap()), [""; 0]);
    }

    #[test]
    fn one_that_nobody_answers_on_is_replaced_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.sock");
        // As a server leaves it that is killed.
        drop(UnixListener::bind(&path).unwrap());
        let first = named(&path, false);
        let refused = Socket::bind(&path, false).err().expect("somebody answers").to_string();
        assert!(refused.contains("another server answers"), "{refused}");
        // The process that follows takes the name over, and the first one leaves it to it.
        let second = named(&path, true);
        drop(first);
        assert!(UnixStream::connect(&path).is_ok());
        drop(second);
        fs::write(&path, "mine").unwrap();
        let refused = Socket::bind(&path, false).err().expect("it is a file").to_string();
        assert!(refused.contains("something else has that name"), "{refused}");
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(folder.path()).len()), ("mine", 1));
    }

    #[test]
    fn a_path_that_is_too_long_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Socket::bind(&folder.path().join("a".repeat(100)).join("console.sock"), false);
        assert!(refused.err().expect("a path has its end").to_string().contains("cannot be bound"));
    }
}
