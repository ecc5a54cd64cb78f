//! What is said of a text that is not TOML: one fault, where it begins.

use super::refused::{Expected, assert_refused};

#[test]
fn of_a_text_that_is_not_toml_the_first_fault_is_told() {
    let cases: &[(&str, Expected<'_>)] = &[
        ("listen = [\"http://127.0.0.1:1\"", ("this list is not closed", 1, "[", "close it with `]`")),
        (
            "log = \"off\"\nlisten = [\"http://[::1]:1\" # [\n[route.\"/{p...}\"]\nfiles = \"public\"\n",
            ("this list is not closed", 2, "[", "close it with `]`"),
        ),
        (
            "[route.\"/{p...}\"]\nfiles = { root = \"public\"\npages = { 404 = '{' }\n",
            ("this table is not closed", 2, "{", "close it with `}`"),
        ),
        (
            "listen = [\"http://[::1]:1\" \"http://[::1]:2\"]\nhints = [",
            ("missing comma between array elements, expected `,`", 1, "", ""),
        ),
        ("[route.\"/{p...}\"\nfiles = \"public\"", ("unclosed table, expected `]`", 1, "", "")),
        ("drain = 10s", ("`10s` is not a value", 1, "10s", "a text stands in quotes: write `\"10s\"`")),
        (
            "x.files = ./public # here",
            ("`./public` is not a value", 1, "./public", "a text stands in quotes: write `\"./public\"`"),
        ),
        ("listing = True", ("`True` is not a value", 1, "True", "write `true`, in small letters")),
        ("workers = 08", ("unexpected leading zero, expected nothing", 1, "0", "")),
        (
            "[route./{p...}]\n",
            ("invalid unquoted key, expected letters, numbers, `-`, `_`", 1, "/", "a pattern stands in quotes, …"),
        ),
        (
            "log = \"off\nuser = \"x\"\n",
            ("invalid basic string, expected `\"`", 1, "", "a text ends with `\"` on its own line"),
        ),
    ];
    for (text, expected) in cases {
        assert_refused(text, &[*expected]);
    }
}
