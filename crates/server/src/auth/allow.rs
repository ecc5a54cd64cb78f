//! `allow`: which of those who are known may read, and which may write.

use super::{Identity, Scheme};
use std::fmt;
use verdict_core::cause::Denied;
use verdict_core::method::Method;

/// Who may use a route; nobody else may.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Allow {
    /// Who may use the methods that change nothing: GET, HEAD, OPTIONS and TRACE.
    pub read: Vec<Who>,
    /// Who may use all others.
    pub write: Vec<Who>,
}

/// Some of those who are known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// `*`: all of them.
    Anybody,
    /// One, by name.
    User(String),
    /// `role:R`: those who have the role.
    Role(String),
    /// `scope:S`: those whose token has the scope.
    Scope(String),
}

/// What a request would do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Nothing that its client asked to change (RFC 9110 §9.2.1).
    Read,
    /// Whatever its method may.
    Write,
}

impl Access {
    /// A method that is not known may do anything.
    pub(crate) const fn of(method: Method) -> Access {
        match method {
            Method::Get | Method::Head | Method::Options | Method::Trace => Access::Read,
            Method::Post | Method::Put | Method::Delete | Method::Connect | Method::Patch | Method::Other => {
                Access::Write
            }
        }
    }
}

impl Who {
    /// As it is written in a config; `None` for what names nobody.
    pub(crate) fn parse(text: &str) -> Option<Who> {
        let who = match text.split_once(':') {
            None if text == "*" => Who::Anybody,
            None => Who::User(text.to_owned()),
            Some(("role", role)) => Who::Role(role.to_owned()),
            Some(("scope", scope)) => Who::Scope(scope.to_owned()),
            // As issuers of tokens write subjects: `auth0|1`, `urn:user:1`.
            Some(_) => Who::User(text.to_owned()),
        };
        match &who {
            Who::User(name) | Who::Role(name) | Who::Scope(name) if name.is_empty() => None,
            _ => Some(who),
        }
    }

    fn is(&self, identity: &Identity) -> bool {
        let has = |names: &[Box<str>], name: &str| names.iter().any(|known| **known == *name);
        match self {
            Who::Anybody => true,
            Who::User(name) => *identity.name == **name,
            Who::Role(role) => has(&identity.roles, role),
            Who::Scope(scope) => has(&identity.scopes, scope),
        }
    }
}

/// As it is written in a config.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Anybody => f.write_str("*"),
            Who::User(name) => f.write_str(name),
            Who::Role(role) => write!(f, "role:{role}"),
            Who::Scope(scope) => write!(f, "scope:{scope}"),
        }
    }
}

impl Allow {
    /// Whether somebody who is known may do that.
    pub(crate) fn permits(&self, identity: &Identity, access: Access) -> Result<(), Denied> {
        let who = self.who(access);
        if who.iter().any(|who| who.is(identity)) {
            return Ok(());
        }
        let scope_would_do = who.iter().any(|who| matches!(who, Who::Scope(_)));
        // Whoever sends a token can get one with more in it; whoever sends a password cannot.
        let scope_lacks = identity.scheme == Scheme::Bearer && scope_would_do;
        Err(if scope_lacks { Denied::Scope } else { Denied::User })
    }

    /// What somebody lacks who may not: `role "editor" or scope "notes:write"`. The names of those who may are nobody's
    /// business; `None` where it is only those.
    pub(crate) fn needed(&self, access: Access) -> Option<String> {
        let mut needed = self.who(access).iter().filter_map(|who| match who {
            Who::Role(role) => Some(format!("role \"{role}\"")),
            Who::Scope(scope) => Some(format!("scope \"{scope}\"")),
            Who::Anybody | Who::User(_) => None,
        });
        let mut told = needed.next()?;
        needed.for_each(|one| {
            told.push_str(" or ");
            told.push_str(&one);
        });
        Some(told)
    }

    /// The scopes of which one would do, with spaces between, as in RFC 6750 §3; empty where none would.
    pub(crate) fn scopes(&self, access: Access) -> String {
        let scopes = self.who(access).iter().filter_map(|who| match who {
            Who::Scope(scope) => Some(&**scope),
            _ => None,
        });
        scopes.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn who(&self, access: Access) -> &[Who] {
        match access {
            Access::Read => &self.read,
            Access::Write => &self.write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<Who> {
        texts.iter().map(|text| Who::parse(text).unwrap()).collect()
    }

    fn names(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    #[test]
    fn whoever_is_listed_may_and_nobody_else() {
        let ann = Identity::of_user("ann", names(&["editor"]));
        let ci = Identity::of_token("ci", names(&["robot"]), names(&["notes:read"]));
        let user = Err(Denied::User);
        let scope = Err(Denied::Scope);
        for (who, by_ann, by_ci) in [
            (&[][..], user, user),
            (&["*"], Ok(()), Ok(())),
            (&["ann"], Ok(()), user),
            (&["Ann", "an", "editor", "role:ann"], user, user),
            (&["role:editor", "ci"], Ok(()), Ok(())),
            (&["role:robot"], user, Ok(())),
            (&["scope:notes:read"], user, Ok(())),
            (&["scope:notes:write", "role:admin"], user, scope),
            (&["scope:notes"], user, scope),
        ] {
            let allow = Allow { read: list(who), write: Vec::new() };
            assert_eq!(allow.permits(&ann, Access::Read), by_ann, "{who:?}");
            assert_eq!(allow.permits(&ci, Access::Read), by_ci, "{who:?}");
            assert_eq!(allow.permits(&ann, Access::Write), user, "{who:?}");
        }
    }

    #[test]
    fn only_safe_methods_read() {
        for method in [Method::Get, Method::Head, Method::Options, Method::Trace] {
            assert_eq!(Access::of(method), Access::Read);
        }
        for method in [Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Connect, Method::Other] {
            assert_eq!(Access::of(method), Access::Write);
        }
    }

    #[test]
    fn what_is_lacking_is_told_without_the_names_of_others() {
        for (who, needed, scopes) in [
            (&[][..], None, ""),
            (&["ann", "bob"], None, ""),
            (&["ann", "role:editor"], Some("role \"editor\""), ""),
            (
                &["scope:notes:write", "role:admin", "scope:all"],
                Some("scope \"notes:write\" or role \"admin\" or scope \"all\""),
                "notes:write all",
            ),
        ] {
            let allow = Allow { read: Vec::new(), write: list(who) };
            assert_eq!(allow.needed(Access::Write).as_deref(), needed, "{who:?}");
            assert_eq!(allow.scopes(Access::Write), scopes, "{who:?}");
        }
    }

    #[test]
    fn what_names_nobody_is_not_taken() {
        for text in ["", "role:", "scope:"] {
            assert_eq!(Who::parse(text), None, "{text:?}");
        }
        for text in ["*", "ann", "role:a:b", "scope:a", "urn:user:1"] {
            assert_eq!(Who::parse(text).unwrap().to_string(), text);
        }
    }
}
