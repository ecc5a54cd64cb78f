//! The config as a worker uses it: routes ready to answer, with what each adds to every answer. A reload makes a new one.

use crate::config::{self, Config, Explain, HintsTo, Kind, Limits};
use crate::disk::Root;
use crate::gates::{Gates, Shared};
use crate::handler::documents::{Documents, OF_COLLECTION, OF_DOCUMENT};
use crate::handler::files::upload::{Turns, Uploads};
use crate::handler::jobs::Jobs;
use crate::handler::proxy::{self, Proxy};
use crate::handler::{Handler, files::Files, redirect::Redirect, respond::Fixed};
use crate::kept::{Kept, Purpose};
use crate::metrics::Tally;
use crate::named::{self, Named, canonical};
use crate::request::Request;
use crate::route::Found;
use crate::store::Reader;
use crate::tls::{Secure, Tickets};
use crate::upstream::{Member, Members};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use verdict_core::method::{Method, MethodSet};
use verdict_core::status::Status;

/// What can be made once for all workers and may fail: folders opened, pages read.
pub(crate) struct Opened {
    pub(crate) config: Config,
    /// How many configs came before it, of this process.
    pub(crate) number: u32,
    pub(crate) gates: Shared,
    /// By route: the folder of a `files` route.
    roots: Vec<Option<Arc<Root>>>,
    /// By route: what of that folder is being changed, where some route may.
    turns: Vec<Option<Arc<Turns>>>,
    /// By route: who can be asked by a `proxy` route.
    members: Vec<Option<Arc<Members>>>,
    /// By route: custom error pages by status code.
    pages: Vec<BTreeMap<u16, Arc<str>>>,
    named: Arc<Named>,
    /// The keys by which sessions are resumed.
    tickets: Tickets,
    /// What connections of `https://` addresses begin with.
    pub(crate) secure: Option<Secure>,
    /// The store, where a route keeps something.
    pub(crate) kept: Option<Kept>,
}

/// A file or folder that the config names and that cannot be opened.
#[derive(Debug)]
pub struct Unopened {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl std::fmt::Display for Unopened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot open {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for Unopened {}

impl Opened {
    /// `before`: what is open already, of which is kept what counts. `purpose`: what the store is opened for.
    pub(crate) fn open(config: Config, before: Option<&Opened>, purpose: Purpose) -> Result<Opened, Unopened> {
        let gates =
            Shared::open(&config, before.map(|before| (&before.config, &before.gates))).map_err(|unusable| {
                let error = io::Error::new(io::ErrorKind::InvalidData, unusable.to_string());
                Unopened { path: unusable.path, error }
            })?;
        let unopened = |path: &PathBuf| {
            let path = path.clone();
            move |error| Unopened { path, error }
        };
        let mut roots = Vec::new();
        let mut pages = Vec::new();
        for route in &config.routes {
            roots.push(match &route.kind {
                Kind::Files(files) => Some(Arc::new(Root::at(&files.root).map_err(unopened(&files.root))?)),
                _ => None,
            });
            let mut texts = BTreeMap::new();
            for (status, path) in &route.pages {
                texts.insert(*status, std::fs::read_to_string(path).map_err(unopened(path))?.into());
            }
            pages.push(texts);
        }
        if roots.iter().any(Option::is_some) {
            Named::can_be_told().map_err(unopened(&PathBuf::from(named::OPEN)))?;
        }
        let named = Arc::new(Named::new(config.named_files.clone(), config.state()));
        let tickets = before.map_or_else(Tickets::new, |before| before.tickets.clone());
        let secure = config.tls.as_ref().map(|tls| Secure::new(&tls.certificates, &tickets));
        let kept = Kept::open(&config, &roots, before.and_then(|before| before.kept.as_ref()), purpose)?;
        let turns = turns(&config, before);
        let members = Members::of_routes(&config, before.map(|before| (&before.config, &*before.members)));
        let number = before.map_or(0, |before| before.number.wrapping_add(1));
        Ok(Opened { config, number, gates, roots, turns, members, pages, named, secure, tickets, kept })
    }
}

impl Opened {
    /// Who can be asked by a `proxy` route.
    pub(crate) fn members(&self, route: usize) -> Option<&Arc<Members>> {
        self.members.get(route)?.as_ref()
    }

