//! What answers a request once it is decided that it may: one file for each kind of route.

pub mod files;
pub(crate) mod redirect;
pub(crate) mod respond;

/// The kinds of routes.
pub(crate) enum Handler {
    Files(files::Files),
    Redirect(redirect::Redirect),
    Respond(respond::Fixed),
    /// A bug, for the test that one request's bug is nobody else's.
    #[cfg(test)]
    Panicking,
}
