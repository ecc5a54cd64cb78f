//! A disk that is full: what does not fit is refused and nothing of it remains, what was acknowledged stays, and as soon as
//! there is room again, changes are taken again.

use crate::client::Answer;
use crate::site::{Plan, Site};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A disk of its own for a folder, as long as this lives.
struct Disk(PathBuf);

impl Disk {
    /// `None`: whoever runs the test may mount none.
    fn mounted(at: &Path, size: &str) -> Option<Disk> {
        fs::create_dir_all(at).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !mounted {
            // Past the capture of libtest, so that it is seen.
            let _ = writeln!(std::io::stderr(), "skipped: a disk that is full needs root, to mount one");
        }
        mounted.then(|| Disk(at.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

const SIZE: usize = 32 << 10;

fn content(n: usize) -> String {
    format!("\"{n:08}{}\"", "x".repeat(SIZE))
}

fn put(site: &Site, n: usize) -> Answer {
    let content = content(n);
    let length = content.len();
    site.ask(format!(
        "PUT /notes/{n} HTTP/1.1\r\nHost: site.test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n\
         {content}"
    ))
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_takes_changes_again_when_there_is_room() {
    let plan = Plan::new().top("state = \"state\"").route("/notes/{id}", "documents = {}");
    let state = plan.public().join("../state");
    let Some(disk) = Disk::mounted(&state, "8m") else { return };
    fs::write(state.join("ballast"), vec![0; 3 << 20]).expect("room for it");
    let mut site = plan.start();
    let mut kept = Vec::new();
    for round in 0..2 {
        let from = round * 1000;
        let refused = (from..from + 1000).find_map(|n| {
            let answer = put(&site, n);
            match answer.status() {
                201 => {
                    kept.push(n);
                    None
                }
                _ => Some((n, answer)),
            }
        });
        let (n, answer) = refused.expect("the disk is full some time");
        assert_eq!((answer.status(), answer.reason()), (507, "disk-full".to_owned()), "{answer:?}");
        assert_eq!(site.get(&format!("/notes/{n}")).status(), 404, "nothing of it remains");
        assert!(kept.len() > 10 * (round + 1), "{} fit", kept.len());
        for n in &kept {
            assert_eq!(site.get(&format!("/notes/{n}")).text(), content(*n), "it was acknowledged");
        }
        match round {
            0 => fs::remove_file(state.join("ballast")).expect("there is room again"),
            _ => site.restart(),
        }
    }
    for n in &kept {
        assert_eq!(site.get(&format!("/notes/{n}")).text(), content(*n), "it was acknowledged");
    }
    site.stop();
    drop(disk);
}
