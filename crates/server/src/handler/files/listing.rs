//! A folder's listing: what of it would be served, for people and for programs.
//!
//! Rule: a name is shown only if its link leads to something. Names that no target can spell (not UTF-8, control
//! bytes), pipes, sockets, devices, and links that lead out or nowhere are left out.

use std::fmt::Write;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Dir, FileType};

use super::upload::TEMPORARY;
use crate::disk::{Identity, Kind, Missed, Root};

/// The most entries of one listing.
pub const MOST_ENTRIES: usize = 10_000;

/// The most names looked at for one listing, shown or not.
const MOST_EXAMINED: usize = 4 * MOST_ENTRIES;

/// What is to be left out although it could be served.
#[derive(Clone, Copy, Default, Debug)]
pub struct Options<'a> {
    /// Whether names that begin with a dot are shown.
    pub dotfiles: bool,
    /// Files and folders that are never served, by device and inode.
    pub withheld: &'a [(u64, u64)],
}

/// What a folder holds: folders first, then by name, byte by byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// What is shown.
    pub entries: Vec<Entry>,
    /// Whether there is more than is shown.
    pub cut: bool,
}

/// A file or folder of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name, without a slash.
    pub name: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// A file's length in bytes; of no meaning for a folder.
    pub size: u64,
    /// When it was last modified, in seconds since 1970.
    pub modified: u64,
}

/// Reads the folder that `path` leads to beneath `root` and that is open as `folder`. Waits for the disk.
///
/// At most [`MOST_ENTRIES`], in the order of the file system when it is cut.
pub fn read(root: &Root, path: &str, folder: BorrowedFd<'_>, options: Options<'_>) -> Result<Listing, Missed> {
    let mut listing = Listing { entries: Vec::new(), cut: false };
    for (examined, entry) in Dir::read_from(folder)?.enumerate() {
        let entry = entry?;
        if matches!(entry.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        if examined >= MOST_EXAMINED {
            listing.cut = true;
            break;
        }
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name.starts_with(TEMPORARY) {
            continue;
        }
        if name.starts_with('.') && !options.dotfiles || name.bytes().any(|byte| byte.is_ascii_control()) {
            continue;
        }
        let (kind, identity) = match examine(root, path, folder, name) {
            Ok(found) => found,
            // Gone since its name was read, or never served.
            Err(Missed::Nothing | Missed::Outside | Missed::Irregular | Missed::Unreadable) => continue,
            Err(missed) => return Err(missed),
        };
        if options.withheld.contains(&(identity.device, identity.inode)) {
            continue;
        }
        if listing.entries.len() == MOST_ENTRIES {
            listing.cut = true;
            break;
        }
        listing.entries.push(Entry {
            name: name.to_owned(),
            folder: kind == Kind::Folder,
            size: identity.size,
            modified: identity.last_modified(),
        });
    }
    listing.entries.sort_unstable_by(|a, b| b.folder.cmp(&a.folder).then_with(|| a.name.cmp(&b.name)));
    Ok(listing)
}

/// What a name in the folder stands for. Only a link needs to be followed from the root: it may go up on its way.
fn examine(root: &Root, path: &str, folder: BorrowedFd<'_>, name: &str) -> Result<(Kind, Identity), Missed> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => {
            let path = path.trim_end_matches('/');
            let slash = if path.is_empty() { "" } else { "/" };
            return root.look(&format!("{path}{slash}{name}"));
        }
        _ => return Err(Missed::Irregular),
    };
    Ok((kind, Identity::from_stat(&stat)))
}

