//! What a process that is gone was about to do, settled or taken back by what is found on the disk.
//!
//! The rule. A file that was to be put: its temporary file is still there, so it did not get its name; it is removed, and the
//! intent abandoned. It is gone: then it has got its name, or was never made; either way the file that is there now is what
//! counts, and if none is there nothing does. A file that was to be deleted: if it is gone it was, and if it is there it was
//! not. The folder is synced before the store is told, so that power that fails now takes nothing back.

use super::place::split;
use crate::config::{Config, Kind};
use crate::disk::Root;
use crate::log;
use crate::store::{Intended, Intent, Store, What};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::sync::Arc;
use verdict_core::cause::Failure;

/// What became of an intent.
#[derive(PartialEq, Eq, Debug)]
enum Became {
    Done {
        bytes: u64,
    },
    Nothing,
    /// It cannot be told: the disk says no.
    Unknown,
}

/// Settles or abandons what is unfinished. `roots` are the routes' folders. Waits for the disk.
pub(crate) async fn reconcile(store: &Store, config: &Config, roots: &[Option<Arc<Root>>]) -> Result<(), Failure> {
    for intent in store.unfinished().await? {
        let Intended { route, path, .. } = &intent.intended;
        let of_route = config.routes.iter().zip(roots).find_map(|(known, root)| {
            let takes = matches!(&known.kind, Kind::Files(files) if files.upload.is_some());
            (takes && known.pattern.as_str() == route).then_some(root.as_ref()).flatten()
        });
        let Some(root) = of_route else {
            log::operation(format_args!(
                "`{}` of `{route}` was about to be changed by a process that is gone, and no route has uploads by that name any \
                 more: it is looked at when one has, at a start or a reload",
                path.escape_debug()
            ));
            continue;
        };
        let became = look(root, &intent);
        match became {
            Became::Done { bytes } => store.settle(intent, bytes).await?,
            Became::Nothing => store.abandon(intent).await?,
            Became::Unknown => log::operation(format_args!(
                "what became of `{}` of `{route}`, which a process that is gone was about to change, cannot be told: the disk \
                 does not say; it is looked at again at the next start",
                path.escape_debug()
            )),
        }
    }
    Ok(())
}

fn look(root: &Root, intent: &Intent) -> Became {
    let Intended { path, what, .. } = &intent.intended;
    if let What::Put { temporary, .. } = what {
        let (above, name) = split(temporary);
        match root.folder(above).and_then(|folder| folder.remove(name).and_then(|()| folder.sync())) {
            Ok(()) => return Became::Nothing,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::XDEV) => {}
            Err(_) => return Became::Unknown,
        }
    }
    let (above, name) = split(path);
    let found = root.folder(above).and_then(|folder| {
        let found = folder.look(name);
        folder.sync()?;
        found
    });
    match (found, what) {
        (Ok((FileType::RegularFile, identity)), What::Put { .. }) => Became::Done { bytes: identity.size },
        (Err(Errno::NOENT | Errno::NOTDIR | Errno::XDEV), What::Delete { .. }) => Became::Done { bytes: 0 },
        (Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::XDEV), _) => Became::Nothing,
        (Err(_), _) => Became::Unknown,
    }
}
