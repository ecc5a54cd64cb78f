//! What files of secrets are made of: hashes of passwords, tokens and their hashes.

use super::tokens;
use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;

/// The shortest token that was not made here and is taken: 128 bits, where each byte has six.
const SHORTEST_TOKEN: usize = 22;

/// Why nothing could be made of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// There is no password, or no name.
    Empty,
    /// It has a control character, which nobody can send (RFC 7617 §2).
    ControlCharacter,
    /// It has a colon, which would end the name (RFC 7617 §2).
    Colon,
    /// A role or a scope with a comma or white space in it, which would end it.
    Separator,
    /// A token with a character that a token does not have (RFC 6750 §2.1).
    NotAToken,
    /// A token that is short enough to be guessed.
    Guessable,
    /// The system gives no random numbers.
    NoRandomness,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unfit::Empty => "it is empty",
            Unfit::ControlCharacter => "it has a control character, which no client can send",
            Unfit::Colon => "it has a colon, which would end it",
            Unfit::Separator => "it has a comma or white space in it, which would end it",
            Unfit::NotAToken => "a token has letters, digits and `-._~+/` only, and `=` at its end",
            Unfit::Guessable => "a token of less than 22 characters can be guessed",
            Unfit::NoRandomness => "the system gives no random numbers",
        })
    }
}

impl std::error::Error for Unfit {}

/// The Argon2id hash of a password, as a PHC string: what stands behind a user's name in a file of users. Takes a fraction of a
/// second, on purpose.
pub fn hash_password(password: &str) -> Result<String, Unfit> {
    if password.is_empty() {
        return Err(Unfit::Empty);
    }
    if password.contains(char::is_control) {
        return Err(Unfit::ControlCharacter);
    }
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|_| Unfit::NoRandomness)?;
    Ok(hash.to_string())
}

/// A line of a file of users or tokens: the name, the hash, and the roles or scopes.
pub fn line(name: &str, hash: &str, members: &[String]) -> Result<String, Unfit> {
    if name.trim().is_empty() || name.starts_with('#') || name.trim() != name {
        return Err(Unfit::Empty);
    }
    if name.contains(char::is_control) {
        return Err(Unfit::ControlCharacter);
    }
    if name.contains(':') {
        return Err(Unfit::Colon);
    }
    let separates = |c: char| c == ',' || c.is_whitespace() || c.is_control();
    if members.iter().any(|member| member.is_empty() || member.contains(separates)) {
        return Err(Unfit::Separator);
    }
    let members = members.join(",");
    Ok(if members.is_empty() { format!("{name}:{hash}") } else { format!("{name}:{hash}:{members}") })
}

/// A token of 256 random bits.
pub fn make_token() -> Result<String, Unfit> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Unfit::NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The SHA-256 of a token in hexadecimal: what stands behind a name in a file of tokens.
pub fn hash_token(token: &str) -> Result<String, Unfit> {
    let body = token.trim_end_matches('=');
    if body.is_empty() || !body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b)) {
        return Err(Unfit::NotAToken);
    }
    if body.len() < SHORTEST_TOKEN {
        return Err(Unfit::Guessable);
    }
    Ok(tokens::hash(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::file::Secrets;
    use crate::auth::htpasswd::Htpasswd;
    use crate::auth::tokens::Tokens;

    #[test]
    fn what_is_made_is_taken() {
        let roles = ["editor".to_owned(), "notes:admin".to_owned()];
        let users = line("ann", &hash_password("pässword: 1").unwrap(), &roles).unwrap();
        let ann = Htpasswd::parse(&users).unwrap().verify("ann", "pässword: 1").unwrap();
        assert_eq!(ann.roles.join(" "), "editor notes:admin");
        let token = make_token().unwrap();
        assert_eq!(token.len(), 43);
        let tokens = Tokens::parse(&line("ci", &hash_token(&token).unwrap(), &[]).unwrap()).unwrap();
        assert!(tokens.find(token.as_bytes()).is_some_and(|identity| &*identity.name == "ci"));
        assert_ne!(token, make_token().unwrap());
    }

    #[test]
    fn a_hash_is_salted_and_says_how_it_was_made() {
        let (one, other) = (hash_password("secret").unwrap(), hash_password("secret").unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, other);
    }

    #[test]
    fn what_nobody_could_use_is_refused() {
        assert_eq!(hash_password(""), Err(Unfit::Empty));
        assert_eq!(hash_password("a\tb"), Err(Unfit::ControlCharacter));
        for (name, members, unfit) in [
            ("", &[][..], Unfit::Empty),
            (" ann", &[], Unfit::Empty),
            ("#ann", &[], Unfit::Empty),
            ("a:b", &[], Unfit::Colon),
            ("a\nb", &[], Unfit::ControlCharacter),
            ("ann", &["a,b"], Unfit::Separator),
            ("ann", &["a b"], Unfit::Separator),
            ("ann", &[""], Unfit::Separator),
        ] {
            let members: Vec<_> = members.iter().map(|member| (*member).to_owned()).collect();
            assert_eq!(line(name, "x", &members), Err(unfit), "{name:?}");
        }
        for (token, unfit) in [
            ("", Unfit::NotAToken),
            ("=", Unfit::NotAToken),
            ("a b c d e f g h i j k l", Unfit::NotAToken),
            ("é123456789012345678901", Unfit::NotAToken),
            ("123456789012345678901", Unfit::Guessable),
            ("123456789012345678901====", Unfit::Guessable),
        ] {
            assert_eq!(hash_token(token), Err(unfit), "{token:?}");
        }
        assert!(hash_token("1234567890123456789012").is_ok());
    }
}