impl Listing {
    /// The listing as a page: `path` is the folder's, decoded, with its slashes.
    ///
    /// It needs nothing of a `Content-Security-Policy` but `style-src 'unsafe-inline'`. Links are relative to the
    /// folder's address with its slash.
    pub fn html(&self, path: &str) -> String {
        let mut page = String::with_capacity(1024 + 256 * self.entries.len());
        page.push_str(HEAD);
        page.push_str("<title>Index of ");
        push_text(&mut page, path);
        page.push_str("</title>\n<style>");
        page.push_str(STYLE);
        page.push_str("</style>\n</head>\n<body>\n<h1>Index of <bdi>");
        push_text(&mut page, path);
        page.push_str("</bdi></h1>\n");
        if path != "/" {
            page.push_str("<p><a href=\"../\">Parent folder</a></p>\n");
        }
        if self.entries.is_empty() {
            page.push_str("<p>There is nothing here.</p>\n");
        } else {
            page.push_str(TABLE_HEAD);
            for entry in &self.entries {
                push_row(&mut page, entry);
            }
            page.push_str("</tbody>\n</table>\n");
        }
        if self.cut {
            let _ = writeln!(page, "<p>There is more in this folder than the {} shown.</p>", self.entries.len());
        }
        page.push_str("</body>\n</html>\n");
        page
    }

    /// The listing for programs: an array of `{"name", "type": "file" | "folder", "size", "modified"}`. A folder has no
    /// size; the time is in UTC (RFC 3339).
    pub fn json(&self) -> String {
        let mut array = String::with_capacity(2 + 128 * self.entries.len());
        array.push('[');
        for (index, entry) in self.entries.iter().enumerate() {
            array.push_str(if index == 0 { "\n" } else { ",\n" });
            array.push_str("{\"name\":");
            push_json(&mut array, &entry.name);
            if entry.folder {
                array.push_str(",\"type\":\"folder\"");
            } else {
                let _ = write!(array, ",\"type\":\"file\",\"size\":{}", entry.size);
            }
            let _ = write!(array, ",\"modified\":\"{}Z\"}}", DateTime::of(entry.modified).written('T', true));
        }
        array.push_str("\n]\n");
        array
    }
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <meta name=\"color-scheme\" content=\"light dark\">\n";

const STYLE: &str = "\
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\
h1{font-size:1.25rem;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%}\
th,td{padding:.25rem .5rem;text-align:left;vertical-align:top;border-bottom:1px solid #8884}\
th:first-child,td:first-child{padding-left:0;width:99%;overflow-wrap:anywhere}\
th:nth-child(2),td:nth-child(2){text-align:right;white-space:nowrap}\
td:nth-child(n+2){font-variant-numeric:tabular-nums}";

const TABLE_HEAD: &str = "<table>\n<thead>\n<tr><th scope=\"col\">Name</th><th scope=\"col\">Size</th>\
    <th scope=\"col\">Modified (UTC)</th></tr>\n</thead>\n<tbody>\n";

fn push_row(page: &mut String, entry: &Entry) {
    let slash = if entry.folder { "/" } else { "" };
    // RFC 3986 §4.2: a first segment with a colon is taken for a scheme unless a dot segment precedes it.
    page.push_str("<tr><td><a href=\"./");
    push_encoded(page, &entry.name);
    let _ = write!(page, "{slash}\"><bdi>");
    push_text(page, &entry.name);
    let _ = write!(page, "</bdi>{slash}</a></td><td>");
    if !entry.folder {
        let _ = write!(page, "<data value=\"{}\">{}</data>", entry.size, Bytes(entry.size));
    }
    let modified = DateTime::of(entry.modified);
    let (exact, short) = (modified.written('T', true), modified.written(' ', false));
    let _ = writeln!(page, "</td><td><time datetime=\"{exact}Z\">{short}</time></td></tr>");
}

/// Text between tags. Control characters (those that a name can still have, and a path's) are
/// shown as the replacement character.
fn push_text(page: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            _ if character.is_control() => page.push('\u{fffd}'),
            _ => page.push(character),
        }
    }
}

/// A path segment of which everything is encoded but what RFC 3986 §2.3 calls unreserved: no byte is left that a parser
/// could take for anything else.
fn push_encoded(page: &mut String, segment: &str) {
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => page.push(char::from(byte)),
            _ => {
                let _ = write!(page, "%{byte:02X}");
            }
        }
    }
}