    /// Everybody whose health is checked, with the pattern of the route: of others nobody can say how they are.
    pub(crate) fn all_members(&self) -> Vec<(String, Arc<Member>)> {
        let of_route = |(route, members): (&config::Route, &Option<Arc<Members>>)| {
            let pattern = route.pattern.as_str();
            let checked = matches!(&route.kind, Kind::Proxy(proxy) if proxy.health.is_some());
            let all = members.iter().filter(|_| checked).flat_map(|members| members.all());
            all.map(|member| (pattern.to_owned(), member.clone())).collect::<Vec<_>>()
        };
        self.config.routes.iter().zip(&self.members).flat_map(of_route).collect()
    }
}

/// By route: what takes turns in its folder, one for all routes of a folder that one of them may change. It is the same before
/// and after a reload, since requests of both may be on their way.
fn turns(config: &Config, before: Option<&Opened>) -> Vec<Option<Arc<Turns>>> {
    let folder = |route: &config::Route| match &route.kind {
        Kind::Files(files) => Some(canonical(&files.root)),
        _ => None,
    };
    let mut known: BTreeMap<PathBuf, Arc<Turns>> = BTreeMap::new();
    for (route, turns) in before.into_iter().flat_map(|before| before.config.routes.iter().zip(&before.turns)) {
        if let (Some(folder), Some(turns)) = (folder(route), turns) {
            known.insert(folder, turns.clone());
        }
    }
    for route in &config.routes {
        if let (Kind::Files(files), Some(folder)) = (&route.kind, folder(route))
            && files.upload.is_some()
        {
            known.entry(folder).or_default();
        }
    }
    config.routes.iter().map(|route| known.get(&folder(route)?).cloned()).collect()
}

/// One worker's view.
pub(crate) struct Site {
    pub(crate) opened: Arc<Opened>,
    pub(crate) routes: Vec<Route>,
    /// What the wire enforces before a route is known.
    pub(crate) wire: verdict_wire::Limits,
    /// What a message gets that no route is known for.
    pub(crate) nowhere: Rc<Common>,
    pub(crate) tally: Tally,
}

/// One route.
pub(crate) struct Route {
    pub(crate) handler: Handler,
    pub(crate) common: Rc<Common>,
    /// The methods that its targets take.
    pub(crate) allow: MethodSet,
    pub(crate) gates: Option<Box<Gates>>,
}

/// What every answer of a route has in common.
pub(crate) struct Common {
    /// `headers` of the config.
    pub(crate) headers: Vec<(String, String)>,
    /// Pages for browsers, by status code.
    pub(crate) pages: BTreeMap<u16, Arc<str>>,
    /// The `Link` values of a 103.
    pub(crate) hints: Vec<String>,
    pub(crate) hints_to_all: bool,
    pub(crate) explain: Explain,
    /// Bytes of content that a request may have.
    pub(crate) body: u64,
    /// Bytes of target and header section, where the route is stricter than the server.
    pub(crate) target: u64,
    pub(crate) fields: u64,
    /// The route demands `Content-Length` of a request with content.
    pub(crate) length_required: bool,
}

impl Common {
    /// What a message gets that no route is known for.
    pub(crate) fn of_no_route(config: &Config) -> Common {
        Common {
            headers: Vec::new(),
            pages: BTreeMap::new(),
            hints: Vec::new(),
            hints_to_all: false,
            explain: config.explain,
            body: config.limits.body,
            target: config.limits.target,
            fields: config.limits.fields,
            length_required: false,
        }
    }

    pub(crate) fn page(&self, status: Status) -> Option<&str> {
        self.pages.get(&status.code()).map(|page| &**page)
    }

    /// Whether the config sets this field itself.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// What a target takes that says nothing else: reading.
pub(crate) const READING: MethodSet = MethodSet::of(&[Method::Get, Method::Head, Method::Options]);

/// Every method but those that no target of ours takes.
const ANY: MethodSet = MethodSet::of(&[
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Delete,
    Method::Options,
    Method::Patch,
]);

impl Site {
    /// A worker's.
    pub(crate) fn new(opened: Arc<Opened>, tally: Tally) -> Site {
        let store = opened.kept.as_ref().and_then(Kept::for_worker);
        Site::with(opened, store, tally)
    }

