//! Pages of a collection. The place of the next page is a key, not a count, so it costs the same wherever it is, and nothing
//! that was there all the time is left out or shown twice.
//!
//! Rule: a page looks at no more than about [`EXAMINED`] entries and members of documents. One that has found less than it may, and names a next page, has
//! spent that.

use super::declare::Collection;
use super::documents::Current;
use super::index::Key;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Result as Sqlite, Row};
use verdict_core::cause::Failure;

/// How many entries of an index, and members of the documents that they are of, a page looks at: about 20 ms.
const EXAMINED: usize = 20_000;

/// A filter that so few documents pass is where to look first, whatever the order; fewer where there are other filters, each of
/// which is looked at for each document.
const FEW: usize = 2_000;

/// A page ends after about so many bytes of documents.
const PAGE_BYTES: usize = 8 << 20;

/// What to list. The order is that of `sort`; without it, that of the first member whose filter is a range; without one, that
/// of creation. Where values are equal, that of creation decides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Query {
    /// All of them hold.
    pub(crate) filters: Vec<Filter>,
    /// The pointer of a declared member.
    pub(crate) sort: Option<String>,
    pub(crate) descending: bool,
    /// The most documents, at least one.
    pub(crate) limit: usize,
    /// Where the page before ended.
    pub(crate) after: Option<Cursor>,
}

/// A condition on a declared member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Filter {
    pub(crate) pointer: String,
    pub(crate) is: Is,
    pub(crate) value: Key,
}

/// How a value is compared. All but the first two are of values of the same kind only: no text is greater than 3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Is {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Page {
    /// Each with its id.
    pub(crate) items: Vec<(String, Current)>,
    /// Where the next page begins, if there may be one.
    pub(crate) next: Option<Cursor>,
    /// Of the last change of the collection.
    pub(crate) revision: u64,
}

/// Why there is no page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Unlisted {
    /// This member is not declared, or not entered for every document yet.
    NotIndexed(String),
    /// The cursor is of another order.
    Cursor,
    /// The store failed.
    Failed(Failure),
}

/// The place of a document in an order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Cursor {
    /// The member that the order is by, or 0; negative, less one, when it is descending.
    order: i64,
    value: Vec<u8>,
    document: i64,
}

impl Cursor {
    /// As the caller gives it to the client: letters, digits, `-` and `_`.
    pub(crate) fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(16 + self.value.len());
        bytes.extend_from_slice(&self.order.to_be_bytes());
        bytes.extend_from_slice(&self.document.to_be_bytes());
        bytes.extend_from_slice(&self.value);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// As the client gives it back. `None`: it is not one of ours.
    pub(crate) fn parse(text: &str) -> Option<Cursor> {
        // The longest key has 225 bytes.
        let bytes = if text.len() <= 400 { URL_SAFE_NO_PAD.decode(text).ok()? } else { return None };
        let (order, rest) = bytes.split_first_chunk()?;
        let (document, value) = rest.split_first_chunk()?;
        Some(Cursor {
            order: i64::from_be_bytes(*order),
            value: value.to_vec(),
            document: i64::from_be_bytes(*document),
        })
    }
}

/// The values of a member that pass: from `low`, below `high`, none of `except`.
struct Range {
    member: i64,
    low: Vec<u8>,
    high: Vec<u8>,
    except: Vec<Vec<u8>>,
}

impl Range {
    fn all(member: i64) -> Range {
        Range { member, low: vec![0], high: vec![0xff], except: Vec::new() }
    }

    fn narrow(&mut self, is: Is, value: &Key) {
        let ((first, beyond), exact, after) = (value.kind(), value.as_bytes().to_vec(), value.after());
        let (low, high) = match is {
            Is::NotEqual => return self.except.push(exact),
            Is::Equal => (exact, after),
            Is::Less => (first, exact),
            Is::LessOrEqual => (first, after),
            Is::Greater => (after, beyond),
            Is::GreaterOrEqual => (exact, beyond),
        };
        self.low = low.max(std::mem::take(&mut self.low));
        self.high = high.min(std::mem::take(&mut self.high));
    }

    fn passes(&self, value: &[u8]) -> bool {
        *self.low <= *value && *value < *self.high && self.except.iter().all(|except| except != value)
    }

    fn is_one_value(&self) -> bool {
        self.high.split_last().is_some_and(|(last, value)| *last == 0 && value == self.low)
    }

    fn is_open(&self) -> bool {
        self.low == [0] && self.high == [0xff]
    }
}

/// How a page is looked for.
struct Plan {
    /// Whose entries are gone through; `None` goes through the documents.
    by: Option<Range>,
    /// What else must hold.
    others: Vec<Range>,
    order: i64,
    descending: bool,
}

