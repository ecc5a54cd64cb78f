//! Becoming another user once the sockets are bound.

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::io;

/// passwd(5)
const USERS: &str = "/etc/passwd";

pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// Whether there is a user of this name.
pub(crate) fn exists(name: &str) -> io::Result<bool> {
    Ok(find(&std::fs::read_to_string(USERS)?, name).is_some())
}

/// Becomes the user for good. Called before there are other threads, since Linux keeps who one is for each thread apart,
/// and a new thread inherits it.
pub(crate) fn become_user(name: &str) -> io::Result<()> {
    let users = std::fs::read_to_string(USERS)?;
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let Some((uid, gid)) = find(&users, name) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such user in /etc/passwd"));
    };
    let mut member_of: Vec<Gid> = memberships(&groups, name).map(Gid::from_raw).collect();
    member_of.push(Gid::from_raw(gid));
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    // A process that was started by one of that user is not asked to become it.
    if geteuid() == uid {
        return Ok(());
    }
    set_thread_groups(&member_of)?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

/// A user's id and group from the lines of passwd(5): `name:password:uid:gid:…`.
fn find(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        found.then_some((uid, gid))
    })
}

/// The groups that list the user, from the lines of group(5): `name:password:gid:user,user`.
fn memberships<'a>(groups: &'a str, name: &'a str) -> impl Iterator<Item = u32> + 'a {
    groups.lines().filter_map(move |line| {
        let mut fields = line.split(':').skip(2);
        let (gid, users) = (fields.next()?.parse().ok()?, fields.next()?);
        users.split(',').any(|user| user == name).then_some(gid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_with_their_groups() {
        let users = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:34::/:/bin/false\n";
        assert_eq!(find(users, "www"), Some((33, 34)));
        assert_eq!(find(users, "ww"), None);
        let groups = "adm:x:4:www,other\nwww:x:34:\ntls:x:50:other\nlogs:x:60:www\n";
        assert_eq!(memberships(groups, "www").collect::<Vec<_>>(), [4, 60]);
    }
}
