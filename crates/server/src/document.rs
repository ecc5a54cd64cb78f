//! JSON documents: what is taken for one, how a patch changes it, and what a schema has to say of it.
//!
//! A document is kept as the bytes that came. It is read strictly, so that every reader of those bytes sees the same
//! document, and a patch changes the tree of its text, so that a number which no patch touches is still written as it was.

pub mod form;
pub mod patch;
pub mod pointer;
pub mod schema;
pub mod strict;
pub mod tree;

/// The start of a text, for a sentence: at most `most` bytes and the ellipsis that says that there was more.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(most)])
}
