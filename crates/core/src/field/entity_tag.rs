//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110 §8.8.3, §13.1.1, §13.1.2).

use super::cursor::Cursor;
use super::list::Lines;
use std::fmt;

/// An entity tag: `"xyzzy"`, or `W/"xyzzy"` when it is weak.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EntityTag<'a> {
    /// Whether representations that share it may differ in their bytes.
    pub weak: bool,
    /// What stands between the quotes: any visible byte but `"`. There are no escapes.
    pub opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// A field value that is one entity tag. `None`: it is not.
    pub fn parse(value: &'a [u8]) -> Option<EntityTag<'a>> {
        let mut cursor = Cursor::new(value);
        EntityTag::read(&mut cursor).filter(|_| cursor.is_done())
    }

    fn read(cursor: &mut Cursor<'a>) -> Option<EntityTag<'a>> {
        // RFC 9110 §8.8.3: `W/` is case-sensitive.
        let weak = cursor.eat(b'W');
        if weak && !cursor.eat(b'/') || !cursor.eat(b'"') {
            return None;
        }
        // RFC 9110 §8.8.3: etagc is not qdtext: no space, no backslash escapes, and commas are its own.
        let opaque = cursor.take_while(|b| matches!(b, 0x21 | 0x23..=0x7e | 0x80..));
        cursor.eat(b'"').then_some(EntityTag { weak, opaque })
    }

    /// Both are strong and the same (RFC 9110 §8.8.3.2).
    pub fn strong_eq(self, other: EntityTag<'_>) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }

    /// The same, whether or not either is weak (RFC 9110 §8.8.3.2).
    pub fn weak_eq(self, other: EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }

    /// Appends the tag as it is written in a field.
    pub fn write_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.weak { b"W/\"" } else { b"\"" });
        out.extend_from_slice(self.opaque);
        out.push(b'"');
    }
}

/// The tag for people: as it is written, but with U+FFFD for bytes that are not UTF-8. [`EntityTag::write_to`] is exact.
impl fmt::Display for EntityTag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.weak { "W/\"" } else { "\"" })?;
        for chunk in self.opaque.utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("\u{fffd}")?;
            }
        }
        f.write_str("\"")
    }
}

/// What the target has when a condition is evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Current<'a> {
    /// No representation.
    Absent,
    /// One that has no entity tag.
    Untagged,
    /// One with this entity tag.
    Tagged(EntityTag<'a>),
}

/// Whether `If-Match` holds (RFC 9110 §13.1.1); if not, the answer is 412. The field must be present: for no lines at all
/// this is `false`, as for an empty list.
pub fn if_match<'a>(lines: impl Lines<'a>, current: Current<'_>) -> bool {
    match TagList::new(lines).find(|tag| matches!(current, Current::Tagged(ours) if ours.strong_eq(tag))) {
        // §13.1.1, 1: `*` asks for any current representation.
        Found::Any => current != Current::Absent,
        // §13.1.1, 2: a target without a tag matches no list.
        Found::Match => true,
        // §13.1.1, 3: "Otherwise, the condition is false". What is no list of tags is neither 1 nor 2, even if one of its
        // members would match: a client that asked for protection in words that we cannot read is not to lose an update.
        Found::NoMatch | Found::Malformed => false,
    }
}

/// Whether `If-None-Match` holds (RFC 9110 §13.1.2); if not, the answer is 304 for GET and HEAD, else 412. The field must
/// be present: for no lines at all this is `true`, as for an empty list.
///
/// What is no list of tags holds: such a GET is answered in full, and such a write is done. Whoever would rather refuse
/// the write asks [`TagList::is_well_formed`] first.
pub fn if_none_match<'a>(lines: impl Lines<'a>, current: Current<'_>) -> bool {
    match TagList::new(lines).find(|tag| matches!(current, Current::Tagged(ours) if ours.weak_eq(tag))) {
        // §13.1.2, 1: `*` asks for no current representation.
        Found::Any => current == Current::Absent,
        // §13.1.2, 2.
        Found::Match => false,
        // §13.1.2, 3: "Otherwise, the condition is true": a target without a tag, and what is no list of tags.
        Found::NoMatch | Found::Malformed => true,
    }
}

