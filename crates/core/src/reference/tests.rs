use super::*;

fn statuses(codes: &[u16]) -> Vec<Status> {
    codes.iter().map(|code| Status::from_wire(*code).expect("three digits")).collect()
}

/// The answer to one question for one code.
fn answer(codes: &[u16], question: &str, code: u16) -> String {
    let comparison = compare(&statuses(codes)).unwrap_or_else(|| panic!("{codes:?} are compared"));
    let row = comparison.rows.iter().find(|row| row.question == question);
    let column = codes.iter().position(|known| *known == code).expect("the code is a column");
    row.unwrap_or_else(|| panic!("{codes:?}: {question}")).answers[column].clone()
}

#[test]
fn every_registered_code_has_an_entry_and_no_other_has() {
    let classes = [Class::Informational, Class::Successful, Class::Redirection, Class::ClientError, Class::ServerError];
    let written: Vec<u16> = classes.into_iter().flat_map(entries_of).map(|entry| entry.code).collect();
    let registered: Vec<u16> = REGISTRY.iter().map(|line| line.status.code()).collect();
    assert_eq!(written, registered);
    for line in REGISTRY {
        assert_eq!(entry(line.status).map(|entry| entry.code), Some(line.status.code()));
    }
    assert_eq!(entry(statuses(&[499])[0]), None);
}

#[test]
fn every_status_that_servers_are_asked_about_is_there() {
    let asked = [
        100, 101, 103, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 410,
        411, 413, 415, 422, 429, 500, 501, 502, 503, 504, 507,
    ];
    for status in statuses(&asked) {
        assert!(entry(status).is_some(), "{status}");
    }
}

#[test]
fn an_entry_is_whole_sentences_and_says_something_to_every_question() {
    for entry in REGISTRY.iter().filter_map(|line| entry(line.status)) {
        for text in [entry.meaning, entry.when, entry.when_not, entry.next] {
            assert!(text.ends_with('.') && text.starts_with(|c: char| !c.is_lowercase()), "{}: {text}", entry.code);
            assert!(!text.contains("  ") && !text.contains('\n'), "{}: {text}", entry.code);
            assert_eq!(text.matches('`').count() % 2, 0, "{}: {text}", entry.code);
        }
    }
}

#[test]
fn an_entry_names_the_fields_that_its_status_must_carry() {
    for line in REGISTRY {
        let entry = entry(line.status).expect("every code has one");
        let text = [entry.meaning, entry.when, entry.when_not, entry.next].concat();
        for field in line.required {
            assert!(text.contains(&format!("`{}", field.name())), "{}: {}", entry.code, field.name());
        }
    }
}

#[test]
fn a_code_that_an_entry_sends_the_reader_to_is_registered() {
    for entry in REGISTRY.iter().filter_map(|line| entry(line.status)) {
        for text in [entry.meaning, entry.when, entry.when_not, entry.next] {
            // Numbers of RFCs and of sections have a digit or a dot beside them.
            for word in text.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '-' && c != '§') {
                let word = word.trim_end_matches('.');
                if let (3, Ok(code)) = (word.len(), word.parse()) {
                    let status = Status::from_wire(code).expect("three digits");
                    assert!(status.entry().is_some(), "{} names {code}", entry.code);
                }
            }
        }
    }
}

#[test]
fn the_redirects_differ_in_permanence_and_in_whether_a_post_may_become_a_get() {
    let four = [301, 302, 307, 308];
    let cases = [(301, "yes", "yes"), (302, "no", "yes"), (307, "no", "no"), (308, "yes", "no")];
    for (code, permanent, may_change) in cases {
        assert_eq!(answer(&four, "permanent?", code), permanent, "{code}");
        assert_eq!(answer(&four, "may POST become GET?", code), may_change, "{code}");
        assert_eq!(answer(&four, "is the method kept?", code) == "yes", may_change == "no", "{code}");
        assert_eq!(answer(&four, "must carry", code), "Location", "{code}");
    }
    assert_eq!(answer(&[302, 303], "is the method kept?", 303), "no, always GET");
}

