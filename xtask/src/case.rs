//! The requests that are measured, the same for every server and every kind of measurement.

use crate::client::{Answer, Client};
use crate::failure::{Failure, While};
use crate::site;
use std::fmt::Write;
use std::net::SocketAddr;

/// A request and the answer that it must get.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// As the command line names it.
    pub(crate) name: &'static str,
    /// As the table names it.
    pub(crate) title: &'static str,
    /// The request target.
    pub(crate) target: &'static str,
    /// The fields besides `Host`.
    pub(crate) fields: Fields,
    /// The status of the answer.
    pub(crate) status: u16,
    /// The bytes of its content; `None` where each server may say it in its own words.
    pub(crate) content: Option<u64>,
}

/// Which fields a request has besides `Host`.
#[derive(Clone, Copy)]
pub(crate) enum Fields {
    /// None.
    Bare,
    /// These.
    Given(&'static [(&'static str, &'static str)]),
    /// `If-None-Match` with the tag that the server gives the same target.
    Revalidation,
}

pub(crate) const FIXED: Case = Case {
    name: "fixed",
    title: "fixed answer",
    target: "/fixed",
    fields: Fields::Bare,
    status: 200,
    content: Some(site::FIXED.len() as u64),
};
pub(crate) const SMALL: Case = Case {
    name: "1k",
    title: "1 KiB file",
    target: "/1k.txt",
    fields: Fields::Bare,
    status: 200,
    content: Some(site::SMALL),
};
pub(crate) const UNCHANGED: Case =
    Case { name: "304", title: "304", fields: Fields::Revalidation, status: 304, content: Some(0), ..SMALL };
pub(crate) const BROWSED: Case =
    Case { name: "browser", title: "1 KiB file, twelve browser fields", fields: Fields::Given(&BROWSER), ..SMALL };
pub(crate) const LARGE: Case =
    Case { name: "64m", title: "64 MiB file", target: "/64m.bin", content: Some(site::LARGE), ..SMALL };
pub(crate) const MISSING: Case =
    Case { name: "404", title: "404", target: "/missing.txt", status: 404, content: None, ..SMALL };

/// What Chrome sends besides `Host` when it is told to go to a page.
const BROWSER: [(&str, &str); 12] = [
    ("Connection", "keep-alive"),
    ("sec-ch-ua", "\"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("Upgrade-Insecure-Requests", "1"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    (
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
         application/signed-exchange;v=b3;q=0.7",
    ),
    ("Sec-Fetch-Site", "none"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "en-GB,en;q=0.9"),
];

/// A case put to one server, which has answered it as it must.
pub(crate) struct Proven {
    /// The fields besides `Host`.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// The whole request.
    pub(crate) request: Vec<u8>,
    /// The bytes of the whole answer, head and content.
    pub(crate) answer: u64,
}

impl Case {
    /// Asks the server once, and holds its answer against the case.
    pub(crate) fn prove(&self, address: SocketAddr) -> Result<Proven, Failure> {
        let fields = match self.fields {
            Fields::Bare => Vec::new(),
            Fields::Given(fields) => fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            Fields::Revalidation => {
                let answer = ask(address, self.target, &[])?;
                let tag = answer.field("etag").ok_or_else(|| {
                    Failure::Wrong(format!("{address} gives {} no ETag, so nothing can be revalidated", self.target))
                })?;
                vec![("If-None-Match", tag.to_owned())]
            }
        };
        let answer = ask(address, self.target, &fields)?;
        let content = self.content.unwrap_or(answer.content);
        if (answer.status, answer.content) != (self.status, content) {
            return Err(Failure::Wrong(format!(
                "{address} answers {} with {} and {} bytes of content where the case `{}` wants {} and {content}:\n{}",
                self.target, answer.status, answer.content, self.name, self.status, answer.head
            )));
        }
        let request = request(address, self.target, &fields);
        Ok(Proven { fields, request, answer: answer.head.len() as u64 + answer.content })
    }
}

fn ask(address: SocketAddr, target: &str, fields: &[(&str, String)]) -> Result<Answer, Failure> {
    let answered = Client::connect(address).and_then(|mut client| {
        client.send(&request(address, target, fields))?;
        client.receive()
    });
    answered.while_trying(format_args!("get {target} from {address}"))
}

/// The bytes of a GET.
pub(crate) fn request(address: SocketAddr, target: &str, fields: &[(&str, String)]) -> Vec<u8> {
    let mut head = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in fields {
        // A String takes everything.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}
