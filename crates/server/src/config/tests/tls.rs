//! `[tls]` and the addresses that it is for. What is wrong with the files themselves is tested where there are any.

use super::refused::{Expected, assert_refused};

/// One error each; the text stands at the top level of a config that listens with TLS.
#[test]
fn a_wrong_tls_is_refused() {
    let cases: &[(&str, Expected<'_>)] = &[
        (
            "tls = true",
            ("`tls` takes a table, not a boolean", 2, "true", "write it as in `tls = { certificate = \"cert.pem\", …"),
        ),
        ("tls = {}", ("`certificate` is missing", 2, "{}", "write it as in `{ certificate = \"cert.pem\", …")),
        (
            "tls = { certificate = \"a\" }",
            ("`key` is missing", 2, "{ certificate = \"a\" }", "write it as in `{ certificate = \"cert.pem\", …"),
        ),
        (
            "tls = { certificate = 1, key = \"a\" }",
            (
                "`certificate` takes a file's path, not an integer",
                2,
                "1",
                "write it as in `certificate = \"certificate.pem\"`",
            ),
        ),
        (
            "tls = { certificate = \"\", key = \"a\" }",
            ("`` is not a file's path", 2, "\"\"", "write it as in `certificate = \"certificate.pem\"`"),
        ),
        (
            "tls = { certificates = [] }",
            ("there is no certificate", 2, "[]", "write it as in `certificates = [{ certificate = \"cert.pem\", …"),
        ),
        (
            "tls = { certificates = \"a\" }",
            (
                "`certificates` takes a list, each a certificate and its key, not a string",
                2,
                "\"a\"",
                "write it as in `certificates = [{ certificate = \"cert.pem\", …",
            ),
        ),
        (
            "tls = { certificates = [{ key = \"a\" }] }",
            ("`certificate` is missing", 2, "{ key = \"a\" }", "write it as in `{ certificate = \"cert.pem\", …"),
        ),
        (
            "tls = { certificate = \"a\", certificates = [] }",
            ("`certificate` beside `certificates`", 2, "certificates", "put all of them into the list"),
        ),
        ("", ("`https://` without a certificate", 1, "\"https://[::1]:0\"", "add `tls = { certificate = …")),
    ];
    for (text, expected) in cases {
        let text = format!("listen = \"https://[::1]:0\"\n{text}\n[route.\"/\"]\nrespond = {{ status = 204 }}\n");
        assert_refused(&text, &[*expected]);
    }
    let text = "tls = { certificate = \"missing\", key = \"missing\" }\n[route.\"/\"]\nrespond = { status = 204 }\n";
    assert_refused(
        text,
        &[
            ("`tls` without an address to use it on", 1, "tls", "write `https://` in `listen`, or remove it"),
            ("`missing` does not exist", 1, "\"missing\"", "create it, or name one that is there"),
        ],
    );
}