/// A JSON string (RFC 8259 §7), control characters beyond ASCII's escaped as well.
fn push_json(array: &mut String, text: &str) {
    array.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => array.extend(['\\', character]),
            _ if character.is_control() => {
                let _ = write!(array, "\\u{:04x}", u32::from(character));
            }
            _ => array.push(character),
        }
    }
    array.push('"');
}

/// A length for people: `512 B`, `1.5 KiB`; never rounded up, so that 1023.99 KiB is not a MiB.
struct Bytes(u64);

impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let unit = self.0.checked_ilog2().unwrap_or(0) as usize / 10;
        let whole = self.0 >> (10 * unit);
        if unit == 0 || whole >= 100 {
            return write!(f, "{whole} {}", UNITS[unit]);
        }
        // Below 100 of the unit, 10 bits below it are enough for a tenth.
        let tenth = ((self.0 >> (10 * (unit - 1))) & 1023) * 10 / 1024;
        write!(f, "{whole}.{tenth} {}", UNITS[unit])
    }
}

/// A date and time in UTC.
struct DateTime {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
}

impl DateTime {
    /// Of seconds since 1970; what four digits of a year cannot hold is the last second that they can.
    fn of(seconds: u64) -> DateTime {
        let seconds = seconds.min(253_402_300_799);
        // Days since 0000-03-01, so that a leap day is the last of its year; then eras of 400 years, which repeat.
        let days = seconds / 86_400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // Months from March have 31, 30, 31, 30, 31 days, twice and a bit.
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        DateTime { year: era * 400 + year + u64::from(month <= 2), month, day, second: seconds % 86_400 }
    }

