//! A file of bearer tokens (RFC 6750), a line each: `name:hash` or `name:hash:scope,scope`, where the hash is the SHA-256 of the
//! token in hexadecimal.
//!
//! A token is random and long, so that a quick hash is enough: there is nothing to guess. It is looked up by its hash, of which
//! whoever sends tokens to measure times can choose not a bit.

use super::Identity;
use super::file::{Secrets, Wrong, lines, members, name};
use ring::digest::{SHA256, digest};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

type Sha256 = [u8; 32];

/// The tokens of a file.
pub(crate) struct Tokens {
    by_hash: HashMap<Sha256, Arc<Identity>>,
}

impl Tokens {
    /// Whose token it is.
    pub(crate) fn find(&self, token: &[u8]) -> Option<Arc<Identity>> {
        self.by_hash.get(&hash(token)).cloned()
    }

    /// Whom the file has.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.by_hash.values().map(|identity| &**identity)
    }
}

pub(super) fn hash(token: &[u8]) -> Sha256 {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token).as_ref());
    hash
}

impl Secrets for Tokens {
    fn parse(text: &str) -> Result<Tokens, Wrong> {
        const MAKE: &str = "make the line with `verdict hash-token NAME`";
        let mut by_hash = HashMap::new();
        for (line, content) in lines(text) {
            let mut parts = content.splitn(3, ':');
            let (owner, hash, scopes) = (parts.next().unwrap_or(""), parts.next(), parts.next());
            name(line, "name", owner)?;
            let hash = hash.ok_or_else(|| Wrong::at(line, "is not `name:sha256`", MAKE))?;
            let hash = sha256(hash).ok_or_else(|| {
                Wrong::at(line, "what follows the name is not a SHA-256 in 64 hexadecimal digits", MAKE)
            })?;
            let identity = Identity::of_token(owner, Vec::new(), members(line, "scope", scopes)?);
            if by_hash.insert(hash, Arc::new(identity)).is_some() {
                return Err(Wrong::at(line, "this token is there twice", "keep one of the lines"));
            }
        }
        if by_hash.is_empty() {
            return Err(Wrong::throughout("has no token", MAKE));
        }
        Ok(Tokens { by_hash })
    }
}

fn sha256(text: &str) -> Option<Sha256> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = (high? << 4 | low?) as u8;
    }
    Some(hash)
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.identities()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `abc` (FIPS 180-4).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_token_is_found_by_its_hash() {
        let upper = ABC.to_uppercase();
        for line in [format!("ci:{ABC}:notes:read,notes:write"), format!("ci:{upper}:notes:read, notes:write")] {
            let tokens = Tokens::parse(&format!("# tokens\n{line}\n")).unwrap();
            let identity = tokens.find(b"abc").unwrap();
            assert_eq!((&*identity.name, identity.scopes.join(" ").as_str()), ("ci", "notes:read notes:write"));
            for other in [&b"abd"[..], b"ABC", b"", ABC.as_bytes()] {
                assert!(tokens.find(other).is_none());
            }
        }
    }

    #[test]
    fn a_name_may_have_several_tokens_so_that_one_can_take_the_place_of_another() {
        let other = ABC.replace('b', "c");
        let tokens = Tokens::parse(&format!("ci:{ABC}\nci:{other}\n")).unwrap();
        assert_eq!(tokens.identities().count(), 2);
    }

    #[test]
    fn what_cannot_be_taken_is_told_with_its_line_and_without_a_secret() {
        let other = "what follows the name is not a SHA-256 in 64 hexadecimal digits";
        let cases = [
            (String::new(), None, "has no token"),
            ("\nhunter2hunter2".to_owned(), Some(2), "is not `name:sha256`"),
            (format!(":{ABC}"), Some(1), "the name is empty or has control characters"),
            ("ci:hunter2".to_owned(), Some(1), other),
            (format!("ci:{}x", &ABC[1..]), Some(1), other),
            (format!("ci:+{}", &ABC[1..]), Some(1), other),
            (format!("ci:é{}", &ABC[2..]), Some(1), other),
            (format!("ci:{ABC}:"), Some(1), "a scope is empty or has white space in it"),
            (format!("ci:{ABC}\ncd:{ABC}"), Some(2), "this token is there twice"),
        ];
        for (text, line, what) in cases {
            let wrong = Tokens::parse(&text).unwrap_err();
            assert_eq!((wrong.line, &*wrong.what), (line, what), "{text}");
            assert!(!format!("{wrong:?}").contains("hunter2"), "{wrong:?}");
        }
    }
}
