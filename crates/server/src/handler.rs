//! What answers a request once it is decided that it may: one file for each kind of route.

pub(crate) mod documents;
pub mod files;
pub(crate) mod idempotency;
pub(crate) mod jobs;
pub(crate) mod proxy;
pub(crate) mod redirect;
pub(crate) mod respond;
pub(crate) mod wrote;

use crate::config::Part;
use std::rc::Rc;

/// The kinds of routes.
pub(crate) enum Handler {
    Document(Rc<documents::Documents>),
    Collection(Rc<documents::Documents>),
    Files(files::Files),
    Jobs(jobs::Jobs, Part),
    Proxy(Rc<proxy::Proxy>),
    Redirect(redirect::Redirect),
    Respond(respond::Fixed),
    /// A bug, for the test that one request's bug is nobody else's.
    #[cfg(test)]
    Panicking,
}
