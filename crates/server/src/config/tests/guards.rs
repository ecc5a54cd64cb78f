//! The guards of a route that say how often, how much, and to whom answers are shown.

use super::super::*;
use super::refused::{Expected, assert_refused};
use super::{fixture, parse};

fn route(text: &str) -> Route {
    let folder = fixture();
    let text = format!("[route.\"/r\"]\nrespond = {{ status = 204 }}\n{text}\n");
    let config = parse(&text, folder.path()).unwrap_or_else(|report| panic!("{text}\n{report}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    config.routes.into_iter().next().unwrap()
}

#[test]
fn a_route_without_guards_has_none() {
    let route = route("");
    assert!(route.types.is_none() && route.cors.is_none() && route.rate.is_none());
    assert!(route.concurrency.is_none() && route.maintenance.is_none());
    assert_eq!(super::super::duration("30m"), Some(Duration::from_secs(1800)));
    assert_eq!(super::super::duration("36501d"), None);
}

#[test]
fn a_rate_is_read_in_each_form() {
    let cases = [
        ("\"100/min per client\"", 100, 60, Per::Client, 100),
        ("\"100/min\"", 100, 60, Per::Client, 100),
        ("\"1000000/day\"", 1_000_000, 86_400, Per::Client, 1_000_000),
        ("{ rate = \"3/h\" }", 3, 3600, Per::Client, 3),
        ("{ rate = \"3/h\", burst = 1 }", 3, 3600, Per::Client, 1),
    ];
    for (text, count, window, per, burst) in cases {
        let want = Rate { count, window: Duration::from_secs(window), per, burst };
        assert_eq!(route(&format!("rate = {text}")).rate, Some(want), "{text}");
    }
}

#[test]
fn a_rate_by_a_field_that_anybody_may_set_is_warned_of() {
    let cases = [
        ("\"5/s per field:X-Key\"", 5, 1, 5),
        ("{ rate = \"3/h\", per = \"field:X-Key\", burst = 10 }", 3, 3600, 10),
        ("{ rate = \"3/h per field:X-Key\", burst = 10 }", 3, 3600, 10),
    ];
    let folder = fixture();
    std::fs::write(folder.path().join("tokens.txt"), format!("ci:{:064x}\n", 1)).unwrap();
    for (text, count, window, burst) in cases {
        let per = Per::Field("X-Key".to_owned());
        let want = Rate { count, window: Duration::from_secs(window), per, burst };
        let open = format!("[route.\"/r\"]\nrespond = {{ status = 204 }}\nrate = {text}\n");
        let guarded = format!("{open}auth = \"staff\"\n[auth.staff]\ntokens = \"tokens.txt\"\n");
        for (config, warned) in [(open, true), (guarded, false)] {
            let config = parse(&config, folder.path()).unwrap_or_else(|report| panic!("{text}\n{report}"));
            assert_eq!(config.routes[0].rate.as_ref(), Some(&want), "{text}");
            let warnings = config.warnings.diagnostics();
            assert_eq!(!warnings.is_empty(), warned, "{text}\n{}", config.warnings);
            let message = "anybody may send another `X-Key` with each request";
            assert!(warnings.iter().all(|warning| warning.message == message), "{text}");
        }
    }
}

#[test]
fn concurrency_and_maintenance_are_read_in_each_form() {
    let cases = [
        ("{ max = 64 }", 64, 0, 5000),
        ("{ max = 1, queue = 2, wait = \"300ms\" }", 1, 2, 300),
        ("{ max = 1, queue = 2 }", 1, 2, 5000),
    ];
    for (text, max, queue, wait) in cases {
        let want = Concurrency { max, queue, wait: Duration::from_millis(wait) };
        assert_eq!(route(&format!("concurrency = {text}")).concurrency, Some(want), "{text}");
    }
    let cases = [
        ("true", Some(Until::Reopened)),
        ("false", None),
        ("{ until = 2100-01-01T00:00:00Z }", Some(Until::Unix(4_102_444_800))),
        ("{ until = 2100-01-01T02:00:00+02:00 }", Some(Until::Unix(4_102_444_800))),
        ("{ until = 2100-01-01 00:00:00.5Z }", Some(Until::Unix(4_102_444_800))),
        ("{ until = 2100-01-01T00:00Z }", Some(Until::Unix(4_102_444_800))),
    ];
    for (text, want) in cases {
        assert_eq!(route(&format!("maintenance = {text}")).maintenance, want, "{text}");
    }
}

#[test]
fn cors_and_types_are_read_with_their_defaults() {
    let cors = route("cors = { origins = [\"https://a.example\"] }").cors.unwrap();
    assert_eq!(cors.origins, Origins::Listed(vec!["https://a.example".to_owned()]));
    assert!(!cors.credentials && cors.methods.is_none() && cors.headers.is_none());
    assert!(cors.expose.contains(&"ETag".to_owned()) && cors.max_age == Duration::from_secs(600));
    let cors = route(
        "cors = { origins = [\"http://a.example:8080\", \"app://localhost\", \"https://[::1]:8443\"], credentials = true, \
         methods = [\"PUT\"], headers = \"X-A\", expose = [], max-age = \"0s\" }",
    );
    let cors = cors.cors.unwrap();
    assert!(matches!(cors.origins, Origins::Listed(origins) if origins.len() == 3));
    assert_eq!((cors.credentials, cors.max_age, cors.expose.len()), (true, Duration::ZERO, 0));
    assert_eq!((cors.methods, cors.headers), (Some(vec!["PUT".to_owned()]), Some(vec!["X-A".to_owned()])));
    let cors = route("cors = { origins = \"*\", expose = \"*\", headers = [] }").cors.unwrap();
    assert_eq!((cors.origins, cors.expose, cors.headers), (Origins::Any, vec!["*".to_owned()], Some(Vec::new())));
    let types = |text| route(&format!("limits = {{ types = {text} }}")).types.unwrap();
    assert_eq!(types("[\"application/json\", \"image/*\"]"), ["application/json", "image/*"]);
    assert_eq!(types("\"*/*\""), ["*/*"]);
}

/// One error each; the text stands in the third line, below a route that responds.
#[test]
fn wrong_guards_are_refused() {
    const UNITS: &str = "the units are `s`, `min`, `h`, `day`";
    let rate_help = format!("write requests and a unit of time, as in `\"100/min per client\"`; {UNITS}");
    let cases: &[(&str, Expected<'_>)] = &[
        (
            "rate = \"0/min\"",
            ("a rate of 0 would let nobody in", 3, "0", "close the route with `maintenance = true`, or remove …"),
        ),
        ("rate = \"00/min\"", ("a rate of 0 would let nobody in", 3, "00", "close the …")),
        ("rate = \"100\"", ("`100` is not a rate", 3, "100", &rate_help)),
        ("rate = \"/min\"", ("`/min` is not a rate", 3, "/min", &rate_help)),
        ("rate = \"-1/min\"", ("`-1/min` is not a rate", 3, "-1/min", &rate_help)),
        ("rate = \"1.5/s\"", ("`1.5/s` is not a rate", 3, "1.5/s", &rate_help)),
        ("rate = \"5 / s\"", ("`5 / s` is not a rate", 3, "5 / s", &rate_help)),
        ("rate = \"5/m\"", ("`m` is not a unit of a rate", 3, "m", "did you mean `\"5/min\"`?")),
        ("rate = \"5/week\"", ("`week` is not a unit of a rate", 3, "week", UNITS)),
        ("rate = \"5/\"", ("`` is not a unit of a rate", 3, "", UNITS)),
        (
            "rate = \"1000001/day\"",
            ("`1000001` is too large", 3, "1000001", "the most is 1000000 requests: write the rate in a shorter time"),
        ),
        ("rate = \"99999999999999999999/s\"", ("`99999999999999999999` is too large", 3, "99999999999999999999", "…")),
        (
            "rate = \"5/s per clients\"",
            ("requests are not counted by `clients`", 3, "clients", "did you mean `client`?"),
        ),
        (
            "rate = \"5/s per field:\"",
            (
                "requests are not counted by `field:`",
                3,
                "field:",
                "count them `per client`, `per user` or `per field:NAME`",
            ),
        ),
        (
            "rate = \"5/s by client\"",
            ("requests are not counted by `by client`", 3, "by client", "did you mean `client`?"),
        ),
        ("rate = \"5/s \"", ("requests are not counted by ``", 3, "", "count them …")),
        (
            "rate = 5",
            (
                "`rate` takes a rate or a table, not an integer",
                3,
                "5",
                "write it as in `rate = \"100/min per client\"`",
            ),
        ),
        ("rate = {}", ("`rate` needs `rate`", 3, "rate", "write it as in `rate = { rate = …")),
        (
            "rate = { rate = \"5/s per client\", per = \"client\" }",
            ("what is counted by is said twice", 3, "per", "keep one of the two"),
        ),
        (
            "rate = { rate = \"5/s\", burst = 0 }",
            ("`burst` is from 1 to 1000000, not 0", 3, "0", "write it as in `burst = 20`"),
        ),
        ("rate = { rate = \"5/s\", bust = 1 }", ("unknown key `bust`", 3, "bust", "did you mean `burst`?")),
        ("proxy_pass = \"http://a\"", ("unknown key `proxy_pass`", 3, "proxy_pass", "`proxy_pass` is `proxy` here")),
        ("burst = 5", ("unknown key `burst`", 3, "burst", "`burst` belongs in `rate`")),
        ("concurrency = {}", ("`concurrency` needs `max`", 3, "concurrency", "write it as in `concurrency = { max …")),
        ("concurrency = { max = 0 }", ("`max` is from 1 to 1000000, not 0", 3, "0", "write it as in `max = 64`")),
        (
            "concurrency = { max = 1, wait = \"1s\" }",
            ("`wait` without a `queue`", 3, "wait", "add `queue = 128`, or remove it"),
        ),
        ("concurrency = 64", ("`concurrency` takes a table, not an integer", 3, "64", "write it as in …")),
        ("maintenance = \"on\"", ("`maintenance` takes a boolean or a table, not a string", 3, "\"on\"", "write …")),
        (
            "maintenance = {}",
            (
                "`maintenance` needs `until`",
                3,
                "maintenance",
                "write `maintenance = true`, or `maintenance = { until = 2026-12-01T14:00:00Z }`",
            ),
        ),
        (
            "maintenance = { until = 2100-01-01T00:00:00 }",
            (
                "`until` does not say which zone's time it is",
                3,
                "2100-01-01T00:00:00",
                "write it with `Z` for UTC, or with an offset, as in `until = 2026-12-01T14:00:00+01:00`",
            ),
        ),
        (
            "maintenance = { until = 2100-01-01 }",
            ("`until` does not say which zone's time it is", 3, "2100-01-01", "write …"),
        ),
        (
            "maintenance = { until = 5 }",
            ("`until` takes a date and time, not an integer", 3, "5", "write it as in `until = 2026-12-01T14:00:00Z`"),
        ),
        ("cors = {}", ("`cors` needs `origins`", 3, "cors", "write it as in `cors = { origins = …")),
        (
            "cors = { origins = [] }",
            (
                "`cors` without an origin allows nothing",
                3,
                "[]",
                "write it as in `origins = [\"https://a.example\"]`, …",
            ),
        ),
        (
            "cors = { origins = [\"*\"], credentials = true }",
            ("`credentials` with every origin", 3, "credentials", "list the origins, or remove `credentials`"),
        ),
        (
            "cors = { origins = [\"*\", \"https://a.example\"] }",
            ("`*` is every origin", 3, "\"*\"", "keep `*` alone, or remove it"),
        ),
        (
            "cors = { origins = \"null\" }",
            (
                "`null` is the origin of every page that has none",
                3,
                "\"null\"",
                "give the page an origin: any site can make one whose origin is `null`",
            ),
        ),
        (
            "cors = { origins = \"https://a.example/\" }",
            (
                "`https://a.example/` ends in a slash",
                3,
                "\"https://a.example/\"",
                "write `https://a.example`: an origin ends with its host or port",
            ),
        ),
        (
            "cors = { origins = \"https://a.example/app\" }",
            ("`https://a.example/app` has a path", 3, "\"https://a.example/app\"", "write `https://a.example`: …"),
        ),
        ("cors = { origins = \"a.example\" }", ("`a.example` has no scheme", 3, "\"a.example\"", "write …")),
        (
            "cors = { origins = \"https://A.example\" }",
            (
                "`https://A.example` has a capital letter, which browsers never send",
                3,
                "\"https://A.example\"",
                "write `https://a.example`",
            ),
        ),
        (
            "cors = { origins = \"https://a.example:443\" }",
            (
                "`https://a.example:443` has a port that browsers leave out",
                3,
                "\"https://a.example:443\"",
                "write `https://a.example`",
            ),
        ),
        (
            "cors = { origins = \"http://a.example:080\" }",
            ("`http://a.example:080` has a port that browsers leave out", 3, "\"http://a.example:080\"", "write …"),
        ),
        (
            "cors = { origins = \"https://*.a.example\" }",
            (
                "`https://*.a.example` has a `*` in it",
                3,
                "\"https://*.a.example\"",
                "list each origin, or write `*` alone for every one",
            ),
        ),
        (
            "cors = { origins = \"https://a b\" }",
            ("`https://a b` has no host that could be one", 3, "\"https://a b\"", "write it as in `https://a.example`"),
        ),
        (
            "cors = { origins = \"https://\" }",
            ("`https://` has no host that could be one", 3, "\"https://\"", "write it as in `https://a.example`"),
        ),
        (
            "cors = { origins = [\"https://a.example\", \"https://a.example\"] }",
            ("`https://a.example` is listed twice", 3, "\"https://a.example\"", "keep one"),
        ),
        (
            "cors = { origins = \"https://a.example\", methods = [\"G T\"] }",
            ("`G T` is not a method", 3, "\"G T\"", "write it as in `methods = [\"PUT\"]`"),
        ),
        (
            "cors = { origins = \"https://a.example\", credentials = true, headers = \"*\" }",
            ("`*` with `credentials`", 3, "\"*\"", "list them"),
        ),
        (
            "cors = { origins = \"https://a.example\" }\nheaders = { access-control-allow-origin = \"*\" }",
            ("`access-control-allow-origin` is set twice", 4, "access-control-allow-origin", "keep one of the two"),
        ),
        (
            "rate = \"5/s\"\nheaders = { RateLimit = \"x\" }",
            ("`RateLimit` is set twice", 4, "RateLimit", "keep one of the two"),
        ),
        (
            "limits = { types = [] }",
            ("a route without a media type takes no content", 3, "[]", "write it as in `types = …"),
        ),
        (
            "limits = { types = \"json\" }",
            (
                "`json` is not a media type",
                3,
                "\"json\"",
                "write it as in `types = [\"application/json\", \"image/*\"]`",
            ),
        ),
        (
            "limits = { types = \"*/json\" }",
            ("`*/json` is not a media type", 3, "\"*/json\"", "write one, or `*/*` for any"),
        ),
        (
            "limits = { types = \"text/html; charset=utf-8\" }",
            (
                "`text/html; charset=utf-8` has parameters, which do not count",
                3,
                "\"text/html; charset=utf-8\"",
                "write `text/html`",
            ),
        ),
        ("types = \"image/*\"", ("unknown key `types`", 3, "types", "`types` belongs in a route's `limits`")),
    ];
    for (text, expected) in cases {
        assert_refused(&format!("[route.\"/r\"]\nrespond = {{ status = 204 }}\n{text}\n"), &[*expected]);
    }
}

#[test]
fn a_rate_per_user_needs_somebody_who_says_who_asks() {
    let expected = |text| ("a rate per user without `auth`", 3, text, "add `auth = \"NAME\"`, or count `per client`");
    for (rate, at) in [("\"5/s per user\"", "\"5/s per user\""), ("{ rate = \"5/s\", per = \"user\" }", "\"user\"")] {
        assert_refused(&format!("[route.\"/r\"]\nrespond = {{ status = 204 }}\nrate = {rate}\n"), &[expected(at)]);
    }
}

#[test]
fn cors_of_a_hidden_route_is_warned_of() {
    let folder = fixture();
    std::fs::write(folder.path().join("tokens.txt"), format!("ci:{:064x}\n", 1)).unwrap();
    for (hide, count) in [(true, 1), (false, 0)] {
        let text = format!(
            "[auth.staff]\ntokens = \"tokens.txt\"\n[route.\"/r\"]\nrespond = {{ status = 204 }}\nauth = \"staff\"\n\
             hide = {hide}\ncors = {{ origins = [\"https://a.example\"] }}\n"
        );
        let config = parse(&text, folder.path()).unwrap_or_else(|report| panic!("{report}"));
        let warnings = config.warnings.diagnostics();
        assert_eq!(warnings.len(), count, "{}", config.warnings);
        assert!(warnings.iter().all(|warning| warning.message == "`cors` on a route that is hidden"));
    }
}

#[test]
fn maintenance_that_is_over_is_warned_of() {
    let folder = fixture();
    let text = "[route.\"/r\"]\nrespond = { status = 204 }\nmaintenance = { until = 2020-01-01T00:00:00Z }\n";
    let config = parse(text, folder.path()).unwrap();
    let [warning] = config.warnings.diagnostics() else { panic!("{}", config.warnings) };
    assert_eq!((warning.severity, &*warning.message), (Severity::Warning, "`until` is past"));
    assert_eq!(config.routes[0].maintenance, Some(Until::Unix(1_577_836_800)));
}
