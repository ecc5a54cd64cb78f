//! What `docs/` says of the decision: written from verdict-core's tables, from every case of the decision and from what
//! verdict-server can give, so that it cannot say anything else than the code does. `cargo xtask docs` writes it, and a test fails while it is stale.
//!
//! Rule: a fact that a table or the run has is taken from there. What stands here are headings and the order of things.

mod decision;
mod markdown;
mod run;
mod status;
mod svg;

/// The documents, each with its name in `docs/` and its content. The same for the same code, always.
pub fn documents() -> [(&'static str, String); 2] {
    let run = run::every_case();
    [("STATUS.md", status::write(run)), ("DECISION.svg", decision::draw(run))]
}

#[cfg(test)]
mod tests {
    use super::documents;
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_documents_are_those_of_this_code() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for (name, right) in documents() {
            let written = fs::read_to_string(folder.join(name)).unwrap_or_default();
            // Not `assert_eq`: the difference would be pages long.
            assert!(written == right, "docs/{name} is stale: run `cargo xtask docs`");
        }
    }
}