impl Plan {
    /// Or by creation only.
    fn is_by_value(&self) -> bool {
        self.order != 0 && self.order != -1
    }
}

/// A page, and the revision of the collection, of one moment: `connection` is within a transaction.
pub(super) fn list(connection: &Connection, collection: &Collection, query: &Query) -> Result<Page, Unlisted> {
    let failed = |error| Unlisted::Failed(super::fault::told("a list could not be read", &error));
    let plan = plan(connection, collection.key, query)?;
    if query.after.as_ref().is_some_and(|cursor| cursor.order != plan.order) {
        return Err(Unlisted::Cursor);
    }
    page(connection, collection.key, &plan, query).map_err(failed)
}

fn plan(connection: &Connection, collection: i64, query: &Query) -> Result<Plan, Unlisted> {
    let member = |pointer: &str| {
        let found = connection
            .prepare_cached("SELECT key FROM member WHERE collection = ? AND pointer = ? AND ready")
            .and_then(|mut select| select.query_one((collection, pointer), |row| row.get(0)).optional())
            .map_err(|error| Unlisted::Failed(super::fault::told("a list could not be read", &error)))?;
        found.ok_or_else(|| Unlisted::NotIndexed(pointer.to_owned()))
    };
    let mut ranges: Vec<Range> = Vec::new();
    for Filter { pointer, is, value } in &query.filters {
        let member: i64 = member(pointer)?;
        match ranges.iter_mut().find(|range| range.member == member) {
            Some(range) => range.narrow(*is, value),
            None => {
                let mut range = Range::all(member);
                range.narrow(*is, value);
                ranges.push(range);
            }
        }
    }
    let sort = query.sort.as_deref().map(member).transpose()?;
    let range = ranges.iter().find(|range| !range.is_one_value() && !range.is_open()).map(|range| range.member);
    let one = ranges.iter().find(|range| range.is_one_value()).map(|range| range.member);
    // Entries of one value are in the order of creation.
    let order = sort.or(if one.is_some() { None } else { range });
    let by = order.or(one).map(|member| {
        let at = ranges.iter().position(|range| range.member == member);
        at.map_or_else(|| Range::all(member), |at| ranges.swap_remove(at))
    });
    let order = order.unwrap_or(0);
    let order = if query.descending { -1 - order } else { order };
    Ok(Plan { by, others: ranges, order, descending: query.descending })
}

fn page(connection: &Connection, collection: i64, plan: &Plan, query: &Query) -> Sqlite<Page> {
    let mut select = connection.prepare_cached("SELECT revision FROM collection WHERE key = ?")?;
    let revision = select.query_one([collection], |row| row.get(0))?;
    let limit = query.limit.max(1);
    let (mut places, mut next) = match few(connection, plan)? {
        Some(few) => (sorted(few, plan, query.after.as_ref(), limit), None),
        None => examine(connection, collection, plan, query.after.as_ref(), limit)?,
    };
    if places.len() > limit {
        places.truncate(limit);
        next = places.last().cloned();
    }
    let mut select = connection.prepare_cached("SELECT id, revision, modified, content FROM document WHERE key = ?")?;
    let (mut items, mut bytes) = (Vec::with_capacity(places.len()), 0);
    for place in places {
        let item = select.query_one([place.document], item)?;
        bytes += item.1.content.len();
        items.push(item);
        if bytes >= PAGE_BYTES {
            next = Some(place);
            break;
        }
    }
    Ok(Page { items, next, revision })
}

fn item(row: &Row<'_>) -> Sqlite<(String, Current)> {
    let content = Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?);
    Ok((row.get(0)?, Current { revision: row.get(1)?, modified: row.get(2)?, content }))
}