    /// The same with a reader of the store, which there has to be where a route keeps something.
    pub(crate) fn with(opened: Arc<Opened>, store: Option<Rc<Reader>>, tally: Tally) -> Site {
        let config = &opened.config;
        let wire = verdict_wire::Limits {
            target: config.limits.target as usize,
            fields: config.limits.fields as usize,
            ..verdict_wire::Limits::default()
        };
        let mut documents = None;
        let routes = config.routes.iter().enumerate().map(|(i, route)| {
            let common = Rc::new(Common {
                headers: route.headers.clone(),
                pages: opened.pages[i].clone(),
                hints: route.hints.clone(),
                hints_to_all: route.hints_to == HintsTo::All,
                explain: config.explain,
                body: route.limits.body,
                target: route.limits.target,
                fields: route.limits.fields,
                length_required: route.length_required,
            });
            let (handler, allow) = match (&route.kind, &opened.roots[i]) {
                #[cfg(test)]
                _ if route.pattern.as_str() == "/panicking" => (Handler::Panicking, ANY),
                (Kind::Files(files), Some(root)) => {
                    let turns = opened.turns[i].clone();
                    let uploads = match (&files.upload, &turns, &store) {
                        (Some(upload), Some(turns), Some(reader)) => {
                            let pattern = route.pattern.as_str();
                            Some(Uploads::new(upload.clone(), pattern, reader.clone(), turns.clone()))
                        }
                        _ => None,
                    };
                    let allow = uploads.as_ref().map_or(READING, Uploads::allow);
                    (Handler::Files(Files::new(files, root.clone(), opened.named.clone(), turns, uploads)), allow)
                }
                (Kind::Redirect(redirect), _) => (Handler::Redirect(Redirect::new(redirect)), ANY),
                (Kind::Respond(respond), _) => (Handler::Respond(Fixed::new(respond, &common)), ANY),
                (Kind::Document(config), _) => {
                    let (Some(reader), Some(collection)) =
                        (&store, opened.kept.as_ref().and_then(|kept| kept.collection(i)))
                    else {
                        unreachable!("`Opened::open` opens the store for each documents route, once for each worker")
                    };
                    let made = Rc::new(Documents::new(config.clone(), collection, reader.clone()));
                    documents = Some(made.clone());
                    (Handler::Document(made), OF_DOCUMENT)
                }
                (Kind::Collection(_), _) => {
                    let Some(documents) = documents.take() else {
                        unreachable!("a collection comes behind its documents")
                    };
                    (Handler::Collection(documents), OF_COLLECTION)
                }
                (Kind::Jobs(config, part), _) => {
                    let Some(reader) = &store else {
                        unreachable!("`Opened::open` opens the store for each jobs route")
                    };
                    (Handler::Jobs(Jobs::new(config.clone(), reader.clone()), *part), Jobs::allow(*part))
                }
                (Kind::Proxy(config), _) => {
                    let Some(members) = opened.members(i) else {
                        unreachable!("`Opened::open` makes the members of each proxy route")
                    };
                    (Handler::Proxy(Rc::new(Proxy::new(config.clone(), members))), proxy::ALLOW)
                }
                (Kind::Files(_), None) => unreachable!("`Opened::open` opens the root of each files route"),
            };
            Route { handler, common, allow, gates: Gates::of(route, i, &opened.gates) }
        });
        let routes = routes.collect();
        let nowhere = Rc::new(Common::of_no_route(config));
        Site { wire, routes, nowhere, tally, opened }
    }

    /// The limits of a route, or those that hold before one is known.
    pub(crate) fn limits(&self, route: Option<usize>) -> &Limits {
        let config = &self.opened.config;
        route.map_or(&config.limits, |i| &config.routes[i].limits)
    }

    /// The route of a request.
    #[inline]
    pub(crate) fn find(&self, request: &Request<'_>) -> Found {
        if let (Some((router, route)), None) = (&self.opened.config.to_https, request.served) {
            return match router.find("", &request.path) {
                Found::Match(mut matched) => {
                    matched.route = *route;
                    Found::Match(matched)
                }
                other => other,
            };
        }
        let router = &self.opened.config.router;
        let host = if router.names_hosts() { request.host() } else { "" };
        router.find(host, &request.path)
    }

    /// Closes connections to upstreams that nobody has needed for a while. `now`: the tick that it is.
    pub(crate) fn close_idle(&self, now: u32) {
        for route in &self.routes {
            if let Handler::Proxy(proxy) = &route.handler {
                proxy.pool.sweep(now);
            }
        }
    }

    /// Forgets what nobody has asked for in a while.
    pub(crate) fn forget(&self, now_ns: i64) {
        if let Some(kept) = &self.opened.kept {
            kept.tick();
        }
        for route in &self.routes {
            if let Handler::Files(files) = &route.handler {
                files.forget(now_ns);
            }
        }
    }
}
