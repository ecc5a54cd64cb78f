//! Who asks: the credentials of `Authorization` (RFC 9110 §11.6.2), verified as a `[auth.NAME]` of the config says; and the
//! files in which users and tokens stand.
//!
//! Rule: what is secret is never kept, shown or told. Files have hashes, memory has marks of credentials under a random key, and
//! what is not taken is a cause without a word of what was sent. Nobody but the log learns whether it was the user or the
//! password that was wrong, not by the answer and not by its time.

mod allow;
mod basic;
mod challenge;
mod create;
mod failures;
mod file;
mod htpasswd;
mod jwt;
mod remembered;
mod tokens;
mod verifier;

pub(crate) use allow::Access;
pub use allow::{Allow, Who};
pub use create::{Unfit, hash_password, hash_token, line, make_token};
pub(crate) use file::Unusable;

use crate::config;
use crate::disk::Wait;
use basic::Passwords;
use challenge::Challenges;
use file::SecretFile;
use jwt::{Keys, Rules};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use tokens::Tokens;
use verdict_core::cause::Unidentified;
use verdict_core::field::authorization::Credentials;

/// Somebody who is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    /// A user's or a token's name, or a JWT's `sub`; not empty.
    pub(crate) name: Box<str>,
    pub(crate) roles: Vec<Box<str>>,
    pub(crate) scopes: Vec<Box<str>>,
    /// How they said who they are.
    pub(crate) scheme: Scheme,
}

/// An authentication scheme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    /// RFC 7617
    Basic,
    /// RFC 6750
    Bearer,
}

impl Identity {
    pub(crate) fn of_user(name: &str, roles: Vec<Box<str>>) -> Identity {
        Identity { name: name.into(), roles, scopes: Vec::new(), scheme: Scheme::Basic }
    }

    pub(crate) fn of_token(name: &str, roles: Vec<Box<str>>, scopes: Vec<Box<str>>) -> Identity {
        Identity { name: name.into(), roles, scopes, scheme: Scheme::Bearer }
    }
}

/// One `[auth.NAME]` at work: opened once, shared by all workers.
pub(crate) struct Guard {
    realm: String,
    passwords: Option<Passwords>,
    tokens: Option<SecretFile<Tokens>>,
    jwt: Option<(SecretFile<Keys>, Rules)>,
    challenges: Challenges,
}

/// Everybody whom the files of a guard know.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) names: Vec<Box<str>>,
    pub(crate) roles: Vec<Box<str>>,
    pub(crate) scopes: Vec<Box<str>>,
    /// Tokens that others sign may name anybody.
    pub(crate) others: bool,
}

/// A file of a guard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    Basic,
    Tokens,
    Jwt,
}

/// Reads one file as a guard would, and adds whom it knows; for whoever checks a config.
pub(crate) fn look(source: Source, path: &Path, known: &mut Known) -> Result<(), Unusable> {
    let mut add = |identity: &Identity| {
        known.names.push(identity.name.clone());
        known.roles.extend_from_slice(&identity.roles);
        known.scopes.extend_from_slice(&identity.scopes);
    };
    match source {
        Source::Basic => SecretFile::<htpasswd::Htpasswd>::open(path)?.current().identities().for_each(add),
        Source::Tokens => SecretFile::<Tokens>::open(path)?.current().identities().for_each(&mut add),
        Source::Jwt => {
            SecretFile::<Keys>::open(path)?;
            known.others = true;
        }
    }
    Ok(())
}

impl Guard {
    /// Reads the files of a `[auth.NAME]`. Waits for the disk.
    pub(crate) fn open(auth: &config::Auth) -> Result<Guard, Unusable> {
        let passwords = auth.basic.as_deref().map(Passwords::open).transpose()?;
        let tokens = auth.tokens.as_deref().map(SecretFile::open).transpose()?;
        let jwt = match &auth.jwt {
            Some(jwt) => Some((SecretFile::open(&jwt.keys)?, Rules::new(jwt))),
            None => None,
        };
        let challenges = Challenges::new(&auth.name, passwords.is_some(), tokens.is_some() || jwt.is_some());
        Ok(Guard { realm: auth.name.clone(), passwords, tokens, jwt, challenges })
    }

    /// Reads again what has changed. A file that cannot be used leaves what there is, and is told of once. Waits for the disk.
    pub(crate) fn refresh(&self) {
        let passwords = self.passwords.as_ref().map(Passwords::refresh);
        let tokens = self.tokens.as_ref().map(SecretFile::refresh);
        let keys = self.jwt.as_ref().map(|(keys, _)| keys.refresh());
        for unusable in [passwords, tokens, keys].into_iter().flatten().filter_map(Result::err) {
            let help = &unusable.wrong.help;
            crate::log::operation(format_args!("{unusable}; what was read before stays in force: {help}"));
        }
    }

