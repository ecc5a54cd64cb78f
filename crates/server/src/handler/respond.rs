//! `respond`: the same answer to everything.

use crate::answer::{Fields, Writing, add_headers, template};
use crate::config;
use crate::site::Common;
use std::borrow::Cow;
use verdict_core::status::{Class, Status};
use verdict_wire::Template;

pub(crate) struct Fixed {
    pub(crate) status: Status,
    /// `None`: what the status calls for is generated.
    content: Option<Vec<u8>>,
    fields: Vec<(String, String)>,
    head: Option<Template>,
}

impl Fixed {
    pub(crate) fn new(config: &config::Respond, common: &Common) -> Fixed {
        let status = config.status;
        let class = status.class();
        let refusal = matches!(class, Class::ClientError | Class::ServerError);
        let content = match &config.body {
            Some(body) => Some(body.clone().into_bytes()),
            None if refusal => None,
            None => Some(Vec::new()),
        };
        let mut fields: Fields<'_> = Vec::new();
        if content.as_ref().is_some_and(|content| !content.is_empty()) {
            fields.push(("Content-Type", Cow::Borrowed(&config.media_type)));
        }
        add_headers(&mut fields, common);
        // The route's `respond.headers` are nearer to the answer than its `headers`.
        fields.retain(|(name, _)| !config.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)));
        fields.extend(config.headers.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str()))));
        let size = content.as_ref().map_or(0, Vec::len) as u64;
        let head = content.as_ref().and_then(|_| template(status, size, &fields).ok());
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
        Fixed { status, content, fields, head }
    }

    /// The fields that the config gives.
    pub(crate) fn fields(&self) -> Fields<'_> {
        self.fields.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str()))).collect()
    }

    /// The content that is always the same; `None` if it is generated for each answer.
    #[inline]
    pub(crate) fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// Writes the head for the content that is always the same.
    #[inline]
    pub(crate) fn put_head(&self, out: &mut Vec<u8>, writing: &Writing<'_, '_>) {
        match &self.head {
            Some(head) if writing.is_usual() => {
                let written = head.write(out, &[writing.stamp.date, writing.stamp.id]);
                debug_assert!(written.is_ok(), "a stamp's parts have the lengths of their slots");
            }
            _ => writing.head(&self.fields(), self.content.as_ref().map(|content| content.len() as u64), out),
        }
    }
}
