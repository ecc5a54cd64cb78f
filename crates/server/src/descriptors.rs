//! How many descriptors the process may have, and for how many connections that is room: each is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections that are let in beyond the limit, to be told that there is no room.
const TOLD: u64 = 64;

/// What the process has open for itself, with a few workers; what many have beyond that is of the share of files.
const OWN: u64 = 32;

/// One part in so many is left for files that are being sent.
const FILES: u64 = 8;

/// The most that the process may have: the hard limit of getrlimit(2), to which nobody but root can add.
pub(crate) fn most() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Lets the process have as many as that. The soft limit is there for programs that use select(2).
pub(crate) fn raise() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    // Should it be refused, it stays as it is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// How many connections there is room for among so many descriptors.
pub(crate) const fn room(most: u64) -> u64 {
    let others = most / FILES + OWN + told(most);
    // Of very few, a part: for the rest the kernel's queue is there.
    let least = if most < 4 { 1 } else { most / 4 };
    let rest = most.saturating_sub(others);
    if rest > least { rest } else { least }
}

/// How many more are let in among so many descriptors, only to be told that there is no room.
pub(crate) const fn told(most: u64) -> u64 {
    if most / FILES < TOLD { most / FILES } else { TOLD }
}

/// That so many connections do not fit, in a sentence without what to do.
pub(crate) fn too_many(connections: u64, most: u64) -> String {
    format!("{connections} connections do not fit in the {most} descriptors that this process may have")
}

/// What to do about it.
pub(crate) fn remedy(most: u64) -> String {
    format!(
        "{} do, and whoever comes beyond that gets 503: raise the hard limit (`ulimit -Hn`, `LimitNOFILE=` of systemd), or \
         set `connections` to that",
        room(most)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_those_who_are_told_and_for_files() {
        let cases = [
            (0, 1, 0),
            (24, 6, 3),
            (64, 16, 8),
            (256, 160, 32),
            (1024, 800, 64),
            (4096, 3488, 64),
            (u64::MAX, u64::MAX - u64::MAX / 8 - 96, 64),
        ];
        for (most, connections, beyond) in cases {
            assert_eq!((room(most), told(most)), (connections, beyond), "{most}");
        }
    }
}
