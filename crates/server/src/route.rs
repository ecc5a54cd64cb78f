//! Which route a request belongs to: the most specific pattern wins, whatever the order in the config.
//!
//! Rule: of the patterns that match a request, an exact host comes before a wildcard host (the longer suffix first) before
//! no host; under the same host, the pattern whose paths are a subset of the other's comes first. Two patterns under the
//! same host that share a path, neither being a subset of the other, are refused when the router is built, so the
//! answer is always one, and it is the one that a walk finds which tries a literal, then a name, then the rest.

mod pattern;
mod template;

pub use pattern::{Fault, Host, Mismatch, Pattern, Segment};
pub use template::Template;
pub(crate) use template::push_uri;

/// The most names that a pattern may have.
pub const MAX_NAMES: usize = 8;

/// What to make of a request that lacks only the slash after which a pattern's last part would begin:
/// `/docs` where the pattern is `/docs/{path...}` or `/docs/`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MissingSlash {
    /// The route asks for the slash: [`Found::SlashMissing`], unless a pattern without `{rest...}` matches exactly.
    Redirect,
    /// The route does not own that path.
    NotMine,
}

/// What a look-up found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The most specific pattern that matches.
    Match(Match),
    /// No pattern matches exactly, and this route would with a slash at the end of the path.
    SlashMissing {
        /// The route's index.
        route: usize,
    },
    /// No pattern matches.
    Nothing,
}

impl Found {
    /// The route's index, where there is one.
    #[inline]
    pub fn route(&self) -> Option<usize> {
        match self {
            Found::Match(Match { route, .. }) | Found::SlashMissing { route } => Some(*route),
            Found::Nothing => None,
        }
    }
}

/// A route, and what the names of its pattern stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Match {
    /// The route's index, in the order given to [`Router::new`].
    pub route: usize,
    spans: [(u32, u32); MAX_NAMES],
    names: u8,
}

impl Match {
    /// For each name of the pattern, from the left, the range of bytes of the path that it stands for.
    pub fn spans(&self) -> &[(u32, u32)] {
        &self.spans[..usize::from(self.names)]
    }

    /// What the name with this index stands for in the path that was looked up; empty for an index past the last.
    pub fn capture<'p>(&self, name: usize, path: &'p str) -> &'p str {
        self.spans().get(name).and_then(|&(from, to)| path.get(from as usize..to as usize)).unwrap_or("")
    }

    /// The same part of the path as it was sent, still percent-encoded. `path` is what was looked up, `raw` what it was
    /// decoded from; since `%2F` is never decoded, both have the same slashes.
    pub fn raw_capture<'r>(&self, name: usize, path: &str, raw: &'r str) -> &'r str {
        let Some(&(from, to)) = self.spans().get(name) else { return "" };
        let before = slashes(&path[..from as usize]);
        let inside = slashes(&path[from as usize..to as usize]);
        let Some(start) = nth_slash(raw, before).map(|slash| slash + 1) else { return "" };
        let end = nth_slash(raw, before + inside + 1).unwrap_or(raw.len());
        &raw[start..end]
    }
}

fn slashes(text: &str) -> usize {
    text.bytes().filter(|&b| b == b'/').count()
}

/// The offset of the `nth` slash, counted from one.
fn nth_slash(text: &str, nth: usize) -> Option<usize> {
    text.bytes().enumerate().filter(|&(_, b)| b == b'/').nth(nth.checked_sub(1)?).map(|(at, _)| at)
}

/// Two patterns that match the same request, neither being more specific.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ambiguity {
    /// The index of one.
    pub first: usize,
    /// The index of the other.
    pub second: usize,
    /// A path that both match.
    pub example: String,
    /// Whether they match exactly the same requests.
    pub same: bool,
}

/// The patterns of all routes, ready to be looked up.
#[derive(Clone, Debug, Default)]
pub struct Router {
    patterns: Vec<Pattern>,
    sites: Vec<Site>,
    nodes: Vec<Node>,
}

/// The patterns of one host. Sites are ordered as they are asked: exact hosts, wildcards from the longest, any.
#[derive(Clone, Debug)]
struct Site {
    host: Host,
    root: usize,
}

/// What may come next once the segments that lead here have matched.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Sorted by text; the empty one is a slash at the end of the pattern.
    literals: Vec<(Box<str>, usize)>,
    name: Option<usize>,
    /// The route whose pattern has `{rest...}` here.
    rest: Option<usize>,
    /// The route whose pattern ends here.
    end: Option<usize>,
    /// The route that would match if the path went on with a slash, and wants to be asked.
    slash: Option<usize>,
}

impl Router {
    /// Takes the patterns; a route is known by its index. All ambiguities are returned, not only the first.
    pub fn new(routes: impl IntoIterator<Item = (Pattern, MissingSlash)>) -> Result<Router, Vec<Ambiguity>> {
        let (patterns, missing_slash): (Vec<_>, Vec<_>) = routes.into_iter().unzip();
        let ambiguities = ambiguities(&patterns);
        if !ambiguities.is_empty() {
            return Err(ambiguities);
        }
        let mut router = Router::default();
        for (route, (pattern, missing_slash)) in patterns.iter().zip(missing_slash).enumerate() {
            router.insert(route, pattern, missing_slash);
        }
        router.sites.sort_by_key(|site| site.host.precedence());
        router.patterns = patterns;
        Ok(router)
    }

    /// The patterns, by route.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether any pattern has a host: if none has, it need not be known for [`Router::find`].
    #[inline]
    pub fn names_hosts(&self) -> bool {
        self.sites.iter().any(|site| site.host != Host::Any)
    }

