//! Server processes: started on chosen cores, measured through `/proc`, ended.

use crate::failure::{Failure, While};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a server is to be run.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// The cores that it may use; any where none is named.
    pub(crate) cores: &'a [usize],
    /// The connections that it is to have room for, of one client too, where that is more than it has by itself.
    pub(crate) room: Option<u32>,
    /// Whether it logs each answer, to a file.
    pub(crate) log: bool,
}

/// A server process; it is killed when dropped.
pub(crate) struct Server {
    child: Child,
    name: &'static str,
    said: PathBuf,
}

impl Server {
    /// Starts a server and waits until it accepts connections. What it says goes to a file in `folder`.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        cores: &[usize],
        address: SocketAddr,
        folder: &Path,
    ) -> Result<Server, Failure> {
        let said = folder.join(format!("{name}.out"));
        let out = emptied(&said).and_then(|file| Ok((file.try_clone()?, file)));
        let (out, err) = out.while_trying(format_args!("write {}", said.display()))?;
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let child = on_cores(cores, || command.spawn()).while_trying(format_args!("start {name}"))?;
        let mut server = Server { child, name, said };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if server.child.try_wait().is_ok_and(|ended| ended.is_some()) || begun.elapsed() > PATIENCE {
                return Err(server.failed("does not start"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// User and system time of the process since it started, all its threads, the ended ones too. The kernel counts it to the
    /// nanosecond (their sum, not how it divides) and says it in ticks, which are 10 ms.
    pub(crate) fn cpu_time(&self) -> Result<Duration, Failure> {
        let ticks = self.read("stat")?;
        // proc_pid_stat(5): the second field is in parentheses and may hold anything; utime and stime are fields 14 and 15.
        let numbers = ticks.rsplit_once(')').map_or("", |(_, numbers)| numbers).split_ascii_whitespace();
        let ticks: u64 = numbers.skip(11).take(2).filter_map(|number| number.parse::<u64>().ok()).sum();
        Ok(Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100))
    }

    /// How long its threads have waited for a core, those that are there.
    pub(crate) fn waited(&self) -> Result<Duration, Failure> {
        let path = format!("/proc/{}/task", self.child.id());
        let doing = format!("read {path} of {}", self.name);
        let mut waited = 0;
        for thread in fs::read_dir(&path).while_trying(&doing)? {
            let numbers = thread.and_then(|thread| fs::read_to_string(thread.path().join("schedstat")));
            // Time on a core, then time in which it waited for one, in nanoseconds.
            let numbers = numbers.while_trying(&doing)?;
            waited +=
                numbers.split_ascii_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(waited))
    }

    /// The file of what it says, on both streams. It is appended to, so that it may be emptied in between.
    pub(crate) fn said(&self) -> &Path {
        &self.said
    }

    /// Resident bytes, each page that is shared divided among its processes.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        let lines = self.read("smaps_rollup")?;
        let pss =
            lines.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        pss.map(|kib| kib * 1024).ok_or_else(|| self.failed("has no Pss in smaps_rollup"))
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let stopping = format!("stop {}", self.name);
        kill_process(self.pid(), Signal::TERM).map_err(io::Error::from).while_trying(&stopping)?;
        let begun = Instant::now();
        while self.child.try_wait().while_trying(&stopping)?.is_none() {
            if begun.elapsed() > PATIENCE {
                return Err(self.failed("does not end"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// The failure of something that was tried with the server, or why the server is there no more, which explains it better.
    pub(crate) fn explain(&mut self, failure: Failure) -> Failure {
        // A connection is reset a moment before its process has ended.
        thread::sleep(Duration::from_millis(500));
        match self.child.try_wait() {
            Ok(Some(status)) => self.failed(&format!("ended by itself, {status}")),
            _ => failure,
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn read(&self, file: &str) -> Result<String, Failure> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).while_trying(format_args!("read {path} of {}", self.name))
    }

    fn failed(&self, what: &str) -> Failure {
        let said = fs::read(&self.said).unwrap_or_default();
        Failure::Wrong(format!("{} {what}; it said:\n{}", self.name, String::from_utf8_lossy(&said).trim_end()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file with nothing in it, to be appended to.
pub(crate) fn emptied(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    file.set_len(0)?;
    Ok(file)
}

/// Does something, which may start processes, on the cores, or on any where none is named: a thread of its own takes the
/// affinity and children inherit it.
pub(crate) fn on_cores<T: Send>(cores: &[usize], work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    if cores.is_empty() {
        return work();
    }
    let pinned = || {
        pin(cores)?;
        work()
    };
    thread::scope(|scope| scope.spawn(pinned).join()).unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
}

/// Has this thread run on these cores and no other.
pub(crate) fn pin(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    Ok(sched_setaffinity(None, &set)?)
}

/// The cores that this process may run on.
pub(crate) fn cores() -> Result<Vec<usize>, Failure> {
    let set = sched_getaffinity(None).map_err(io::Error::from).while_trying("ask for the cores")?;
    Ok((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
}

/// A port of the loopback that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).while_trying("find a free port")
}

/// Lets this process and its children have `files` files open.
pub(crate) fn allow_files(files: u64) -> Result<(), Failure> {
    let hard = getrlimit(Resource::Nofile).maximum;
    if hard.is_some_and(|hard| hard < files) {
        return Err(Failure::Wrong(format!("{files} open files are needed and `ulimit -Hn` allows fewer: raise it")));
    }
    setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard })
        .map_err(io::Error::from)
        .while_trying("raise the limit of open files")
}
