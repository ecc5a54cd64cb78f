//! A file of users and their passwords' hashes, a line each: `user:hash` or `user:hash:role,role`.
//!
//! Taken are Argon2 as a PHC string and bcrypt, which are made to be slow to guess. The others that such files have had since
//! 1993 are refused when the file is read, as is a hash that would be so slow that it could be used to keep the server busy.

use super::Identity;
use super::file::{Secrets, Wrong, lines, members, name};
use super::remembered::Remembered;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use bcrypt::HashParts;
use ring::hmac;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

/// The most memory that one Argon2 hash may take, in KiB.
const MEMORY_MOST: u32 = 256 << 10;

/// The most that its passes may go over in all, in KiB: about a second's work.
const WORK_MOST: u64 = 1 << 20;

/// The most that bcrypt's rounds may be, as a power of two: about a second's work.
const COST_MOST: u32 = 14;

/// The users of a file.
pub(crate) struct Htpasswd {
    users: Vec<User>,
    by_name: HashMap<Box<str>, usize>,
    /// Chooses whose hash stands in for that of a user who is unknown.
    chooser: hmac::Key,
    pub(crate) remembered: Remembered,
    #[cfg(test)]
    pub(crate) hashed: std::sync::atomic::AtomicUsize,
}

struct User {
    identity: Arc<Identity>,
    hash: Hash,
}

enum Hash {
    Argon2(Box<PasswordHash>),
    Bcrypt(Box<str>),
}

/// Why a password was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unverified {
    User,
    Password,
}

impl Htpasswd {
    /// Whose password it is. Takes as long for a user who is unknown: the password is hashed as that of a known one would be,
    /// always the same one for the same name, so that no name stands out by its time.
    pub(crate) fn verify(&self, user: &str, password: &str) -> Result<Arc<Identity>, Unverified> {
        #[cfg(test)]
        self.hashed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let known = self.by_name.get(user).copied();
        let stand_in = self.stand_in(user);
        let at = &self.users[known.unwrap_or(stand_in)];
        let holds = at.hash.holds(password.as_bytes());
        match known {
            None => Err(Unverified::User),
            Some(_) if holds => Ok(at.identity.clone()),
            Some(_) => Err(Unverified::Password),
        }
    }

    fn stand_in(&self, user: &str) -> usize {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hmac::sign(&self.chooser, user.as_bytes()).as_ref()[..8]);
        (u64::from_le_bytes(bytes) % self.users.len() as u64) as usize
    }

    /// Whom the file has.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.users.iter().map(|user| &*user.identity)
    }
}

impl Secrets for Htpasswd {
    fn parse(text: &str) -> Result<Htpasswd, Wrong> {
        let mut users: Vec<User> = Vec::new();
        let mut by_name = HashMap::new();
        for (line, content) in lines(text) {
            let mut parts = content.splitn(3, ':');
            let (user, hash, roles) = (parts.next().unwrap_or(""), parts.next(), parts.next());
            name(line, "user", user)?;
            let hash = hash.ok_or_else(|| {
                Wrong::at(line, "is not `user:hash`", "make the line with `verdict hash-password --user NAME`")
            })?;
            let hash = Hash::parse(hash).map_err(|(what, help)| Wrong::at(line, what, help))?;
            let roles = members(line, "role", roles)?;
            match by_name.entry(user.into()) {
                Entry::Occupied(_) => {
                    let what = format!("the user `{}` is there twice", user.escape_debug());
                    return Err(Wrong::at(line, what, "keep one of the lines"));
                }
                Entry::Vacant(place) => place.insert(users.len()),
            };
            users.push(User { identity: Arc::new(Identity::of_user(user, roles)), hash });
        }
        if users.is_empty() {
            return Err(Wrong::throughout("has no user", "make a line with `verdict hash-password --user NAME`"));
        }
        let chooser = hmac::Key::generate(hmac::HMAC_SHA256, &ring::rand::SystemRandom::new());
        Ok(Htpasswd {
            users,
            by_name,
            chooser: chooser.map_err(|_| Wrong::no_randomness())?,
            remembered: Remembered::new().ok_or_else(Wrong::no_randomness)?,
            #[cfg(test)]
            hashed: Default::default(),
        })
    }
}

