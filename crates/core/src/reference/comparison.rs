//! Codes that are taken for one another, side by side: a row a question, a column a code.

use super::{Caching, content};
use crate::status::{Entry, Status};

/// Several statuses and what tells them apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comparison {
    /// The columns, in the order that was asked for.
    pub statuses: Vec<Status>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Which one to take, in a few sentences. It may name codes of the comparison that were not asked for.
    pub advice: &'static str,
}

/// One question and its answer for each status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The question.
    pub question: &'static str,
    /// The answers, in the order of [`Comparison::statuses`]; empty where the question does not arise.
    pub answers: Vec<String>,
}

/// Compares statuses that have questions in common: those of one known comparison, or some of them. `None` for any others,
/// and for fewer than two.
pub fn compare(statuses: &[Status]) -> Option<Comparison> {
    if statuses.len() < 2 {
        return None;
    }
    // Where two comparisons know the codes, the smaller one is the more to the point.
    let known = KNOWN.iter().filter(|known| known.has(statuses)).min_by_key(|known| known.codes.len())?;
    let lines: Vec<&Entry> = statuses.iter().filter_map(|status| status.entry()).collect();
    let given = known.rows.iter().map(|(question, answers)| Row {
        question,
        answers: statuses.iter().filter_map(|status| known.column(*status)).map(|at| answers[at].to_owned()).collect(),
    });
    let registered = REGISTERED
        .iter()
        .map(|(question, answer)| Row { question, answers: lines.iter().map(|line| answer(line)).collect() });
    Some(Comparison { statuses: statuses.to_vec(), rows: given.chain(registered).collect(), advice: known.advice })
}

/// The codes of each known comparison that has this one among them, the smaller comparison first.
pub fn comparisons_with(status: Status) -> Vec<Vec<Status>> {
    let mut with: Vec<&Known> = KNOWN.iter().filter(|known| known.column(status).is_some()).collect();
    with.sort_by_key(|known| known.codes.len());
    with.iter().map(|known| known.codes.iter().filter_map(|code| Status::from_wire(*code)).collect()).collect()
}

/// The questions that the registry answers, for every code.
const REGISTERED: &[(&str, Answer)] = &[
    ("content?", |line| content(line.content).to_owned()),
    ("cacheable without being told?", |line| match Caching::of(line) {
        Caching::Heuristic => "yes".to_owned(),
        Caching::IfTold => "no".to_owned(),
        Caching::Never => "never".to_owned(),
    }),
    ("must carry", |line| match line.required {
        [] => "nothing".to_owned(),
        required => required.iter().map(|field| field.name()).collect::<Vec<_>>().join(", "),
    }),
];

type Answer = fn(&Entry) -> String;

/// Codes, and the questions that tell them apart: an answer a code, in their order.
struct Known {
    codes: &'static [u16],
    rows: &'static [(&'static str, &'static [&'static str])],
    advice: &'static str,
}

impl Known {
    fn column(&self, status: Status) -> Option<usize> {
        self.codes.iter().position(|code| *code == status.code())
    }

    fn has(&self, statuses: &[Status]) -> bool {
        statuses.iter().all(|status| self.column(*status).is_some())
    }
}

