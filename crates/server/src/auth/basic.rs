//! Basic authentication (RFC 7617): a user and a password, from memory where they were right a moment ago, and otherwise hashed on
//! a thread that has the time.

use super::Identity;
use super::failures::{Failures, Standing};
use super::file::{SecretFile, Unusable};
use super::htpasswd::{Htpasswd, Unverified};
use super::remembered::{Mark, SECONDS};
use super::verifier::Verifier;
use crate::disk::Wait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::oneshot;
use verdict_core::cause::Unidentified;

/// The longest user and password together that are looked at, encoded.
const LONGEST: usize = 4096;

/// The users of a file, and who guesses at their passwords.
pub(super) struct Passwords {
    file: SecretFile<Htpasswd>,
    failures: Arc<Failures>,
    verifier: Arc<Verifier>,
}

/// What a client says: `user-id ":" password`.
struct Login {
    text: String,
    colon: usize,
}

/// One password to be hashed.
struct Attempt {
    users: Arc<Htpasswd>,
    failures: Arc<Failures>,
    login: Login,
    mark: Mark,
    client: IpAddr,
    now: i64,
    /// Whether a failure is counted.
    counts: bool,
}

impl Passwords {
    pub(super) fn open(path: &Path) -> Result<Passwords, Unusable> {
        Passwords::with(path, Verifier::shared())
    }

    pub(super) fn with(path: &Path, verifier: Arc<Verifier>) -> Result<Passwords, Unusable> {
        Ok(Passwords { file: SecretFile::open(path)?, failures: Arc::new(Failures::new()), verifier })
    }

    pub(super) fn refresh(&self) -> Result<(), Unusable> {
        self.file.refresh()
    }

    /// Whose credentials these are. With [`Wait::No`] it stays pending where a password would have to be hashed, and counts
    /// nothing; nor does it unless it `counts`.
    pub(super) async fn identify(
        &self,
        token68: &[u8],
        client: IpAddr,
        now: i64,
        wait: Wait,
        counts: bool,
    ) -> Result<Arc<Identity>, Unidentified> {
        let login = Login::decode(token68).ok_or(Unidentified::Malformed)?;
        let users = self.file.current();
        let mark = users.remembered.mark(login.text.as_bytes());
        let standing = self.failures.standing(client, now);
        if standing == Standing::Barred {
            return Err(Unidentified::TooManyFailures);
        }
        if let Some(identity) = users.remembered.find(&mark, now) {
            return Ok(identity);
        }
        if standing == Standing::Suspect {
            if wait == Wait::Yes && counts {
                self.failures.note(client, now);
            }
            return Err(Unidentified::TooManyFailures);
        }
        if wait == Wait::No {
            return std::future::pending().await;
        }
        let attempt = Attempt { users, failures: self.failures.clone(), login, mark, client, now, counts };
        let (tell, told) = oneshot::channel();
        let job = move || {
            // Nobody waits for it any longer.
            if !tell.is_closed() {
                let _ = tell.send(attempt.verify());
            }
        };
        self.verifier.submit(job).map_err(|_| Unidentified::Busy)?;
        // No answer at all is a thread that panicked.
        told.await.unwrap_or(Err(Unidentified::Busy))
    }

    /// Counts a failure of a client with too many, which [`Passwords::identify`] told of without waiting.
    pub(super) fn count_failure(&self, client: IpAddr, now: i64) {
        // Who is barred is so for a bounded time, however often they try.
        if self.failures.standing(client, now) == Standing::Suspect {
            self.failures.note(client, now);
        }
    }

    pub(super) fn retry_after(&self, client: IpAddr, now: i64) -> u64 {
        self.failures.retry_after(client, now)
    }

    /// How many passwords were hashed since the file was read.
    #[cfg(test)]
    pub(super) fn hashed(&self) -> usize {
        self.file.current().hashed.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Attempt {
    /// Looks again at what may have come of others while this one waited: many of one browser come at once, and so do many
    /// guesses.
    fn verify(self) -> Result<Arc<Identity>, Unidentified> {
        let Attempt { users, failures, login, mark, client, now, counts } = self;
        let note = || {
            if counts {
                failures.note(client, now)
            }
        };
        if let Some(identity) = users.remembered.find(&mark, now) {
            return Ok(identity);
        }
        if failures.standing(client, now) != Standing::Good {
            note();
            return Err(Unidentified::TooManyFailures);
        }
        match users.verify(login.user(), login.password()) {
            Ok(identity) => {
                users.remembered.keep(mark, identity.clone(), now.saturating_add(SECONDS), now);
                Ok(identity)
            }
            Err(unverified) => {
                note();
                Err(match unverified {
                    Unverified::User => Unidentified::User,
                    Unverified::Password => Unidentified::Password,
                })
            }
        }
    }
}

impl Login {
    /// `None`: it is no base64 of a user, a colon and a password in UTF-8, which is what the challenge asks for (RFC 7617 §2.1).
    fn decode(token68: &[u8]) -> Option<Login> {
        if token68.len() > LONGEST {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(token68).ok()?).ok()?;
        // RFC 7617 §2: "The user-id and password MUST NOT contain any control characters"
        if text.contains(char::is_control) {
            return None;
        }
        // The first colon: a password may have others.
        let colon = text.find(':')?;
        Some(Login { text, colon })
    }

    fn user(&self) -> &str {
        &self.text[..self.colon]
    }

    fn password(&self) -> &str {
        &self.text[self.colon + 1..]
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login { .. }")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_a_password_are_read_from_base64() {
        let read = |token: &str| {
            Login::decode(token.as_bytes()).map(|login| (login.user().to_owned(), login.password().to_owned()))
        };
        for (text, user, password) in [
            ("Aladdin:open sesame", "Aladdin", "open sesame"),
            ("ann:a:b:", "ann", "a:b:"),
            (":x", "", "x"),
            ("ann:", "ann", ""),
            // RFC 7617 §2.1
            ("test:123£", "test", "123£"),
        ] {
            assert_eq!(read(&STANDARD.encode(text)), Some((user.to_owned(), password.to_owned())), "{text}");
        }
        assert_eq!(STANDARD.encode("test:123£"), "dGVzdDoxMjPCow==");
    }

    #[test]
    fn anything_else_is_malformed() {
        let long = STANDARD.encode(format!("ann:{}", "x".repeat(LONGEST)));
        for token in [
            "",
            "YW5u",
            "!!!!",
            "dGVzdDoxMjPCow",
            "dGVzdDoxMjPCow=",
            "dGVzdDoxMjPCox==",
            &STANDARD.encode(b"ann:\xE9"),
            &STANDARD.encode("ann:a\tb"),
            &STANDARD.encode("a\0nn:b"),
            &long,
        ] {
            assert!(Login::decode(token.as_bytes()).is_none(), "{token}");
        }
    }
}
