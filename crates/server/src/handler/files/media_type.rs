//! Which media type a file has: by the extension of its name.
//!
//! Types are as registered with IANA where they are, and as the WHATWG's MIME Sniffing standard has them where
//! registrations left several. Text is said to be UTF-8; JSON is always (RFC 8259 §8.1), and XML says so itself
//! (RFC 7303 §3), so theirs have no `charset`.

/// What nothing is known about (RFC 9110 §8.3).
pub const UNKNOWN: &str = "application/octet-stream";

/// The media type of a file of this name, as `Content-Type` has it.
///
/// A file that stands in for another in a content coding has that other one's type: of `app.js` and `app.js.br` ask
/// with the first. A name that only begins with a dot has no extension. No allocation.
pub fn of(name: &str) -> &'static str {
    let Some((stem, extension)) = name.rsplit_once('.') else { return UNKNOWN };
    if stem.is_empty() || stem.ends_with('/') || extension.len() > LONGEST {
        return UNKNOWN;
    }
    let mut lower = [0; LONGEST];
    let lower = &mut lower[..extension.len()];
    lower.copy_from_slice(extension.as_bytes());
    lower.make_ascii_lowercase();
    match TYPES.binary_search_by(|(known, _)| known.as_bytes().cmp(lower)) {
        Ok(index) => TYPES[index].1,
        Err(_) => UNKNOWN,
    }
}

/// Whether a content coding could make content of this type shorter: not if its own format is compressed already. What is
/// not known could be.
pub fn is_compressible(media_type: &str) -> bool {
    let essence = media_type.split_once(';').map_or(media_type, |(essence, _)| essence);
    match essence.split_once('/') {
        Some(("audio" | "video", subtype)) => matches!(subtype, "midi" | "wav"),
        Some(("image", subtype)) => {
            matches!(subtype, "bmp" | "svg+xml" | "tiff" | "vnd.adobe.photoshop" | "vnd.microsoft.icon")
        }
        Some(("font", subtype)) => !matches!(subtype, "woff" | "woff2"),
        Some(("application", subtype)) => {
            let packed = ["vnd.openxmlformats-", "vnd.oasis."].iter().any(|family| subtype.starts_with(family))
                || subtype.ends_with("+zip")
                || matches!(
                    subtype,
                    "gzip"
                        | "java-archive"
                        | "vnd.android.package-archive"
                        | "vnd.debian.binary-package"
                        | "vnd.google-earth.kmz"
                        | "vnd.rar"
                        | "x-7z-compressed"
                        | "x-bzip2"
                        | "x-rpm"
                        | "x-xz"
                        | "zip"
                        | "zstd"
                );
            !packed
        }
        _ => true,
    }
}

/// The longest extension in the table.
const LONGEST: usize = 11;

