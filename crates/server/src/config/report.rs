//! What is wrong with a config, all of it, and how that is shown.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;
use std::sync::Arc;

/// Everything that was found, in the order of the text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    name: String,
    source: Arc<str>,
    diagnostics: Vec<Diagnostic>,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Whether the config can be used all the same.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The bytes of the config that are wrong; `None` if there is no text to point at.
    pub span: Option<Range<usize>>,
    /// What is said beside the underlined text; may be empty.
    pub label: String,
    /// Other places that have to do with it, each with what is said beside it.
    pub also: Vec<(Range<usize>, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The config is refused.
    Error,
    /// The config is used, though this is hardly meant.
    Warning,
}

impl Report {
    /// `name` is what the text's file is called in messages.
    pub(super) fn new(name: &str, source: &str, mut diagnostics: Vec<Diagnostic>) -> Report {
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.as_ref().map_or(0, |span| span.start));
        for diagnostic in &mut diagnostics {
            let also = diagnostic.also.iter_mut().map(|(_, label)| label);
            for text in
                [&mut diagnostic.message, &mut diagnostic.label].into_iter().chain(&mut diagnostic.help).chain(also)
            {
                *text = without_c1(text);
            }
        }
        // The renderer shows the name of the file as it is.
        let name = name.replace(char::is_control, "\u{fffd}");
        Report { name, source: without_c1(&super::console::without_token(source)).into(), diagnostics }
    }

    /// What was found.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Whether the config is refused.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Line and column of a byte of the config, both from one; the column counts characters.
    pub fn position(&self, at: usize) -> (usize, usize) {
        position(&self.source, at)
    }

    /// As text, for a terminal that shows colours or for anything else.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&renderer.render(&self.groups(diagnostic)));
        }
        text
    }

    fn groups<'a>(&'a self, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(diagnostic.message.as_str());
        let group = match &diagnostic.span {
            None => Group::with_title(title),
            Some(span) => {
                let mut primary = AnnotationKind::Primary.span(span.clone());
                if !diagnostic.label.is_empty() {
                    primary = primary.label(diagnostic.label.as_str());
                }
                let also = diagnostic.also.iter();
                title.element(Snippet::source(&*self.source).path(self.name.as_str()).annotation(primary).annotations(
                    also.map(|(at, label)| AnnotationKind::Context.span(at.clone()).label(label.as_str())),
                ))
            }
        };
        let help = diagnostic.help.as_deref().map(|help| Level::HELP.message(help));
        vec![group.elements(help)]
    }
}

/// The renderer shows the control characters of ASCII as pictures and lets those of U+0080 to U+009F pass, which some
/// terminals obey. What stands for them has two bytes too, so that spans stay right.
fn without_c1(text: &str) -> String {
    text.replace(|c| matches!(c, '\u{80}'..='\u{9f}'), "\u{bf}")
}

/// What a diagnostic says may quote the config, in which a control character can stand as an escape: it is shown as one.
fn shown(text: String) -> String {
    let is_hidden = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_hidden) {
        return text;
    }
    text.chars().map(|c| if is_hidden(c) { c.escape_debug().to_string() } else { c.to_string() }).collect()
}

/// Line and column of a byte, both from one; the column counts characters.
pub(super) fn position(source: &str, at: usize) -> (usize, usize) {
    let before = source.get(..at).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Without colours.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

/// What has been found so far, while a config is read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Findings {
    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Error, Some(span), message.into())
    }

    pub(super) fn warning(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Warning, Some(span), message.into())
    }

    /// An error outside the text.
    pub(super) fn error_without_place(&mut self, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Error, None, message.into())
    }

    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    fn push(&mut self, severity: Severity, span: Option<Range<usize>>, message: String) -> &mut Diagnostic {
        let (label, also, message) = (String::new(), Vec::new(), shown(message));
        self.diagnostics.push_mut(Diagnostic { severity, message, span, label, also, help: None })
    }
}

impl Diagnostic {
    pub(super) fn label(&mut self, label: impl Into<String>) -> &mut Diagnostic {
        self.label = shown(label.into());
        self
    }

    pub(super) fn also(&mut self, at: Range<usize>, label: impl Into<String>) -> &mut Diagnostic {
        self.also.push((at, shown(label.into())));
        self
    }

    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Diagnostic {
        self.help = Some(shown(help.into()));
        self
    }
}