    fn written(&self, between: char, with_seconds: bool) -> String {
        let DateTime { year, month, day, second } = self;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let mut text = format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}");
        if with_seconds {
            let _ = write!(text, ":{second:02}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Wait;
    use std::ffi::OsStr;
    use std::fs::{self, File};
    use std::os::fd::AsFd;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    /// Names that a page has to be careful with.
    const ODD: [&str; 9] = [
        "a b&c.txt",
        "<img src=x onerror=alert(1)>",
        "\"'quotes'\"",
        "javascript:alert(1)",
        "a:b",
        "50%2F50",
        "back\\slash",
        "?query#fragment",
        "ünï\u{202e}code\u{85}",
    ];

    fn listed(above: &Path, path: &str, options: Options<'_>) -> Listing {
        let root = Root::at(&above.join("served")).unwrap();
        let folder = root.open(path, Wait::Yes).unwrap();
        read(&root, path, folder.file.as_fd(), options).unwrap()
    }

    fn names(listing: &Listing) -> Vec<String> {
        listing.entries.iter().map(|it| format!("{}{}", it.name, if it.folder { "/" } else { "" })).collect()
    }

    fn tree() -> tempfile::TempDir {
        let above = tempfile::tempdir().unwrap();
        let served = above.path().join("served");
        fs::create_dir_all(served.join("b/deep")).unwrap();
        fs::create_dir(served.join("A")).unwrap();
        fs::create_dir(served.join(".git")).unwrap();
        for name in ["z", "a", "B", ".hidden", "b/file", "line\nbreak", "tab\t", "del\u{7f}"] {
            fs::write(served.join(name), "12345").unwrap();
        }
        fs::write(served.join(OsStr::from_bytes(b"not-utf-8-\xff")), "").unwrap();
        fs::write(above.path().join("secret"), "").unwrap();
        for (link, to) in [
            ("link-to-file", "b/file"),
            ("link-to-folder", "b/deep"),
            ("link-out", "../secret"),
            ("link-broken", "none"),
            ("link-loop", "link-loop"),
            ("link-to-pipe", "pipe"),
            ("b/link-up", "../a"),
            ("b/link-out", "../../secret"),
        ] {
            symlink(to, served.join(link)).unwrap();
        }
        rustix::fs::mkfifoat(rustix::fs::CWD, served.join("pipe"), rustix::fs::Mode::RUSR).unwrap();
        above
    }

    #[test]
    fn what_would_be_served_is_shown_folders_first_then_by_name() {
        let above = tree();
        let shown = listed(above.path(), "", Options::default());
        assert_eq!(names(&shown), ["A/", "b/", "link-to-folder/", "B", "a", "link-to-file", "z"]);
        assert!(!shown.cut);
        assert!(shown.entries.iter().filter(|it| !it.folder).all(|it| it.size == 5));
        for path in ["b", "b/"] {
            assert_eq!(names(&listed(above.path(), path, Options::default())), ["deep/", "file", "link-up"], "{path}");
        }
        assert!(listed(above.path(), "A", Options::default()).entries.is_empty());
    }

    #[test]
    fn dotfiles_are_shown_when_they_are_served() {
        let above = tree();
        let shown = listed(above.path(), "", Options { dotfiles: true, ..Options::default() });
        assert_eq!(names(&shown), [".git/", "A/", "b/", "link-to-folder/", ".hidden", "B", "a", "link-to-file", "z"]);
    }

    #[test]
    fn what_is_withheld_is_not_shown_by_any_name() {
        let above = tree();
        let identity = |name: &str| {
            let metadata = fs::metadata(above.path().join("served").join(name)).unwrap();
            (metadata.dev(), metadata.ino())
        };
        let withheld = [identity("b/file"), identity("A"), identity("z")];
        let shown = listed(above.path(), "", Options { withheld: &withheld, ..Options::default() });
        assert_eq!(names(&shown), ["b/", "link-to-folder/", "B", "a"]);
    }

    #[test]
    fn a_large_folder_is_cut_and_says_so() {
        let above = tempfile::tempdir().unwrap();
        let served = above.path().join("served");
        fs::create_dir(&served).unwrap();
        fs::write(served.join(".hidden"), "").unwrap();
        for index in 0..MOST_ENTRIES {
            File::create(served.join(format!("{index:05}"))).unwrap();
        }
        let whole = listed(above.path(), "", Options::default());
        assert_eq!((whole.entries.len(), whole.cut), (MOST_ENTRIES, false));
        assert!(!whole.html("/").contains("more in this folder"));

        File::create(served.join("one-too-many")).unwrap();
        let cut = listed(above.path(), "", Options::default());
        assert_eq!((cut.entries.len(), cut.cut), (MOST_ENTRIES, true));
        assert!(cut.html("/").contains("<p>There is more in this folder than the 10000 shown.</p>"));
        assert!(cut.entries.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn something_that_is_no_folder_cannot_be_listed() {
        let above = tree();
        let root = Root::at(&above.path().join("served")).unwrap();
        let file = root.open("a", Wait::Yes).unwrap();
        assert!(matches!(read(&root, "a", file.file.as_fd(), Options::default()), Err(Missed::Nothing)));
    }

    /// Goes through a page: every tag known and closed in order, every text and attribute free of markup. The links'
    /// addresses and the texts in them.
    fn walked(page: &str) -> Vec<(String, String)> {
        let mut rest = page.strip_prefix("<!doctype html>\n").unwrap();
        let (mut open, mut links, mut address) = (Vec::new(), Vec::new(), None);
        let mut inner = String::new();
        while let Some((text, after)) = rest.split_once('<') {
            assert!(!text.contains('>') || open.last() == Some(&"style"), "{text}");
            inner.push_str(text);
            let (tag, after) = after.split_once('>').expect("a tag ends");
            rest = after;
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "closed in order");
                if name == "a" {
                    links.push((address.take().unwrap(), std::mem::take(&mut inner)));
                }
                continue;
            }
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(
                [
                    "html", "head", "meta", "title", "style", "body", "h1", "p", "a", "bdi", "table", "thead", "tbody",
                    "tr", "th", "td", "data", "time"
                ]
                .contains(&name),
                "<{name}>"
            );
            if name == "a" {
                let href =
                    attributes.strip_prefix("href=\"").and_then(|it| it.strip_suffix('"')).expect("one attribute");
                assert!(href.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)), "{href}");
                address = Some(href.to_owned());
                inner.clear();
            }
            if name != "meta" {
                open.push(name);
            }
        }
        assert!(open.is_empty() && rest == "\n");
        links
    }