const KNOWN: &[Known] = &[
    Known {
        codes: &[100, 101, 103],
        rows: &[
            ("what does it say?", &["send the content", "another protocol from here on", "these fields will come"]),
            ("sent because of", &["Expect: 100-continue", "Upgrade", "the server's own knowledge"]),
            ("does a final answer in HTTP/1.1 follow?", &["yes", "no", "yes"]),
            ("over HTTP/2?", &["yes", "no", "yes"]),
        ],
        advice: "All three end with their head and go to nobody who speaks HTTP/1.0 (RFC 9110 §15.2).",
    },
    Known {
        codes: &[200, 201, 202, 204],
        rows: &[
            ("is it done?", &["yes", "yes", "not yet, and it may fail", "yes"]),
            ("was something created?", &["no", "yes", "perhaps, later", "no"]),
            ("what does `Location` name?", &["", "what was created", "the job's monitor", ""]),
            (
                "what is the content?",
                &[
                    "the representation, or what came of it",
                    "a description of what was created, if any",
                    "the state of the job, if any",
                    "there is none",
                ],
            ),
            (
                "typical of",
                &["GET, and POST, PUT, PATCH that return something", "POST, PUT", "a job", "DELETE, PUT, PATCH"],
            ),
        ],
        advice: "Created something: 201. Will do it later: 202. Did it and have something to return: 200. Did it and have nothing \
                 to return: 204.",
    },
    Known {
        codes: &[301, 302, 303, 307, 308],
        rows: &[
            ("permanent?", &["yes", "no", "no", "no", "yes"]),
            ("is the method kept?", &["no, it may change", "no, it may change", "no, always GET", "yes", "yes"]),
            ("may POST become GET?", &["yes", "yes", "always does", "no", "no"]),
            (
                "which URL is right the next time?",
                &["the new one", "the old one", "the old one", "the old one", "the new one"],
            ),
            (
                "what is at `Location`?",
                &["the resource", "the resource", "an answer about it", "the resource", "the resource"],
            ),
        ],
        advice: "Moved for good: 308, and always where POST or PUT is taken. Elsewhere for now: 307. The result of a POST, to be \
                 fetched with GET: 303. 301 and 302 leave it to the client whether a POST stays a POST; in doubt, 308 and 307 are \
                 strictly right.",
    },
    Known {
        codes: &[304, 412],
        rows: &[
            ("which methods?", &["GET and HEAD", "any; of `If-None-Match`, those that write"]),
            (
                "which conditions?",
                &["If-None-Match, If-Modified-Since", "If-Match, If-Unmodified-Since, If-None-Match on a write"],
            ),
            ("is it an error?", &["no: the copy is current", "yes: the condition does not hold"]),
            ("what does the client do?", &["use its copy", "fetch the current version and try again"]),
        ],
        advice: "RFC 9110 §13.2.2 says in which order the conditions are asked, and which status follows.",
    },
    Known {
        codes: &[400, 409, 415, 422],
        rows: &[
            (
                "what is wrong?",
                &[
                    "the message or its syntax",
                    "the request against the target's state",
                    "the form of the content",
                    "what the content says",
                ],
            ),
            ("can the content be parsed?", &["no, mostly", "yes", "it was not tried", "yes"]),
            (
                "the same request later?",
                &["fails again", "may succeed, once the state is another", "fails again", "fails again"],
            ),
            ("example", &["malformed JSON", "a duplicate", "XML where JSON is taken", "an age of -1"]),
        ],
        advice: "It cannot be parsed: 400. Its type is not taken: 415. It parses and breaks the schema or a rule: 422. It would be \
                 right in another state of the target: 409. A server that does not tell them apart gives 400.",
    },
    Known {
        codes: &[401, 403],
        rows: &[
            ("in a word", &["Who are you?", "I know you, but no."]),
            ("identity known?", &["no, or authentication failed", "yes"]),
            ("does authenticating again help?", &["yes", "no"]),
            ("what helps?", &["valid credentials", "a permission, or another user's credentials"]),
            ("typical of", &["a missing, invalid or expired token", "a valid token without the right"]),
        ],
        advice: "Without valid credentials: 401. With them, and still not allowed: 403; or 404, so that nobody learns that there is \
                 something (RFC 9110 §15.5.4).",
    },
    Known {
        codes: &[404, 410],
        rows: &[
            ("permanent?", &["it does not say", "yes"]),
            ("was there something?", &["it does not say", "yes"]),
            ("what do crawlers do?", &["ask again later", "remove it from their index"]),
            ("may it hide something?", &["yes", "no"]),
        ],
        advice: "410 needs to know that there was something and that it will not come back; without that knowledge it is 404.",
    },
    Known {
        codes: &[405, 501],
        rows: &[
            ("does the server know the method?", &["yes", "no"]),
            ("what lacks it?", &["this target", "every target"]),
            ("would another target take it?", &["perhaps", "no"]),
            ("who is at fault?", &["the client", "the server, which lacks it"]),
        ],
        advice: "A method that any target takes, or that RFC 9110 defines: 405 with `Allow`. A method that nobody here knows: 501. \
                 Methods are case-sensitive, so `get` is 501.",
    },
    Known {
        codes: &[408, 504],
        rows: &[
            ("who was too slow?", &["the client", "the upstream server"]),
            ("what did not arrive?", &["the whole request", "the upstream's answer"]),
            ("was it acted upon?", &["no", "perhaps"]),
        ],
        advice: "408 is about the request on its way in, 504 about the answer of the server behind the gateway.",
    },
    Known {
        codes: &[409, 412, 428],
        rows: &[
            (
                "was there a condition in the fields?",
                &["no, or it holds", "yes, and it does not hold", "no, and there must be one"],
            ),
            (
                "what disagrees?",
                &[
                    "the request and the target's state",
                    "the version the client knows and the current one",
                    "nothing yet",
                ],
            ),
            ("where was the version said?", &["in the content, if at all", "in If-Match or its kin", "nowhere"]),
            (
                "what does the client send next?",
                &[
                    "a request without the conflict",
                    "its change in the current version, with that one's tag",
                    "the same, with If-Match",
                ],
            ),
        ],
        advice: "A condition in a field that fails: 412. None, where one is demanded: 428. A conflict that no field spoke of, such as \
                 a duplicate or a stale version in the content: 409.",
    },
    Known {
        codes: &[413, 414, 431],
        rows: &[
            ("what is too large?", &["the content", "the request target", "the header fields"]),
            ("the usual cause", &["an upload", "a query that should be content", "cookies"]),
            ("what helps?", &["send less", "POST", "clear the cookies"]),
        ],
        advice: "In the order in which a request arrives: target 414, fields 431, content 413.",
    },
    Known {
        codes: &[429, 503],
        rows: &[
            ("who has too much?", &["this client sends too much", "the server has too much to do, or is closed"]),
            ("are others answered?", &["yes", "mostly not"]),
            ("who is at fault?", &["the client", "the server"]),
            ("says when to come again?", &["it should: Retry-After", "where it can: Retry-After"]),
        ],
        advice: "Count by client and refuse the one that is over: 429. Refuse anybody, to stay alive or for maintenance: 503.",
    },
    Known {
        codes: &[500, 502, 503, 504],
        rows: &[
            (
                "who failed?",
                &["the application's own code", "the upstream server", "this server", "the upstream server"],
            ),
            (
                "when do you see it?",
                &[
                    "an unhandled exception, a crash",
                    "an invalid or corrupt answer of the backend, or no way to reach it",
                    "overload, maintenance, deploy, restart",
                    "the backend is too slow: timeout",
                ],
            ),
            ("was the request acted upon?", &["perhaps", "perhaps", "no", "perhaps"]),
            ("does waiting help?", &["seldom", "perhaps", "yes: Retry-After", "perhaps"]),
            (
                "where to look",
                &["this server's log", "the upstream's log", "this server's load", "the upstream's load"],
            ),
        ],
        advice: "This server's own fault: 500. It refuses for a while: 503. It is a gateway, and the server behind it answered \
                 wrongly or could not be reached: 502, or too late: 504.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_an_answer_for_every_code_of_its_comparison() {
        for known in KNOWN {
            assert!(known.codes.is_sorted(), "{:?}", known.codes);
            for (question, answers) in known.rows {
                assert_eq!(answers.len(), known.codes.len(), "{question} of {:?}", known.codes);
            }
        }
    }
}
