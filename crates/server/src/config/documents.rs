//! `documents`: a collection of JSON documents, kept in `state`.

use super::place::Place;
use super::read::{Entry, Reader, Zero};
use crate::document::pointer::Pointer;
use crate::document::schema::Schema;
use crate::route::{Pattern, Segment};
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The most that a schema can have.
const LARGEST_SCHEMA: u64 = 1 << 20;

/// The content that a collection takes where its route does not say: a document is looked at as a tree in memory, which costs
/// several times its bytes.
pub(super) const LARGEST: u64 = 1 << 20;

/// Members that a collection can be asked by, at most: each is written with each document.
const MOST_MEMBERS: usize = 32;

/// `documents`: a collection of JSON documents.
#[derive(Clone, Debug)]
pub struct Documents {
    /// The pattern of the collection: the route's without its last segment.
    pub collection: Pattern,
    /// `schema`: what each document must be.
    pub schema: Option<Arc<Schema>>,
    /// `unique`: members of which no two documents have the same value.
    pub unique: Vec<Pointer>,
    /// `index`: members that the collection can be asked by.
    pub index: Vec<Pointer>,
    /// `version`: the member that says which version of a document a client has.
    pub version: Option<Pointer>,
    /// `if-match = "required"`: nothing is changed without a condition.
    pub if_match_required: bool,
    /// `keep-deleted`: for how long it is known that a document was deleted.
    pub keep_deleted: Duration,
    /// `quota`: bytes of all documents.
    pub quota: Option<u64>,
    /// `page`: documents of a page, unless a client asks for fewer or more.
    pub page: u32,
}

/// The most documents of a page.
pub const LARGEST_PAGE: u32 = 1000;

const EXAMPLE: &str = "{ schema = \"note.schema.json\", unique = [\"/title\"] }";

/// `documents`. `pattern` is the route's, if it is one, with its place.
pub(super) fn read(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    pattern: Option<(&Pattern, Range<usize>)>,
) -> Option<Documents> {
    let collection = pattern.and_then(|(pattern, span)| collection(reader, pattern, span));
    let mut table = reader.table(entry, Place::Documents, EXAMPLE)?;
    let schema = table.take("schema").and_then(|entry| schema(reader, &entry));
    let unique = table.take("unique").map_or_else(Vec::new, |entry| pointers(reader, &entry));
    let index = table.take("index").map_or_else(Vec::new, |entry| pointers(reader, &entry));
    let version = table.take("version").and_then(|entry| version(reader, &entry));
    let words = [("optional", false), ("required", true)];
    let if_match_required = table.take("if-match").and_then(|entry| reader.word(&entry, &words)).unwrap_or_default();
    let keep_deleted = table.take("keep-deleted").and_then(|entry| reader.duration(&entry, Zero::Taken));
    let quota = table.take("quota").and_then(|entry| reader.size(&entry, Zero::Refused));
    let page = table.take("page").and_then(|entry| reader.integer(&entry, 1..u64::from(LARGEST_PAGE), "50"));
    table.finish(reader);
    Some(Documents {
        collection: collection?,
        schema,
        unique,
        index,
        version,
        if_match_required,
        keep_deleted: keep_deleted.unwrap_or(Duration::from_secs(24 * 3600)),
        quota,
        page: page.map_or(50, |page| page as u32),
    })
}

/// The pattern of the collection.
fn collection(reader: &mut Reader<'_>, pattern: &Pattern, span: Range<usize>) -> Option<Pattern> {
    let above = match pattern.segments().last() {
        Some(Segment::Name(_)) => pattern.as_str().rsplit_once('/').map(|(above, _)| above),
        _ => None,
    };
    let Some(above) = above else {
        let error = reader.findings.error(span, "a `documents` route needs a pattern whose last part is a name");
        let folder = pattern.as_str().trim_end_matches('/');
        let folder =
            folder.strip_suffix("...}").map_or(folder, |rest| rest.rsplit_once('/').map_or("", |(above, _)| above));
        error.label("each document has an id").help(format!("write `{folder}/{{id}}`"));
        return None;
    };
    if pattern.names().count() > 1 {
        let error = reader.findings.error(span, "a `documents` route has one name, that of the id");
        error.label("this would be many collections").help("write a route for each collection");
        return None;
    }
    // At the root of a host, the collection is its first page.
    let text = if above.contains('/') { above.to_owned() } else { format!("{above}/") };
    match Pattern::parse(&text) {
        Ok(collection) => Some(collection),
        Err(fault) => {
            reader.findings.error(span, fault.message).help(fault.help);
            None
        }
    }
}

fn schema(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Arc<Schema>> {
    let text = reader.string(entry, "a file's path", "note.schema.json")?;
    let path = reader.folder.join(text);
    let mut content = Vec::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(LARGEST_SCHEMA + 1).read_to_end(&mut content));
    let shown = text.escape_debug();
    let (what, help) = match read {
        Err(cause) => (
            format!("`{shown}` cannot be read: {cause}"),
            "name a file that exists: its path is relative to the config's folder".to_owned(),
        ),
        Ok(length) if length as u64 > LARGEST_SCHEMA => {
            (format!("`{shown}` is larger than 1MiB"), "make it smaller".to_owned())
        }
        Ok(_) => match Schema::read(&content) {
            Ok(schema) => {
                reader.named_files.extend(path.canonicalize());
                return Some(Arc::new(schema));
            }
            Err(why) => (
                format!("`{shown}` is not a JSON Schema that can be used: {why}"),
                "JSON Schema 2020-12, all of it in this file".to_owned(),
            ),
        },
    };
    reader.findings.error(entry.span(), what).help(help);
    None
}

fn pointers(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Vec<Pointer> {
    let mut pointers: Vec<Pointer> = Vec::new();
    for (text, span) in reader.strings(entry, "a JSON Pointer", "/title") {
        match Pointer::parse(text) {
            Ok(pointer) if pointers.contains(&pointer) => {
                reader.findings.error(span, format!("`{}` is there twice", text.escape_debug())).help("remove one");
            }
            Ok(pointer) if !pointer.segments().is_empty() => pointers.push(pointer),
            Ok(_) => {
                let error = reader.findings.error(span, "an empty pointer is the whole document");
                error.help(format!("name a member, as in `{} = [\"/title\"]`", entry.key));
            }
            Err(why) => {
                let error =
                    reader.findings.error(span, format!("`{}` is not a JSON Pointer: {why}", text.escape_debug()));
                error.help(format!("write it as in `{} = [\"/title\"]` (RFC 6901)", entry.key));
            }
        }
    }
    if pointers.len() > MOST_MEMBERS {
        let error = reader.findings.error(entry.span(), format!("more than {MOST_MEMBERS} members"));
        error.help("each costs a write with each document: name those that are asked for");
    }
    pointers
}

fn version(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Pointer> {
    let text = reader.string(entry, "a JSON Pointer", "/rev")?;
    let pointer = Pointer::parse(text).ok().filter(|pointer| pointer.segments().len() == 1);
    if pointer.is_none() {
        let error =
            reader.findings.error(entry.span(), format!("`{}` names no member of a document", text.escape_debug()));
        error.help("write it as in `version = \"/rev\"`");
    }
    pointer
}