/// Every document that passes, where one of the filters lets few pass: then they are sorted here.
fn few(connection: &Connection, plan: &Plan) -> Sqlite<Option<Vec<Cursor>>> {
    let most = FEW / plan.others.len().max(1);
    for range in plan.others.iter().filter(|range| !range.is_open()) {
        let mut select = connection.prepare_cached(
            "SELECT value, document FROM entry WHERE member = ? AND value >= ? AND value < ? LIMIT ?",
        )?;
        let entries = select
            .query_map((range.member, &range.low, &range.high, most + 1), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let entries: Vec<(Vec<u8>, i64)> = entries.collect::<Sqlite<_>>()?;
        if entries.len() <= most {
            return passing(connection, plan, range, entries).map(Some);
        }
    }
    Ok(None)
}

/// The places of those documents of a range that pass everything else too.
fn passing(connection: &Connection, plan: &Plan, range: &Range, entries: Vec<(Vec<u8>, i64)>) -> Sqlite<Vec<Cursor>> {
    let mut probe = Probe::new(connection)?;
    let mut found = Vec::new();
    for (_, document) in entries.into_iter().filter(|(value, _)| range.passes(value)) {
        let value = match &plan.by {
            Some(by) => probe.value(by, document)?,
            None => Some(Vec::new()),
        };
        if let Some(value) = value
            && probe.all(&plan.others, document)?
        {
            let value = if plan.is_by_value() { value } else { Vec::new() };
            found.push(Cursor { order: plan.order, value, document });
        }
    }
    Ok(found)
}

/// Those behind the cursor, one more than fit into a page.
fn sorted(mut found: Vec<Cursor>, plan: &Plan, after: Option<&Cursor>, limit: usize) -> Vec<Cursor> {
    // Values of one order differ by value and document only.
    found.sort_unstable_by(|a, b| if plan.descending { b.cmp(a) } else { a.cmp(b) });
    let behind = |place: &Cursor| after.is_none_or(|after| if plan.descending { place < after } else { place > after });
    found.into_iter().filter(behind).take(limit + 1).collect()
}

/// The next places that pass, one more than fit into a page; and where to go on, if the look was broken off.
fn examine(
    connection: &Connection,
    collection: i64,
    plan: &Plan,
    after: Option<&Cursor>,
    limit: usize,
) -> Sqlite<(Vec<Cursor>, Option<Cursor>)> {
    let mut probe = Probe::new(connection)?;
    let mut places = Vec::new();
    let mut examined = 0;
    let by_value = plan.is_by_value();
    let mut select = connection.prepare_cached(match (&plan.by, plan.descending) {
        // One bound on each side, so that there is no choice of where to begin.
        (Some(_), false) => {
            "SELECT document, value FROM entry WHERE member = ?1 AND (value, document) > (?2, ?3) AND value < ?4
             ORDER BY value, document"
        }
        (Some(_), true) => {
            "SELECT document, value FROM entry WHERE member = ?1 AND (value, document) < (?2, ?3) AND value >= ?4
             ORDER BY value DESC, document DESC"
        }
        (None, false) => {
            "SELECT key, x'' FROM document INDEXED BY document_order
             WHERE collection = ? AND until IS NULL AND key > ? ORDER BY key"
        }
        (None, true) => {
            "SELECT key, x'' FROM document INDEXED BY document_order
             WHERE collection = ? AND until IS NULL AND key < ? ORDER BY key DESC"
        }
    })?;
    let mut rows = match &plan.by {
        Some(by) => {
            let (begin, end) = if plan.descending { (&by.high, &by.low) } else { (&by.low, &by.high) };
            // By creation, the entries are of one value, which the cursor does not name.
            let (value, document) = match after {
                Some(after) if by_value => (&after.value, after.document),
                Some(after) => (&by.low, after.document),
                None => (begin, -1),
            };
            // Another value than one in the range is not one of ours; it finds what is behind it, within the range.
            let value = if plan.descending { value.min(&by.high) } else { value.max(&by.low) };
            select.query((by.member, value, document, end))?
        }
        None => {
            let begin = if plan.descending { i64::MAX } else { -1 };
            select.query((collection, after.map_or(begin, |after| after.document)))?
        }
    };
    while let Some(row) = rows.next()? {
        let (document, value): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        examined += 1;
        let passes = plan.by.as_ref().is_none_or(|by| by.passes(&value)) && probe.all(&plan.others, document)?;
        examined += std::mem::take(&mut probe.looks);
        let place = Cursor { order: plan.order, value: if by_value { value } else { Vec::new() }, document };
        if passes {
            places.push(place.clone());
        }
        if places.len() > limit {
            break;
        }
        if examined >= EXAMINED {
            return Ok((places, Some(place)));
        }
    }
    Ok((places, None))
}

/// Looks up what a member of a document is.
struct Probe<'a> {
    select: CachedStatement<'a>,
    /// How often it has.
    looks: usize,
}

impl<'a> Probe<'a> {
    fn new(connection: &'a Connection) -> Sqlite<Probe<'a>> {
        let select = connection.prepare_cached("SELECT value FROM entry WHERE document = ? AND member = ?")?;
        Ok(Probe { select, looks: 0 })
    }

    /// The value, if it passes.
    fn value(&mut self, range: &Range, document: i64) -> Sqlite<Option<Vec<u8>>> {
        self.looks += 1;
        let value: Option<Vec<u8>> = self.select.query_one((document, range.member), |row| row.get(0)).optional()?;
        Ok(value.filter(|value| range.passes(value)))
    }

    fn all(&mut self, ranges: &[Range], document: i64) -> Sqlite<bool> {
        for range in ranges {
            if self.value(range, document)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