impl Hash {
    /// What is wrong with it, and what to do about that, says nothing of the hash but its kind: it may be a password.
    fn parse(text: &str) -> Result<Hash, (String, &'static str)> {
        const MAKE: &str = "make another with `verdict hash-password`";
        if text.starts_with("$argon2") {
            return argon2(text).map(|hash| Hash::Argon2(Box::new(hash))).map_err(|what| (what, MAKE));
        }
        if ["$2a$", "$2b$", "$2y$"].iter().any(|begin| text.starts_with(begin)) {
            return match text.parse::<HashParts>() {
                Ok(parts) if parts.get_cost() > COST_MOST => {
                    Err((format!("the bcrypt hash has cost {}, and the most is {COST_MOST}", parts.get_cost()), MAKE))
                }
                Ok(parts) if parts.get_cost() < 4 => Err(("the bcrypt hash has a cost below 4".to_owned(), MAKE)),
                Ok(_) => Ok(Hash::Bcrypt(text.into())),
                Err(_) => Err(("the bcrypt hash is incomplete".to_owned(), MAKE)),
            };
        }
        let kind = match text {
            _ if text.starts_with("$apr1$") || text.starts_with("$1$") => "hashed with MD5, which is guessed quickly",
            _ if text.starts_with("{SHA}") || text.starts_with("{SSHA}") => {
                "hashed with SHA-1, which is guessed quickly"
            }
            _ if text.starts_with("$5$") || text.starts_with("$6$") => {
                "hashed with crypt(3)'s SHA-2, which is not taken"
            }
            _ if text.starts_with('$') => "hashed in a way that is not known",
            _ => "not hashed, or with crypt(3)'s DES",
        };
        Err((format!("the password is {kind}"), MAKE))
    }

    /// Whether it is that of the password. Compared in constant time.
    fn holds(&self, password: &[u8]) -> bool {
        match self {
            Hash::Argon2(hash) => Argon2::default().verify_password(password, &**hash).is_ok(),
            // It would look at 72 bytes and no more: whatever is longer is not the password.
            Hash::Bcrypt(hash) => bcrypt::non_truncating_verify(password, hash).unwrap_or(false),
        }
    }
}

/// A hash that can be verified against, at a bounded cost.
fn argon2(text: &str) -> Result<PasswordHash, String> {
    let incomplete = || "the Argon2 hash is not a whole PHC string".to_owned();
    let hash = PasswordHash::new(text).map_err(|_| incomplete())?;
    Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| "the kind of Argon2 is not known".to_owned())?;
    // Without one it would be version 16, which has a weakness that 19 mends (RFC 9106 §3).
    let version = hash.version.ok_or_else(incomplete)?;
    Version::try_from(version).map_err(|_| format!("there is no version {version} of Argon2"))?;
    let params = Params::try_from(&hash).map_err(|_| incomplete())?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(incomplete());
    }
    if params.m_cost() > MEMORY_MOST {
        return Err(format!("the Argon2 hash takes {} KiB of memory, and the most is {MEMORY_MOST}", params.m_cost()));
    }
    if u64::from(params.m_cost()) * u64::from(params.t_cost()) > WORK_MOST {
        let (memory, passes) = (params.m_cost(), params.t_cost());
        return Err(format!(
            "the Argon2 hash takes {passes} passes over {memory} KiB, and the most is {WORK_MOST} in all"
        ));
    }
    Ok(hash)
}