    fn decoded(segment: &str) -> String {
        let mut bytes = segment.bytes();
        let mut out = Vec::new();
        while let Some(byte) = bytes.next() {
            let mut digit = || char::from(bytes.next().unwrap()).to_digit(16).unwrap() as u8;
            out.push(if byte == b'%' { digit() * 16 + digit() } else { byte });
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_link_leads_to_its_name_and_nothing_in_a_name_is_markup() {
        let above = tempfile::tempdir().unwrap();
        for name in ODD {
            fs::create_dir_all(above.path().join("served").join(name)).unwrap();
            fs::write(above.path().join("served").join(format!("{name}.txt")), "").unwrap();
        }
        let listing = listed(above.path(), "", Options::default());
        assert_eq!(listing.entries.len(), 2 * ODD.len());
        let links = walked(&listing.html("/<script>&\"'\n/"));
        assert_eq!(links[0], ("../".to_owned(), "Parent folder".to_owned()));
        for ((address, text), entry) in links[1..].iter().zip(&listing.entries) {
            let segment = address.strip_prefix("./").expect("relative, past any scheme");
            let segment = if entry.folder { segment.strip_suffix('/').expect("a folder's") } else { segment };
            assert!(!segment.contains('/'));
            assert_eq!(decoded(segment), entry.name);
            let text = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
                .iter()
                .fold(text.clone(), |text, (escaped, plain)| text.replace(escaped, plain));
            assert_eq!(text.trim_end_matches('/'), entry.name.replace('\u{85}', "\u{fffd}"));
        }
        assert!(listing.html("/a\nb/").contains("<title>Index of /a\u{fffd}b/</title>"));
    }

    #[test]
    fn the_same_folder_is_the_same_page() {
        let entry = |name: &str, folder, size, modified| Entry { name: name.into(), folder, size, modified };
        let entries = vec![entry("folder", true, 4096, 0), entry("file \"\\\u{85}", false, 1536, 1_700_000_000)];
        let listing = Listing { entries, cut: false };
        assert_eq!(
            listing.json(),
            "[\n{\"name\":\"folder\",\"type\":\"folder\",\"modified\":\"1970-01-01T00:00:00Z\"},\n\
             {\"name\":\"file \\\"\\\\\\u0085\",\"type\":\"file\",\"size\":1536,\"modified\":\"2023-11-14T22:13:20Z\"}\n]\n"
        );
        let page = listing.html("/");
        assert!(page.contains(
            "<tr><td><a href=\"./folder/\"><bdi>folder</bdi>/</a></td><td></td>\
             <td><time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00</time></td></tr>\n"
        ));
        assert!(page.contains("<data value=\"1536\">1.5 KiB</data>"));
        assert!(!page.contains("../"), "the root has no parent");
        assert_eq!(page, listing.clone().html("/"));
        let empty = Listing { entries: vec![], cut: false };
        assert_eq!(empty.json(), "[\n]\n");
        assert_eq!(walked(&empty.html("/x/")).len(), 1);
    }

    #[test]
    fn lengths_read_well() {
        for (length, text) in [
            (0, "0 B"),
            (1, "1 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (102_399, "99.9 KiB"),
            (102_400, "100 KiB"),
            ((1 << 20) - 1, "1023 KiB"),
            (1 << 20, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(Bytes(length).to_string(), text);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"),
            (1_709_164_800, "2024-02-29T00:00:00"),
            (1_735_689_599, "2024-12-31T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
            (253_402_300_799, "9999-12-31T23:59:59"),
            (u64::MAX, "9999-12-31T23:59:59"),
        ] {
            assert_eq!(DateTime::of(seconds).written('T', true), text);
        }
    }

    #[test]
    fn a_file_s_own_time_is_shown() {
        let above = tempfile::tempdir().unwrap();
        fs::create_dir(above.path().join("served")).unwrap();
        let file = File::create(above.path().join("served/file")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_900)).unwrap();
        assert_eq!(listed(above.path(), "", Options::default()).entries[0].modified, 1_700_000_000);
    }
}