#[test]
fn the_known_comparisons_hold() {
    let cases: &[(&[u16], &str, &[&str])] = &[
        (&[401, 403], "does authenticating again help?", &["yes", "no"]),
        (&[401, 403], "identity known?", &["no, or authentication failed", "yes"]),
        (&[401, 403], "in a word", &["Who are you?", "I know you, but no."]),
        (&[401, 403], "must carry", &["WWW-Authenticate", "nothing"]),
        (
            &[500, 502, 503, 504],
            "who failed?",
            &["the application's own code", "the upstream server", "this server", "the upstream server"],
        ),
        (&[404, 410], "permanent?", &["it does not say", "yes"]),
        (&[404, 410], "cacheable without being told?", &["yes", "yes"]),
        (&[405, 501], "does the server know the method?", &["yes", "no"]),
        (&[405, 501], "must carry", &["Allow", "nothing"]),
        (
            &[409, 412, 428],
            "was there a condition in the fields?",
            &["no, or it holds", "yes, and it does not hold", "no, and there must be one"],
        ),
        (&[400, 422], "can the content be parsed?", &["no, mostly", "yes"]),
        (&[429, 503], "who is at fault?", &["the client", "the server"]),
        (&[200, 201, 202, 204], "is it done?", &["yes", "yes", "not yet, and it may fail", "yes"]),
        (&[200, 201, 202, 204], "content?", &["may", "may", "may", "never"]),
        (&[200, 201, 202, 204], "must carry", &["nothing", "Location", "nothing", "nothing"]),
    ];
    for (codes, question, answers) in cases {
        for (code, expected) in codes.iter().zip(*answers) {
            assert_eq!(answer(codes, question, *code), *expected, "{question} of {code}");
        }
    }
}

#[test]
fn a_code_is_pointed_to_the_comparisons_that_it_is_in() {
    let cases: &[(u16, &[&[u16]])] = &[
        (409, &[&[409, 412, 428], &[400, 409, 415, 422]]),
        (503, &[&[429, 503], &[500, 502, 503, 504]]),
        (401, &[&[401, 403]]),
        (402, &[]),
    ];
    for (code, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|codes| statuses(codes)).collect();
        assert_eq!(comparisons_with(statuses(&[*code])[0]), expected, "{code}");
        for codes in expected {
            assert_eq!(compare(&codes).map(|comparison| comparison.statuses), Some(codes));
        }
    }
}

#[test]
fn what_must_not_be_stored_is_cached_by_nobody() {
    let cases = [
        (103, Caching::Never),
        (200, Caching::Heuristic),
        (304, Caching::IfTold),
        (404, Caching::Heuristic),
        (412, Caching::IfTold),
        (428, Caching::Never),
        (429, Caching::Never),
        (431, Caching::Never),
        (511, Caching::Never),
    ];
    for (code, expected) in cases {
        let line = statuses(&[code])[0].entry().expect("it is registered");
        assert_eq!(Caching::of(line), expected, "{code}");
    }
}

#[test]
fn the_columns_stand_in_the_order_that_was_asked_for() {
    assert_eq!(answer(&[308, 302], "permanent?", 308), "yes");
    assert_eq!(answer(&[308, 302], "permanent?", 302), "no");
}

#[test]
fn codes_without_a_question_in_common_are_not_compared() {
    for codes in [&[][..], &[404], &[200, 404], &[301, 302, 304], &[499, 500]] {
        assert_eq!(compare(&statuses(codes)), None, "{codes:?}");
    }
}

#[test]
fn the_nearest_codes_of_one_that_is_not_assigned_stand_on_both_sides_of_it() {
    let cases: &[(u16, &[u16])] =
        &[(419, &[418, 421]), (499, &[451, 500]), (104, &[103, 200]), (599, &[511]), (999, &[511]), (0, &[100])];
    for (code, expected) in cases {
        assert_eq!(nearest(*code).collect::<Vec<_>>(), statuses(expected), "{code}");
    }
}