/// The value of `If-Match` or `If-None-Match`: `"*" / #entity-tag`. It is read when it is asked, each time anew.
#[derive(Clone, Copy, Debug)]
pub struct TagList<I> {
    lines: I,
}

/// What a [`TagList`] has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It is `*`.
    Any,
    /// A list, and one of its tags is the one that was looked for.
    Match,
    /// A list, and none is.
    NoMatch,
    /// Neither `*` nor a list of entity tags.
    Malformed,
}

impl<'a, I: Iterator<Item = &'a [u8]> + Clone> TagList<I> {
    /// The list that these lines are.
    pub fn new(lines: impl IntoIterator<Item = &'a [u8], IntoIter = I>) -> TagList<I> {
        TagList { lines: lines.into_iter() }
    }

    /// Whether it is `*`, alone.
    pub fn is_any(&self) -> bool {
        // RFC 9110 §13.1.1: `*` beside other values, itself included, is invalid.
        let mut members = super::list::elements(self.lines.clone());
        members.next() == Some(b"*") && members.next().is_none()
    }

    /// Whether it is `*` or a list of entity tags to its end.
    pub fn is_well_formed(&self) -> bool {
        self.find(|_| false) != Found::Malformed
    }

    /// The tags, up to the first thing that is none, which is `Err`. `*` is no tag.
    pub fn tags(&self) -> Tags<'a, I> {
        Tags { lines: self.lines.clone(), cursor: Cursor::new(&[]), is_over: false }
    }

    /// Looks through the whole list: one that is malformed anywhere has nothing.
    fn find(&self, is_it: impl Fn(EntityTag<'a>) -> bool) -> Found {
        let mut found = Found::NoMatch;
        for tag in self.tags() {
            match tag {
                Ok(tag) if is_it(tag) => found = Found::Match,
                Ok(_) => {}
                Err(NotATag) => return if self.is_any() { Found::Any } else { Found::Malformed },
            }
        }
        found
    }
}

/// Something in a list of entity tags is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotATag;