impl fmt::Debug for Htpasswd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.identities()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    /// `secret`, at the least cost that there is.
    const ARGON2: &str = "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHRzYWx0$";
    const BCRYPT: &str = "$2y$04$";

    fn argon2_of(password: &str) -> String {
        use argon2::password_hash::PasswordHasher;
        let argon2 = Argon2::from(Params::new(16, 1, 1, None).unwrap());
        argon2.hash_password_with_salt(password.as_bytes(), b"saltsaltsalt").unwrap().to_string()
    }

    fn bcrypt_of(password: &str) -> String {
        bcrypt::hash_with_salt(password, 4, [7; 16]).unwrap().format_for_version(bcrypt::Version::TwoY)
    }

    #[test]
    fn a_password_is_verified_against_the_hash_of_its_user() {
        let (argon2, bcrypt) = (argon2_of("secret"), bcrypt_of("word"));
        assert!(argon2.starts_with(ARGON2) && bcrypt.starts_with(BCRYPT), "{argon2} {bcrypt}");
        let file = Htpasswd::parse(&format!("# staff\n\nann:{argon2}:editor, notes:admin\r\nbob:{bcrypt}\n")).unwrap();
        let roles = |user, password| file.verify(user, password).map(|identity| identity.roles.join(" "));
        for (user, password, expected) in [
            ("ann", "secret", Ok("editor notes:admin")),
            ("ann", "word", Err(Unverified::Password)),
            ("ann", "", Err(Unverified::Password)),
            ("bob", "word", Ok("")),
            ("bob", "secret", Err(Unverified::Password)),
            ("Ann", "secret", Err(Unverified::User)),
            ("", "secret", Err(Unverified::User)),
        ] {
            assert_eq!(roles(user, password).as_deref(), expected.as_ref().map(|roles| *roles), "{user} {password}");
        }
    }

    #[test]
    fn a_hash_that_another_program_made_is_taken() {
        // A test vector of Openwall's crypt_blowfish.
        let vector = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        let file = Htpasswd::parse(&format!("ann:{vector}")).unwrap();
        assert!(file.verify("ann", "U*U").is_ok() && file.verify("ann", "U*U*").is_err());
    }

    #[test]
    fn an_unknown_user_costs_a_hash_as_well() {
        let file = Htpasswd::parse(&format!("ann:{}", argon2_of("secret"))).unwrap();
        for (user, password) in [("ann", "secret"), ("ann", "no"), ("bob", "secret"), ("", "")] {
            let before = file.hashed.load(Ordering::Relaxed);
            let _ = file.verify(user, password);
            assert_eq!(file.hashed.load(Ordering::Relaxed), before + 1, "{user}");
        }
    }

    #[test]
    fn an_unknown_user_takes_the_time_of_a_known_one() {
        use argon2::password_hash::PasswordHasher;
        use std::time::{Duration, Instant};
        let argon2 = Argon2::from(Params::new(4096, 1, 1, None).unwrap());
        let hash = argon2.hash_password_with_salt(b"secret", b"saltsaltsalt").unwrap();
        let file = Htpasswd::parse(&format!("ann:{hash}")).unwrap();
        let time = |user: &str| {
            let begun = Instant::now();
            let _ = file.verify(user, "wrong");
            begun.elapsed()
        };
        // In turn, and the least of each: what else the machine does is in neither.
        let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
        for _ in 0..20 {
            known = known.min(time("ann"));
            unknown = unknown.min(time("bob"));
        }
        assert!(unknown > known / 2 && known > unknown / 2, "{known:?} {unknown:?}");
    }

    #[test]
    fn a_user_who_is_unknown_is_like_the_same_known_one_each_time() {
        let lines: String = (0..64).map(|i| format!("user{i}:{}\n", bcrypt_of("x"))).collect();
        let file = Htpasswd::parse(&lines).unwrap();
        let stand_ins: std::collections::HashSet<_> = (0..200).map(|i| file.stand_in(&format!("other{i}"))).collect();
        assert!(stand_ins.len() > 16, "{stand_ins:?}");
        assert!((0..200).all(|i| file.stand_in(&format!("other{i}")) == file.stand_in(&format!("other{i}"))));
    }

    #[test]
    fn what_cannot_be_taken_is_told_with_its_line_and_without_a_secret() {
        let cases = [
            ("", None, "has no user"),
            ("# nobody\n\n", None, "has no user"),
            ("ann", Some(1), "is not `user:hash`"),
            (":x", Some(1), "the user is empty or has control characters"),
            ("\nann:hunter2", Some(2), "the password is not hashed, or with crypt(3)'s DES"),
            ("ann:$apr1$hunter2$hunter2", Some(1), "the password is hashed with MD5, which is guessed quickly"),
            ("ann:$1$hunter2$", Some(1), "the password is hashed with MD5, which is guessed quickly"),
            ("ann:{SHA}hunter2", Some(1), "the password is hashed with SHA-1, which is guessed quickly"),
            ("ann:$6$hunter2$x", Some(1), "the password is hashed with crypt(3)'s SHA-2, which is not taken"),
            ("ann:$7$hunter2", Some(1), "the password is hashed in a way that is not known"),
            ("ann:$2y$04$hunter2", Some(1), "the bcrypt hash is incomplete"),
            (
                "ann:$2y$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                Some(1),
                "the bcrypt hash has cost 15, and the most is 14",
            ),
            (
                "ann:$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                Some(1),
                "the bcrypt hash has cost 31, and the most is 14",
            ),
            ("ann:$argon2id$v=19$hunter2", Some(1), "the Argon2 hash is not a whole PHC string"),
            (
                "ann:$argon2id$m=16,t=1,p=1$c2FsdHNhbHRzYWx0$EIXWQbCkBaTDDPEjHpqfmoCgdxCv0Gi/HNLxtXbhWjc",
                Some(1),
                "the Argon2 hash is not a whole PHC string",
            ),
            (
                "ann:$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$EIXWQbCkBaTDDPEjHpqfmoCgdxCv0Gi/HNLxtXbhWjc",
                Some(1),
                "the Argon2 hash takes 4194304 KiB of memory, and the most is 262144",
            ),
            (
                "ann:$argon2id$v=19$m=65536,t=1000,p=1$c2FsdHNhbHRzYWx0$EIXWQbCkBaTDDPEjHpqfmoCgdxCv0Gi/HNLxtXbhWjc",
                Some(1),
                "the Argon2 hash takes 1000 passes over 65536 KiB, and the most is 1048576 in all",
            ),
        ];
        for (text, line, what) in cases {
            let wrong = Htpasswd::parse(text).unwrap_err();
            assert_eq!((wrong.line, &*wrong.what), (line, what), "{text}");
            assert!(!format!("{wrong:?}").contains("hunter2"), "{wrong:?}");
        }
        let hash = bcrypt_of("secret");
        for (roles, what) in [("editor,", "a role is empty or has white space in it"), ("a b", "a role is empty …")] {
            let wrong = Htpasswd::parse(&format!("ann:{hash}:{roles}")).unwrap_err();
            assert!(wrong.what.starts_with(what.trim_end_matches('…')), "{}", wrong.what);
        }
        let twice = Htpasswd::parse(&format!("ann:{hash}\nann:{hash}")).unwrap_err();
        assert_eq!((twice.line, &*twice.what), (Some(2), "the user `ann` is there twice"));
    }
}