    /// Who sent the request, by its lines of `Authorization`, from that address, at that second since 1970.
    ///
    /// With [`Wait::No`] it stays pending rather than have a password hashed, and counts no failure, since it may be asked anew:
    /// [`Guard::count_failure`] does that for an answer that is given; passwords that are remembered, and tokens, are
    /// answered at once: at most a signature is verified, which takes some 50 µs.
    pub(crate) async fn identify<'a>(
        &self,
        authorization: impl Iterator<Item = &'a [u8]>,
        client: IpAddr,
        now: i64,
        wait: Wait,
    ) -> Result<Arc<Identity>, Unidentified> {
        self.known(authorization, client, now, wait, true).await
    }

    /// The same, for whoever only wants to know what would be answered: however often it fails, nothing is counted.
    pub(crate) async fn look<'a>(
        &self,
        authorization: impl Iterator<Item = &'a [u8]>,
        client: IpAddr,
        now: i64,
    ) -> Result<Arc<Identity>, Unidentified> {
        self.known(authorization, client, now, Wait::Yes, false).await
    }

    async fn known<'a>(
        &self,
        mut authorization: impl Iterator<Item = &'a [u8]>,
        client: IpAddr,
        now: i64,
        wait: Wait,
        counts: bool,
    ) -> Result<Arc<Identity>, Unidentified> {
        let line = authorization.next().ok_or(Unidentified::Missing)?;
        // RFC 9110 §5.3: it is no list, so two lines are two answers to one question.
        if authorization.next().is_some() {
            return Err(Unidentified::Malformed);
        }
        let credentials = Credentials::parse(line).ok_or(Unidentified::Malformed)?;
        if credentials.scheme_is("Basic")
            && let Some(passwords) = &self.passwords
        {
            let token68 = credentials.token68().ok_or(Unidentified::Malformed)?;
            return passwords.identify(token68, client, now, wait, counts).await;
        }
        if credentials.scheme_is("Bearer") && (self.tokens.is_some() || self.jwt.is_some()) {
            return self.bearer(credentials.token68().ok_or(Unidentified::Malformed)?, now);
        }
        Err(Unidentified::Scheme)
    }

    fn bearer(&self, token: &[u8], now: i64) -> Result<Arc<Identity>, Unidentified> {
        match (&self.jwt, &self.tokens) {
            (Some((file, rules)), tokens) if tokens.is_none() || jwt::looks_like_one(token) => {
                let keys = file.current();
                let mark = keys.remembered.mark(token);
                if let Some(identity) = keys.remembered.find(&mark, now) {
                    return Ok(identity);
                }
                let claimed = rules.verify(&keys, token, now)?;
                let identity = Arc::new(claimed.identity);
                keys.remembered.keep(mark, identity.clone(), claimed.until, now);
                Ok(identity)
            }
            (_, Some(tokens)) => tokens.current().find(token).ok_or(Unidentified::Token),
            (_, None) => Err(Unidentified::Scheme),
        }
    }

    /// The values of `WWW-Authenticate` for whoever was refused for that; a field line each, at least one.
    pub(crate) fn challenges_for(&self, cause: Unidentified) -> &[String] {
        self.challenges.of(cause)
    }

    /// The value of `WWW-Authenticate` with a 403 for a token that lacks a scope (RFC 6750 §3.1).
    pub(crate) fn insufficient_scope(&self, allow: &Allow, access: Access) -> String {
        challenge::insufficient_scope(&self.realm, &allow.scopes(access))
    }

    /// Whether it takes passwords, tokens that it keeps, and tokens that others sign. One that is made of none of these, as no
    /// config has it, stands for all.
    pub(crate) fn takes(&self) -> (bool, bool, bool) {
        match (self.passwords.is_some(), self.tokens.is_some(), self.jwt.is_some()) {
            (false, false, false) => (true, true, true),
            takes => takes,
        }
    }

    /// Counts a failure that [`Guard::identify`] did not count, because it was not to wait: one of a client with too many.
    pub(crate) fn count_failure(&self, client: IpAddr, now: i64) {
        if let Some(passwords) = &self.passwords {
            passwords.count_failure(client, now);
        }
    }

    /// In how many seconds a password of that client would be verified again; at least one.
    pub(crate) fn retry_after(&self, client: IpAddr, now: i64) -> u64 {
        self.passwords.as_ref().map_or(1, |passwords| passwords.retry_after(client, now))
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("realm", &self.realm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
