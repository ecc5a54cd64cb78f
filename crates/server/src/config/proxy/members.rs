//! `to`: the members of a `proxy`, and whom to believe that they are who they say.

use super::super::read::{Entry, Reader};
use super::super::{Kind, Listen, Part, Route};
use crate::upstream::{Host, Roots, Target};
use std::ops::Range;
use toml::de::DeValue;

const EXAMPLE: &str = "http://127.0.0.1:3000";

/// The members, none of them twice; `authorities` is the entry that stands beside. `None` once it is said what is wrong.
pub(super) fn read(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    authorities: Option<&Entry<'_, '_>>,
) -> Option<Vec<Target>> {
    let roots = authorities.map(|entry| self::authorities(reader, entry));
    if let DeValue::Array(values) = entry.value.get_ref()
        && values.is_empty()
    {
        let error = reader.findings.error(entry.span(), "there is nobody to ask");
        error.help(format!("write it as in `{} = [\"{EXAMPLE}\"]`", entry.key));
        return None;
    }
    let mut found: Vec<(Target, Range<usize>)> = Vec::new();
    let texts = reader.strings(entry, "a URL", EXAMPLE);
    for (text, span) in texts {
        let Some(target) = member(reader, text, span.clone()) else { continue };
        if let Some((_, earlier)) = found.iter().find(|(earlier, _)| earlier.is_origin_of(&target)) {
            let error = reader.findings.error(span, format!("`{target}` is listed twice"));
            error.also(earlier.clone(), "first here").help("keep one");
        } else {
            found.push((target, span));
        }
    }
    if let Some(entry) = authorities
        && !found.is_empty()
        && !found.iter().any(|(target, _)| target.is_secure())
    {
        let error = reader.findings.error(entry.key_span.clone(), "`authorities` without a member of `https://`");
        error.label("nobody shows a certificate").help("write `https://` in `to`, or remove it");
    }
    let roots = roots.map_or(Some(None), |roots| roots.map(Some))?;
    let trusting = |target: Target| match &roots {
        Some(roots) if target.is_secure() => target.trusting(roots),
        _ => target,
    };
    (!found.is_empty()).then(|| found.into_iter().map(|(target, _)| trusting(target)).collect())
}

/// `http://host[:port]`, `https://…`, or `unix:/path`.
fn member(reader: &mut Reader<'_>, text: &str, span: Range<usize>) -> Option<Target> {
    let parsed = match text.strip_prefix("unix:") {
        Some(path) => Target::socket(path),
        None => Target::parse(text),
    };
    let target = match parsed {
        Ok(target) => target,
        Err(why) => {
            let message = format!("`{}` names nobody to ask: {why}", text.escape_debug());
            let error = reader.findings.error(span, message);
            error.help(format!("write a member as in `{EXAMPLE}`, or `unix:/run/app.sock` for a socket"));
            return None;
        }
    };
    if target.path() == "/" {
        return Some(target);
    }
    // What is before the path has been read: it is there.
    let authority = text.find("://").map_or(0, |at| at + 3);
    let path = text[authority..].find(['/', '?']).map_or(text.len(), |at| authority + at);
    let (what, origin) = (if text[path..].starts_with('?') { "query" } else { "path" }, &text[..path]);
    let at = reader.within(span, text, path..text.len());
    let error = reader.findings.error(at, format!("a member has no {what}"));
    error.label("each request has its own").help(format!(
        "write `{}`: what is asked for goes there, without what `strip` names; a `redirect` can name another path",
        origin.escape_debug()
    ));
    None
}

/// The certificates of a PEM file, which is never served.
fn authorities(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Roots> {
    let text = reader.string(entry, "a file's path", "ca.pem")?;
    if text.is_empty() || text.contains('\0') {
        let error = reader.findings.error(entry.span(), format!("`{}` is not a file's path", text.escape_debug()));
        error.help("write it as in `authorities = \"ca.pem\"`");
        return None;
    }
    let path = reader.folder.join(text);
    reader.named_files.extend(path.canonicalize());
    // Asked before it is opened: opening a pipe waits.
    let read = match path.metadata() {
        Ok(metadata) if metadata.is_file() => Roots::read(&path),
        Ok(_) => Err(format!("{}: not a regular file", path.display())),
        Err(cause) => Err(format!("{}: {cause}", path.display())),
    };
    if let Err(why) = &read {
        let error = reader.findings.error(entry.span(), format!("`{}` names no authorities", text.escape_debug()));
        error
            .label(why.clone())
            .help("name a file of certificates in PEM: the path is relative to the config's folder");
    }
    read.ok()
}

/// Warns of members that are this server: a request would go round until it is found out. And of a queue whose jobs are to be
/// done by queueing them: each would make another.
pub(in super::super) fn asks_itself(
    reader: &mut Reader<'_>,
    listen: &[Listen],
    routes: &[Route],
    spans: &[Range<usize>],
) {
    for (route, span) in routes.iter().zip(spans) {
        let own = |target: &&Target| listen.iter().any(|listen| reaches(target, listen));
        let proxy = match &route.kind {
            Kind::Proxy(proxy) => proxy,
            Kind::Jobs(jobs, Part::Queue) => {
                let path = jobs.to.path().split('?').next().unwrap_or_default();
                if own(&&jobs.to) && jobs.pattern.as_str().ends_with(path) {
                    let title = format!("the jobs of `{}` are queued there again", route.pattern);
                    let warning = reader.findings.warning(span.clone(), title);
                    warning.label(format!("`{}` is this queue", jobs.to)).help("name who does them");
                }
                continue;
            }
            _ => continue,
        };
        if let Some(target) = proxy.to.iter().find(own) {
            let warning = reader.findings.warning(span.clone(), format!("`{}` asks this server itself", route.pattern));
            warning.label(format!("`{target}` is one of the addresses in `listen`"));
            warning.help("name the application's own address, or listen on another one");
        }
    }
}

/// Whether who asks the target from this machine reaches this address.
fn reaches(target: &Target, listen: &Listen) -> bool {
    let own = listen.address.ip();
    let same_port = target.port() == listen.address.port() && listen.address.port() != 0;
    same_port
        && match target.host() {
            Host::Address(address) => {
                // Whoever asks for no address in particular asks this machine.
                let local = address.is_loopback() || address.is_unspecified();
                let any = own.is_unspecified() || (own.is_loopback() && address.is_unspecified());
                own == *address || (any && local && own.is_ipv4() == address.is_ipv4())
            }
            Host::Name(name) => &**name == "localhost" && (own.is_loopback() || own.is_unspecified()),
            Host::Socket(_) => false,
        }
}
