//! From an old process to a new one: the listening sockets are inherited, so that at no time nobody listens, and no client
//! that waits in a queue is turned away. The old process stops when the new one says that it answers.

use crate::listen::Given;
use crate::server::Server;
use crate::systemd;
use rustix::fs::FileType;
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};
use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::{Child, Command};

/// Tells a new process what it inherits: `READY FD=ADDRESS FD=ADDRESS …`.
const VARIABLE: &str = "VERDICT_HAND_OVER";

/// Descriptors below are those of standard input, output and error.
const FIRST: RawFd = 3;

/// What is written when the new process answers, and behind it the addresses of its config: ` ADDRESS ADDRESS …`.
const READY: &str = "ready";

/// More than that is not read of it.
const LONGEST: u64 = 64 << 10;

/// What an old process left to this one.
#[derive(Default)]
pub(crate) struct Inherited {
    pub(crate) sockets: Vec<Given>,
    ready: Option<File>,
}

impl Inherited {
    /// Called once, before anything else of the process opens a descriptor.
    pub(crate) fn take() -> io::Result<Inherited> {
        let Some(text) = std::env::var_os(VARIABLE).and_then(|text| text.into_string().ok()) else {
            return Ok(Inherited::default());
        };
        let Some(Note { ready, sockets }) = Note::parse(&text) else {
            return Err(io::Error::other(format!("{VARIABLE} cannot be read: leave it to verdict")));
        };
        // A process further down inherits the variable and not the sockets.
        if !sockets.iter().all(|(descriptor, _)| systemd::is_listening(*descriptor)) || !is_pipe(ready) {
            return Ok(Inherited::default());
        }
        let sockets = sockets
            .into_iter()
            .map(|(descriptor, configured)| Ok(Given { configured, socket: systemd::inherited(descriptor)? }));
        let sockets = sockets.collect::<io::Result<_>>()?;
        // SAFETY: the parent says that the descriptor is open and ours, once.
        let ready = unsafe { OwnedFd::from_raw_fd(ready) };
        fcntl_setfd(&ready, FdFlags::CLOEXEC)?;
        Ok(Inherited { sockets, ready: Some(ready.into()) })
    }

    /// Whether an old process waits for this one to answer.
    pub(crate) fn is_expected(&self) -> bool {
        self.ready.is_some()
    }

    /// Tells the old process that this one answers, and where: whoever waits elsewhere is for the old one to accept.
    pub(crate) fn tell_ready(&mut self, configured: impl Iterator<Item = SocketAddr>) {
        if let Some(mut ready) = self.ready.take() {
            let mut word = READY.to_owned();
            for address in configured {
                let _ = write!(word, " {address}");
            }
            // An old process that is gone already needs no word.
            let _ = ready.write_all(word.as_bytes());
        }
    }
}

/// Where the process that this one takes over from listens, as its config says it.
pub fn inherited_addresses() -> Vec<SocketAddr> {
    let note = std::env::var(VARIABLE).ok().and_then(|text| Note::parse(&text));
    note.map_or(Vec::new(), |note| note.sockets.into_iter().map(|(_, address)| address).collect())
}

fn is_pipe(descriptor: RawFd) -> bool {
    // SAFETY: it is only asked what it is; a number that is no descriptor is answered with an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    rustix::fs::fstat(borrowed).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
}

/// [`VARIABLE`], read.
#[derive(PartialEq, Eq, Debug)]
struct Note {
    ready: RawFd,
    sockets: Vec<(RawFd, SocketAddr)>,
}

impl Note {
    fn parse(text: &str) -> Option<Note> {
        let mut words = text.split(' ');
        let ready = words.next()?.parse().ok()?;
        let sockets = words.map(|word| {
            let (descriptor, address) = word.split_once('=')?;
            Some((descriptor.parse().ok()?, address.parse().ok()?))
        });
        Some(Note { ready, sockets: sockets.collect::<Option<_>>()? })
    }
}

/// A new process that answers.
pub(crate) struct Answers {
    /// Its number.
    pub(crate) process: u32,
    /// The addresses of its config; `None` if it does not say, as the first version of the program did not.
    pub(crate) listens: Option<Vec<SocketAddr>>,
}

/// A new process that has been started and has not said yet that it answers.
pub(crate) struct Successor {
    process: Child,
    ready: File,
}

impl Successor {
    /// Starts this program anew, as it was started, with the sockets of `server`.
    pub(crate) fn start(server: &Server) -> io::Result<Successor> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        // Copies that a new program keeps, and that are closed here as soon as it has them.
        let mut inherited: Vec<OwnedFd> = vec![write];
        let mut text = inherited[0].as_raw_fd().to_string();
        for (configured, socket) in server.sockets() {
            let copy = fcntl_dupfd_cloexec(socket, FIRST)?;
            let _ = write!(text, " {}={configured}", copy.as_raw_fd());
            inherited.push(copy);
        }
        let mut command = Command::new(program()?);
        command.args(std::env::args_os().skip(1)).env(VARIABLE, text);
        // No other thread starts a program, so nobody else inherits them.
        inherited.iter().try_for_each(|descriptor| fcntl_setfd(descriptor, FdFlags::empty()))?;
        Ok(Successor { process: command.spawn()?, ready: read.into() })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it answers; an error says why it never will. Blocks.
    pub(crate) fn wait(mut self) -> io::Result<Answers> {
        let mut word = String::new();
        self.ready.take(LONGEST).read_to_string(&mut word)?;
        if let Some(addresses) = word.strip_prefix(READY) {
            return Ok(Answers { process: self.process.id(), listens: addresses_of(addresses) });
        }
        let status = self.process.wait()?;
        Err(io::Error::other(format!("it ended before it answered: {status}; what it says is above")))
    }
}

fn addresses_of(text: &str) -> Option<Vec<SocketAddr>> {
    let addresses: Vec<_> = text.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    (!addresses.is_empty()).then_some(addresses)
}

/// This program as it was named: what has been put in its place since, or what a link leads to now, is the one to start.
/// What runs already would follow a rename instead.
fn program() -> io::Result<PathBuf> {
    match std::env::args_os().next().filter(|name| !name.is_empty()) {
        Some(name) => Ok(name.into()),
        None => std::env::current_exe(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_new_process_listens_is_read_if_it_says_so() {
        let (v4, v6) = ("127.0.0.1:80".parse().unwrap(), "[::1]:0".parse().unwrap());
        for (text, expected) in
            [("", None), (" 127.0.0.1:80 [::1]:0", Some(vec![v4, v6])), (" 127.0.0.1:80 [::", None), (" x", None)]
        {
            assert_eq!(addresses_of(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_inherited_is_read_or_refused() {
        let (v4, v6) = ("127.0.0.1:80".parse().unwrap(), "[::1]:0".parse().unwrap());
        let note = |sockets| Some(Note { ready: 5, sockets });
        assert_eq!(Note::parse("5"), note(vec![]));
        assert_eq!(Note::parse("5 8=127.0.0.1:80 9=[::1]:0"), note(vec![(8, v4), (9, v6)]));
        for wrong in ["", "x", "5 8", "5 8=", "5 8=localhost:80", "5 x=127.0.0.1:80", "5  8=127.0.0.1:80"] {
            assert_eq!(Note::parse(wrong), None, "{wrong}");
        }
    }
}