/// See [`TagList::tags`]. It is not [`super::list::Elements`], since a tag may end in a backslash or hold a comma.
#[derive(Clone)]
pub struct Tags<'a, I> {
    lines: I,
    cursor: Cursor<'a>,
    is_over: bool,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Iterator for Tags<'a, I> {
    type Item = Result<EntityTag<'a>, NotATag>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            // RFC 9110 §5.6.1.2: empty members are ignored.
            self.cursor.take_while(|b| matches!(b, b',' | b' ' | b'\t'));
            if self.cursor.is_done() {
                self.cursor = Cursor::new(self.lines.next()?);
                continue;
            }
            let tag = EntityTag::read(&mut self.cursor);
            self.cursor.skip_space();
            // A member ends at a comma or with its line.
            let is_member = tag.is_some() && matches!(self.cursor.peek(), None | Some(b','));
            self.is_over = !is_member;
            return Some(tag.filter(|_| is_member).ok_or(NotATag));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> EntityTag<'_> {
        EntityTag::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_tag_is_read_and_written_as_it_is_defined() {
        for (text, want) in [
            (r#""xyzzy""#, Some((false, "xyzzy"))),
            (r#"W/"xyzzy""#, Some((true, "xyzzy"))),
            (r#""""#, Some((false, ""))),
            (r#""a,b""#, Some((false, "a,b"))),
            (r#""a\""#, Some((false, "a\\"))),
            ("\"\u{e9}!\"", Some((false, "\u{e9}!"))),
            (r#"w/"xyzzy""#, None),
            (r#"W"xyzzy""#, None),
            (r#"W/ "xyzzy""#, None),
            ("xyzzy", None),
            (r#""xyzzy"#, None),
            (r#""a b""#, None),
            ("\"a\tb\"", None),
            ("\"a\u{7f}b\"", None),
            (r#""a"b"#, None),
            (r#""a""b""#, None),
            (r#" "a""#, None),
            ("*", None),
            ("", None),
        ] {
            let read = EntityTag::parse(text.as_bytes());
            assert_eq!(read, want.map(|(weak, o)| EntityTag { weak, opaque: o.as_bytes() }), "{text:?}");
            let mut written = Vec::new();
            if let Some(tag) = read {
                tag.write_to(&mut written);
                assert_eq!((written.as_slice(), tag.to_string().as_str()), (text.as_bytes(), text));
            }
        }
        assert_eq!(EntityTag { weak: true, opaque: b"\xff" }.to_string(), "W/\"\u{fffd}\"");
    }

    /// RFC 9110 §8.8.3.2, Table 3.
    #[test]
    fn comparison_is_table_3() {
        for (a, b, strong, weak) in [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#"W/"1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
            (r#""a""#, r#""A""#, false, false),
        ] {
            assert_eq!((tag(a).strong_eq(tag(b)), tag(a).weak_eq(tag(b))), (strong, weak), "{a} {b}");
        }
    }

    #[test]
    fn each_kind_of_value_meets_each_kind_of_target() {
        let targets =
            [Current::Absent, Current::Untagged, Current::Tagged(tag(r#""1""#)), Current::Tagged(tag(r#"W/"1""#))];
        let (yes, no) = (true, false);
        for (value, matches, none_matches) in [
            //                 absent  untagged  "1"  W/"1"
            ("*", [no, yes, yes, yes], [yes, no, no, no]),
            (r#""1""#, [no, no, yes, no], [yes, yes, no, no]),
            (r#"W/"1""#, [no, no, no, no], [yes, yes, no, no]),
            (r#""0", ,"1" ,W/"2""#, [no, no, yes, no], [yes, yes, no, no]),
            (r#""2""#, [no, no, no, no], [yes, yes, yes, yes]),
            ("", [no, no, no, no], [yes, yes, yes, yes]),
            (" , ", [no, no, no, no], [yes, yes, yes, yes]),
            // Malformed, though the first member would match or is the star.
            (r#""1", 2"#, [no, no, no, no], [yes, yes, yes, yes]),
            (r#"*, "1""#, [no, no, no, no], [yes, yes, yes, yes]),
            (r#""1", *"#, [no, no, no, no], [yes, yes, yes, yes]),
            ("*, *", [no, no, no, no], [yes, yes, yes, yes]),
            ("1", [no, no, no, no], [yes, yes, yes, yes]),
            (r#""1" "2""#, [no, no, no, no], [yes, yes, yes, yes]),
        ] {
            let line = value.as_bytes();
            assert_eq!(targets.map(|t| if_match(Some(line), t)), matches, "If-Match: {value}");
            assert_eq!(targets.map(|t| if_none_match(Some(line), t)), none_matches, "If-None-Match: {value}");
        }
    }

    #[test]
    fn lines_read_like_one_line() {
        let ours = Current::Tagged(tag(r#""3""#));
        let lines: [&[u8]; 3] = [br#""1", "2""#, b"", br#""3""#];
        assert!(if_match(lines, ours) && !if_none_match(lines, ours));
        let star_twice: [&[u8]; 2] = [b"*", b"*"];
        assert!(!if_match(star_twice, ours) && if_none_match(star_twice, ours));
        let malformed_behind: [&[u8]; 2] = [br#""3""#, b"3"];
        assert!(!if_match(malformed_behind, ours) && if_none_match(malformed_behind, ours));
    }

    #[test]
    fn a_list_says_whether_it_is_one() {
        for (value, any, well_formed) in [
            ("*", true, true),
            (" * ,", true, true),
            (r#""a,b", W/"""#, false, true),
            ("**", false, false),
            ("a", false, false),
        ] {
            let list = TagList::new(Some(value.as_bytes()));
            assert_eq!((list.is_any(), list.is_well_formed()), (any, well_formed), "{value}");
        }
    }

    #[test]
    fn nothing_follows_what_is_no_tag() {
        let list = TagList::new(Some(&br#""a", b, "c""#[..]));
        assert_eq!(list.tags().collect::<Vec<_>>(), [Ok(tag(r#""a""#)), Err(NotATag)]);
    }
}
