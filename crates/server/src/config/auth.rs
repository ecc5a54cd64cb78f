//! `[auth.NAME]`: by what clients say who they are. The files that it names are read here once, so that `verdict check` knows
//! what is wrong with them.

use super::place::Place;
use super::read::{Entry, Reader, Table, Value};
use super::suggest::suggest;
use crate::auth::{Known, Source, look};
use std::ops::Range;
use std::path::PathBuf;
use toml::de::DeValue;

/// The name that a route gives to be open where a more general one is guarded.
pub(super) const NONE: &str = "none";

/// `[auth.NAME]`; at least one of the three.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Auth {
    /// The name, which is also the realm of the challenges: letters, digits, `-` and `_`.
    pub name: String,
    /// `basic`: the file of users and their passwords' hashes; absolute.
    pub basic: Option<PathBuf>,
    /// `tokens`: the file of bearer tokens' hashes; absolute.
    pub tokens: Option<PathBuf>,
    /// `jwt`: the tokens of somebody else.
    pub jwt: Option<Jwt>,
}

/// `jwt`: whose JSON Web Tokens are taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Jwt {
    /// The file of the issuer's keys, a JWK set (RFC 7517 §5); absolute.
    pub keys: PathBuf,
    /// The `iss` that a token must have.
    pub issuer: String,
    /// The names of this server; a token's `aud` must have one of them.
    pub audience: Vec<String>,
}

/// Each `[auth.NAME]`, and whom its files know; those too that had an error, so that no second one comes of it.
#[derive(Default)]
pub(super) struct Guards {
    pub(super) auths: Vec<Auth>,
    /// `None`: a file could not be used.
    known: Vec<Option<Known>>,
}

impl Guards {
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.auths.iter().position(|auth| auth.name == name)
    }

    pub(super) fn suggest(&self, name: &str) -> Option<&str> {
        suggest(name, self.auths.iter().map(|auth| auth.name.as_str()).chain([NONE]))
    }

    /// Whom the files of one know, if it is nobody else who can come.
    pub(super) fn everybody(&self, index: usize) -> Option<&Known> {
        self.known[index].as_ref().filter(|known| !known.others)
    }
}

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Guards {
    let mut guards = Guards::default();
    let Some(entries) = reader.entries(entry, "{ staff = { basic = \"users.htpasswd\" } }") else { return guards };
    for (key, value) in entries.iter() {
        let name: &str = key.get_ref();
        let in_a_realm = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name == NONE {
            let error = reader.findings.error(key.span(), "`none` is what a route says that wants to know nobody");
            error.help("give it another name, as in `[auth.staff]`");
        } else if name.is_empty() || !name.bytes().all(in_a_realm) {
            let message = format!("`{}` is not a name of letters, digits, `-` and `_`", name.escape_debug());
            reader.findings.error(key.span(), message).help("write it as in `[auth.staff]`");
        }
        let (auth, known) = one(reader, name, key.span(), value);
        guards.auths.push(auth);
        guards.known.push(known);
    }
    guards
}

fn one(reader: &mut Reader<'_>, name: &str, span: Range<usize>, value: &Value<'_>) -> (Auth, Option<Known>) {
    let mut auth = Auth { name: name.to_owned(), basic: None, tokens: None, jwt: None };
    let DeValue::Table(entries) = value.get_ref() else {
        let error = reader.findings.error(value.span(), format!("`{}` is not a table", name.escape_debug()));
        error.help("write `basic`, `tokens` or `jwt` below a line `[auth.NAME]`");
        return (auth, None);
    };
    let mut table = Table::new(Place::Auth, entries);
    let mut known = Some(Known::default());
    let given = ["basic", "tokens", "jwt"].map(|key| table.take(key));
    table.finish(reader);
    if given.iter().all(Option::is_none) {
        let error = reader.findings.error(span, "this takes no credentials, so that nobody could pass");
        error.help("give it one of `basic`, `tokens`, `jwt`");
    }
    let [basic, tokens, jwt] = given;
    auth.basic = basic.and_then(|entry| file(reader, &entry, Source::Basic, "users.htpasswd", &mut known));
    auth.tokens = tokens.and_then(|entry| file(reader, &entry, Source::Tokens, "tokens.txt", &mut known));
    auth.jwt = jwt.and_then(|entry| self::jwt(reader, &entry, &mut known));
    (auth, known)
}

fn jwt(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, known: &mut Option<Known>) -> Option<Jwt> {
    const EXAMPLE: &str = "{ keys = \"jwks.json\", issuer = \"https://id.example\", audience = \"notes\" }";
    let Some(mut table) = reader.table(entry, Place::Jwt, EXAMPLE) else {
        *known = None;
        return None;
    };
    let given = ["keys", "issuer", "audience"].map(|key| (key, table.take(key)));
    table.finish(reader);
    for (key, _) in given.iter().filter(|(_, value)| value.is_none()) {
        let error = reader.findings.error(entry.key_span.clone(), format!("`jwt` needs `{key}`"));
        error.help(format!("write it as in `jwt = {EXAMPLE}`"));
    }
    let [(_, keys), (_, issuer), (_, audience)] = given;
    let keys = keys.and_then(|entry| file(reader, &entry, Source::Jwt, "jwks.json", known));
    let issuer = issuer.and_then(|entry| {
        let issuer = reader.string(&entry, "an issuer", "https://id.example")?;
        not_empty(reader, "issuer", entry.span(), issuer)
    });
    let audience: Option<Vec<String>> = audience.and_then(|entry| {
        let names = reader.strings(&entry, "an audience", "notes");
        if let DeValue::Array(values) = entry.value.get_ref()
            && values.is_empty()
        {
            reader.findings.error(entry.span(), "no audience is meant").help("write it as in `audience = \"notes\"`");
        }
        names.into_iter().map(|(name, span)| not_empty(reader, "audience", span, name)).collect()
    });
    Some(Jwt { keys: keys?, issuer: issuer?, audience: audience? })
}

fn not_empty(reader: &mut Reader<'_>, key: &str, span: Range<usize>, text: &str) -> Option<String> {
    if text.is_empty() {
        reader.findings.error(span, format!("`{key}` is empty")).help("write what the tokens say, exactly");
        return None;
    }
    Some(text.to_owned())
}

/// A file that a guard can use; whom it has is added to those who are known.
fn file(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    source: Source,
    example: &str,
    known: &mut Option<Known>,
) -> Option<PathBuf> {
    let path = reader.string(entry, "a file's path", example).and_then(|text| {
        // As it is written: where a link leads may change, and with it what is read.
        let path = std::path::absolute(reader.folder.join(text)).ok().filter(|_| !text.is_empty());
        let Some(path) = path else {
            let error = reader.findings.error(entry.span(), "an empty path names no file");
            error.help(format!("write it as in `{} = \"{example}\"`", entry.key));
            return None;
        };
        let mut everybody = known.take().unwrap_or_default();
        match look(source, &path, &mut everybody) {
            Ok(()) => {
                reader.named_files.extend(path.canonicalize().ok().filter(|canonical| *canonical != path));
                reader.named_files.push(path.clone());
                *known = Some(everybody);
                Some(path)
            }
            Err(unusable) => {
                let line = unusable.wrong.line.map(|line| format!(":{line}")).unwrap_or_default();
                let message = format!("`{}{line}`: {}", text.escape_debug(), unusable.wrong.what);
                reader.findings.error(entry.span(), message).help(unusable.wrong.help);
                None
            }
        }
    });
    if path.is_none() {
        *known = None;
    }
    path
}