    /// Looks up a request. `host` is without port, in any case, and may be empty; `path` begins with a slash and is
    /// percent-decoded but for `%2F`. Never allocates; visits each node of the patterns' tree at most once.
    pub fn find(&self, host: &str, path: &str) -> Found {
        if !path.starts_with('/') || u32::try_from(path.len()).is_err() {
            return Found::Nothing;
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        for site in &self.sites {
            if site.host.matches(host) {
                let mut walk =
                    Walk { nodes: &self.nodes, path: path.as_bytes(), spans: [(0, 0); MAX_NAMES], slash: None };
                let found = walk.run(site.root);
                if found != Found::Nothing {
                    return found;
                }
            }
        }
        Found::Nothing
    }

    fn insert(&mut self, route: usize, pattern: &Pattern, missing_slash: MissingSlash) {
        let mut node = match self.sites.iter().find(|site| site.host == *pattern.host()) {
            Some(site) => site.root,
            None => {
                let root = self.add_node();
                self.sites.push(Site { host: pattern.host().clone(), root });
                root
            }
        };
        for segment in pattern.segments() {
            let lacks_slash = match segment {
                Segment::Literal(text) => text.is_empty(),
                Segment::Name(_) => false,
                Segment::Rest(_) => true,
            };
            // `/docs/` is a subset of `/docs/{path...}` and so has the last word on `/docs`.
            if lacks_slash && missing_slash == MissingSlash::Redirect {
                let slot = &mut self.nodes[node].slash;
                if slot.is_none() || matches!(segment, Segment::Literal(_)) {
                    *slot = Some(route);
                }
            }
            node = match segment {
                Segment::Literal(text) => self.literal_child(node, text),
                Segment::Name(_) => self.name_child(node),
                Segment::Rest(_) => {
                    self.nodes[node].rest = Some(route);
                    return;
                }
            };
        }
        self.nodes[node].end = Some(route);
    }

    fn add_node(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    fn literal_child(&mut self, node: usize, text: &str) -> usize {
        match self.nodes[node].literal(text.as_bytes()) {
            Ok(child) => child,
            Err(place) => {
                let child = self.add_node();
                self.nodes[node].literals.insert(place, (text.into(), child));
                child
            }
        }
    }

    fn name_child(&mut self, node: usize) -> usize {
        self.nodes[node].name.unwrap_or_else(|| {
            let child = self.add_node();
            self.nodes[node].name = Some(child);
            child
        })
    }
}

impl Node {
    /// The node behind this literal segment, or where it would be inserted.
    fn literal(&self, text: &[u8]) -> Result<usize, usize> {
        self.literals.binary_search_by(|(literal, _)| literal.as_bytes().cmp(text)).map(|at| self.literals[at].1)
    }
}

/// One look-up under one host.
struct Walk<'r> {
    nodes: &'r [Node],
    path: &'r [u8],
    spans: [(u32, u32); MAX_NAMES],
    /// The first route met that lacks only a slash. No `{rest...}` that matches the path is more specific than it:
    /// with the slash both match, and the one whose rest begins later has fewer paths.
    slash: Option<usize>,
}

impl Walk<'_> {
    fn run(&mut self, root: usize) -> Found {
        let matched = self.step(root, 1, 0);
        match (matched, self.slash) {
            (Some((route, names, By::End)), _) | (Some((route, names, By::Rest)), None) => {
                Found::Match(Match { route, spans: self.spans, names })
            }
            (_, Some(route)) => Found::SlashMissing { route },
            (None, None) => Found::Nothing,
        }
    }

    /// Matches what follows the slash before `from`. Its depth is that of the patterns, not of the path.
    fn step(&mut self, node: usize, from: usize, names: u8) -> Option<(usize, u8, By)> {
        let nodes = self.nodes;
        let node = &nodes[node];
        let to = self.path[from..].iter().position(|&b| b == b'/').map_or(self.path.len(), |at| from + at);
        if let Ok(child) = node.literal(&self.path[from..to])
            && let Some(found) = self.descend(child, to, names)
        {
            return Some(found);
        }
        // A name never stands for nothing: `/notes/` is not a note.
        if to > from
            && let Some(child) = node.name
        {
            self.spans[usize::from(names)] = (from as u32, to as u32);
            if let Some(found) = self.descend(child, to, names + 1) {
                return Some(found);
            }
        }
        let route = node.rest?;
        self.spans[usize::from(names)] = (from as u32, self.path.len() as u32);
        Some((route, names + 1, By::Rest))
    }

    /// Goes on behind a segment that matched and ends at `to`.
    fn descend(&mut self, child: usize, to: usize, names: u8) -> Option<(usize, u8, By)> {
        if to < self.path.len() {
            return self.step(child, to + 1, names);
        }
        let child = &self.nodes[child];
        if child.end.is_none() {
            self.slash = self.slash.or(child.slash);
        }
        child.end.map(|route| (route, names, By::End))
    }
}

/// How a pattern matched: to its end, or by its `{rest...}`.
enum By {
    End,
    Rest,
}

/// Every two of the patterns that have a path in common and no order.
pub fn ambiguities(patterns: &[Pattern]) -> Vec<Ambiguity> {
    let mut found = Vec::new();
    for (second, b) in patterns.iter().enumerate() {
        for (first, a) in patterns[..second].iter().enumerate() {
            // Two different hosts are always in order, whether or not a request can belong to both.
            if a.host() != b.host() {
                continue;
            }
            let (a_covers, b_covers) = (a.covers(b), b.covers(a));
            if a_covers != b_covers {
                continue;
            }
            if let Some(example) = a.shared_path(b) {
                found.push(Ambiguity { first, second, example, same: a_covers });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