/// By extension, in lower case, sorted.
#[rustfmt::skip]
const TYPES: &[(&str, &str)] = &[
    ("3gp",         "video/3gpp"),
    ("7z",          "application/x-7z-compressed"),
    ("aac",         "audio/aac"),
    ("apk",         "application/vnd.android.package-archive"),
    ("apng",        "image/apng"),
    ("asc",         "text/plain; charset=utf-8"),
    ("atom",        "application/atom+xml"),
    ("avi",         "video/x-msvideo"),
    ("avif",        "image/avif"),
    ("bmp",         "image/bmp"),
    ("bz2",         "application/x-bzip2"),
    ("c",           "text/plain; charset=utf-8"),
    ("cjs",         "text/javascript; charset=utf-8"),
    ("conf",        "text/plain; charset=utf-8"),
    ("cpp",         "text/plain; charset=utf-8"),
    ("css",         "text/css; charset=utf-8"),
    ("csv",         "text/csv; charset=utf-8"),
    ("deb",         "application/vnd.debian.binary-package"),
    ("diff",        "text/plain; charset=utf-8"),
    ("doc",         "application/msword"),
    ("docx",        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("dtd",         "application/xml-dtd"),
    ("eml",         "message/rfc822"),
    ("eot",         "application/vnd.ms-fontobject"),
    ("eps",         "application/postscript"),
    ("epub",        "application/epub+zip"),
    ("exe",         "application/vnd.microsoft.portable-executable"),
    ("flac",        "audio/flac"),
    ("geojson",     "application/geo+json"),
    ("gif",         "image/gif"),
    ("glb",         "model/gltf-binary"),
    ("gltf",        "model/gltf+json"),
    ("go",          "text/plain; charset=utf-8"),
    ("gpx",         "application/gpx+xml"),
    ("gz",          "application/gzip"),
    ("h",           "text/plain; charset=utf-8"),
    ("heic",        "image/heic"),
    ("heif",        "image/heif"),
    ("htm",         "text/html; charset=utf-8"),
    ("html",        "text/html; charset=utf-8"),
    ("ico",         "image/vnd.microsoft.icon"),
    ("ics",         "text/calendar; charset=utf-8"),
    ("ini",         "text/plain; charset=utf-8"),
    ("jar",         "application/java-archive"),
    ("java",        "text/plain; charset=utf-8"),
    ("jfif",        "image/jpeg"),
    ("jpeg",        "image/jpeg"),
    ("jpg",         "image/jpeg"),
    ("js",          "text/javascript; charset=utf-8"),
    ("json",        "application/json"),
    ("jsonl",       "application/jsonl"),
    ("jsonld",      "application/ld+json"),
    ("jxl",         "image/jxl"),
    ("kml",         "application/vnd.google-earth.kml+xml"),
    ("kmz",         "application/vnd.google-earth.kmz"),
    ("log",         "text/plain; charset=utf-8"),
    ("m3u8",        "application/vnd.apple.mpegurl"),
    ("m4a",         "audio/mp4"),
    ("m4v",         "video/mp4"),
    ("map",         "application/json"),
    ("markdown",    "text/markdown; charset=utf-8"),
    ("mbox",        "application/mbox"),
    ("md",          "text/markdown; charset=utf-8"),
    ("mid",         "audio/midi"),
    ("midi",        "audio/midi"),
    ("mjs",         "text/javascript; charset=utf-8"),
    ("mka",         "audio/matroska"),
    ("mkv",         "video/matroska"),
    ("mov",         "video/quicktime"),
    ("mp3",         "audio/mpeg"),
    ("mp4",         "video/mp4"),
    ("mpd",         "application/dash+xml"),
    ("mpeg",        "video/mpeg"),
    ("mpg",         "video/mpeg"),
    ("odp",         "application/vnd.oasis.opendocument.presentation"),
    ("ods",         "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt",         "application/vnd.oasis.opendocument.text"),
    ("oga",         "audio/ogg"),
    ("ogg",         "audio/ogg"),
    ("ogv",         "video/ogg"),
    ("opus",        "audio/ogg"),
    ("otf",         "font/otf"),
    ("patch",       "text/plain; charset=utf-8"),
    ("pdf",         "application/pdf"),
    ("png",         "image/png"),
    ("ppt",         "application/vnd.ms-powerpoint"),
    ("pptx",        "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("ps",          "application/postscript"),
    ("psd",         "image/vnd.adobe.photoshop"),
    ("py",          "text/plain; charset=utf-8"),
    ("rar",         "application/vnd.rar"),
    ("rdf",         "application/rdf+xml"),
    ("rpm",         "application/x-rpm"),
    ("rs",          "text/plain; charset=utf-8"),
    ("rss",         "application/rss+xml"),
    ("rtf",         "application/rtf"),
    ("sh",          "text/plain; charset=utf-8"),
    ("sql",         "application/sql"),
    ("srt",         "application/x-subrip"),
    ("stl",         "model/stl"),
    ("svg",         "image/svg+xml"),
    ("tar",         "application/x-tar"),
    ("tgz",         "application/gzip"),
    ("tif",         "image/tiff"),
    ("tiff",        "image/tiff"),
    ("toml",        "application/toml"),
    ("torrent",     "application/x-bittorrent"),
    ("ts",          "video/mp2t"),
    ("tsv",         "text/tab-separated-values; charset=utf-8"),
    ("ttc",         "font/collection"),
    ("ttf",         "font/ttf"),
    ("txt",         "text/plain; charset=utf-8"),
    ("vcard",       "text/vcard; charset=utf-8"),
    ("vcf",         "text/vcard; charset=utf-8"),
    ("vtt",         "text/vtt; charset=utf-8"),
    ("wasm",        "application/wasm"),
    ("wav",         "audio/wav"),
    ("weba",        "audio/webm"),
    ("webm",        "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp",        "image/webp"),
    ("wmv",         "video/x-ms-wmv"),
    ("woff",        "font/woff"),
    ("woff2",       "font/woff2"),
    ("xht",         "application/xhtml+xml"),
    ("xhtml",       "application/xhtml+xml"),
    ("xls",         "application/vnd.ms-excel"),
    ("xlsx",        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml",         "application/xml"),
    ("xsd",         "application/xml"),
    ("xsl",         "application/xslt+xml"),
    ("xslt",        "application/xslt+xml"),
    ("xz",          "application/x-xz"),
    ("yaml",        "application/yaml"),
    ("yml",         "application/yaml"),
    ("zip",         "application/zip"),
    ("zst",         "application/zstd"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_each_extension_once() {
        for pair in TYPES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].0, pair[1].0);
        }
    }

    #[test]
    fn each_line_is_well_formed_and_found() {
        let token = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&-^_.+".contains(&b))
        };
        for (extension, media_type) in TYPES {
            assert!(extension.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{extension}");
            let (essence, parameter) = media_type.split_once("; ").unwrap_or((media_type, ""));
            assert!(matches!(parameter, "" | "charset=utf-8"), "{media_type}");
            assert!(essence.split_once('/').is_some_and(|(top, sub)| token(top) && token(sub)), "{media_type}");
            // What is text needs to say in which encoding; a browser would guess otherwise.
            assert_eq!(essence.starts_with("text/"), !parameter.is_empty(), "{media_type}");
            assert_eq!(of(&format!("name.{extension}")), *media_type);
        }
        assert_eq!(TYPES.iter().map(|(extension, _)| extension.len()).max(), Some(LONGEST));
    }

    #[test]
    fn browsers_take_the_values() {
        for (name, media_type) in [
            ("index.html", "text/html; charset=utf-8"),
            ("INDEX.HTM", "text/html; charset=utf-8"),
            ("page.xhtml", "application/xhtml+xml"),
            ("site.css", "text/css; charset=utf-8"),
            // RFC 9239 §6: the one type for JavaScript.
            ("app.js", "text/javascript; charset=utf-8"),
            ("module.mjs", "text/javascript; charset=utf-8"),
            ("data.json", "application/json"),
            ("app.js.map", "application/json"),
            ("site.webmanifest", "application/manifest+json"),
            ("feed.xml", "application/xml"),
            ("picture.svg", "image/svg+xml"),
            ("picture.JPG", "image/jpeg"),
            ("picture.jpeg", "image/jpeg"),
            ("picture.avif", "image/avif"),
            ("favicon.ico", "image/vnd.microsoft.icon"),
            ("font.woff2", "font/woff2"),
            // WebAssembly.compileStreaming takes no other.
            ("module.wasm", "application/wasm"),
            ("notes.md", "text/markdown; charset=utf-8"),
            ("table.csv", "text/csv; charset=utf-8"),
            ("meetings.ics", "text/calendar; charset=utf-8"),
            ("robots.txt", "text/plain; charset=utf-8"),
            ("subtitles.vtt", "text/vtt; charset=utf-8"),
            ("film.mp4", "video/mp4"),
            // A segment of a stream, not TypeScript, which browsers do not run.
            ("segment.ts", "video/mp2t"),
            ("song.mp3", "audio/mpeg"),
            ("archive.tar.gz", "application/gzip"),
            ("paper.pdf", "application/pdf"),
        ] {
            assert_eq!(of(name), media_type, "{name}");
        }
    }

    #[test]
    fn what_is_compressed_already_is_not_compressible() {
        for name in "html css js json map svg xml txt md wasm ttf otf ico bmp pdf yaml LICENSE".split(' ') {
            assert!(is_compressible(of(&format!("a.{name}"))), "{name}");
        }
        for name in "png jpg webp avif gif mp4 webm mp3 ogg woff woff2 zip gz zst 7z jar docx odt epub deb".split(' ') {
            assert!(!is_compressible(of(&format!("a.{name}"))), "{name}");
        }
        assert!(is_compressible(UNKNOWN) && is_compressible(""));
    }

    #[test]
    fn what_is_not_known_is_bytes() {
        for name in [
            "",
            ".",
            "LICENSE",
            "name.",
            ".json",
            "folder/.json",
            "folder.js/name",
            "name.nothing",
            "name.js ",
            "name.webmanifests",
            "name.ĵs",
            "name.\u{212a}ml",
        ] {
            assert_eq!(of(name), UNKNOWN, "{name}");
        }
    }
}
