//! What each route understands, row by row: targets, methods, fields and contents that matter there.

/// What is asked of a route.
pub(crate) struct Row {
    pub(crate) pattern: Option<&'static str>,
    /// The path of OpenAPI, where that is not the pattern's.
    pub(crate) path: Option<&'static str>,
    pub(crate) weight: usize,
    pub(crate) targets: &'static [&'static str],
    pub(crate) methods: &'static [&'static str],
    /// Fields that matter there.
    pub(crate) fields: &'static [&'static str],
    /// Media types with content.
    pub(crate) contents: &'static [(&'static str, &'static str)],
    /// Whether what it makes is asked for.
    pub(crate) makes: bool,
    /// Whether it is refused with the end of the connection.
    pub(crate) ends: bool,
}

const ROW: Row = Row {
    pattern: None,
    path: None,
    weight: 10,
    targets: &["*"],
    methods: &["GET", "GET", "HEAD"],
    fields: &["Accept: */*"],
    contents: &[("text/plain", "12345"), ("application/json", "{}")],
    makes: false,
    ends: false,
};

const NOTES: &[(&str, &str)] = &[
    ("application/json", r#"{"title":"one"}"#),
    ("application/json", r#"{"title":"two","priority":2}"#),
    ("application/json", r#"{"priority":"high"}"#),
    ("application/json", r#"{"title":"#),
    ("application/json", r#"{"rev":1}"#),
    ("application/json", r#"{"rev":"x"}"#),
    ("application/merge-patch+json", r#"{"priority":3}"#),
    ("application/json-patch+json", r#"[{"op":"test","path":"/title","value":"x"}]"#),
    ("application/json-patch+json", r#"[{"op":"add","path":"/priority","value":1}]"#),
    ("application/json-patch+json", r#"[{"op":"no"}]"#),
    ("application/x-www-form-urlencoded", "title=three"),
    ("application/x-www-form-urlencoded", "title=%zz"),
    ("text/plain", "no document"),
    ("application/json; charset=utf-7", "{}"),
];

const OF_NOTES: &[&str] = &[
    "If-Match: {tag}",
    "If-Match: {tag}",
    "Idempotency-Key: \"a\"",
    "Idempotency-Key: \"b\"",
    "Idempotency-Key: unquoted",
    "Prefer: return=minimal",
    "Sec-Fetch-Site: cross-site",
    "Origin: https://other.example",
    "Authorization: Bearer {token}",
    "Content-Encoding: gzip",
    "Content-Range: bytes 0-1/2",
];

/// A few of these are more than the quota.
pub(crate) const LONG: &str = match std::str::from_utf8(&[b'l'; 700]) {
    Ok(text) => text,
    Err(_) => "",
};

const OF_JOBS: &[&str] =
    &["Prefer: respond-async", "Idempotency-Key: \"a\"", "Idempotency-Key: \"a", "Content-Encoding: gzip"];

pub(crate) const PASSED: &[&str] = &[
    "/200", "/201", "/204", "/205", "/206", "/299", "/301", "/303", "/304", "/307", "/400", "/401", "/402", "/404",
    "/405", "/408", "/412", "/413", "/416", "/418", "/426", "/429", "/451", "/499", "/500", "/501", "/502", "/503",
    "/504", "/507", "/511", "/599",
];

macro_rules! row {
    ($pattern:expr, $($field:ident: $value:expr),* $(,)?) => {
        Row { pattern: Some($pattern), $($field: $value,)* ..ROW }
    };
}

pub(crate) const ROWS: &[Row] = &[
    row!("/{path...}", weight: 120, targets: &[
        "/", "/page.txt", "/page.txt", "/page.txt?q=1", "/long.txt", "/long.txt", "/folder", "/folder/", "/folder/page.txt", "/nothing",
        "/page.txt/", "/.hidden", "/folder%2Fpage.txt", "/%70age.txt", "//", "/old",
        "http://other.test/page.txt", "/notes/a/b",
    ],),
    row!("/{path...}", weight: 20, targets: &["{long}"], ends: true,),
    row!("/short/{path...}", targets: &["/short/page.txt?0123456789-0123456789"], ends: true,
        fields: &["Cookie: a-cookie-that-is-longer-than-what-the-short-route-takes-of-all-fields-together-0123456789-0123456789"],),
    row!("/list/{path...}", path: Some("/list"), targets: &["/list", "/list?q"],),
    row!("/up/{path...}", path: Some("/up"), targets: &["/up"], methods: &["GET", "PUT", "DELETE"],),
    row!("/app/{path...}", path: Some("/app"), targets: &["/app", "/app?q"],),
    row!("/guarded/{path...}", path: Some("/guarded"), weight: 3, targets: &["/guarded"], fields: &["Authorization: Bearer {token}"],),
    row!("/list/{path...}", targets: &["/list/", "/list/page.txt", "/list/none/"],),
    row!("/spa/{path...}", targets: &["/spa/", "/spa/any/place", "/spa/folder"],),
    row!("/sized/{path...}", targets: &["/sized/page.txt"], methods: &["GET", "POST"],),
    row!("/short/{path...}", targets: &["/short/page.txt"], fields: &["Range: bytes=0-1"],),
    row!("/hinted/{path...}", targets: &["/hinted/page.txt", "/hinted/none"], fields: &["Sec-Fetch-Mode: navigate"],),
    row!("/up/{path...}", targets: &["/up/there.txt", "/up/a.txt", "/up/b.txt", "/up/c/d.txt", "/up/e.png", "/up/", "/up/.f.txt"],
        methods: &["GET", "PUT", "PUT", "DELETE"], fields: &["If-Match: {tag}", "Content-Range: bytes 0-1/2", "Content-Encoding: gzip"],
        contents: &[("text/plain", "text"), ("image/png", "no picture"), ("text/plain", "")],),
    row!("/deep/{path...}", weight: 5, targets: &["/deep/a.txt", "/deep/b.txt", "/deep/c.txt", "/deep/d/e.txt", "/deep/there.txt"],
        methods: &["PUT", "PUT", "DELETE"],
        contents: &[("text/plain", LONG)],),
    row!("/old/{path...}", targets: &["/old/x?y", "/old/"],),
    row!("/301", weight: 3, targets: &["/301"],),
    row!("/302", weight: 3, targets: &["/302"],),
    row!("/303", weight: 3, targets: &["/303"], methods: &["GET", "POST"],),
    row!("/307", weight: 3, targets: &["/307", "/307?q"], methods: &["GET", "POST"],),
    row!("/fixed", targets: &["/fixed"],),
    row!("a.test/fixed", weight: 5, targets: &["http://a.test/fixed", "http://A.test:80/fixed?q"],),
    row!("/closed/{x}", targets: &["/closed/x", "/closed/%FF"],),
    row!("/paid", weight: 3, targets: &["/paid"],),
    row!("/unknown", weight: 3, targets: &["/unknown"],),
    row!("/method", weight: 3, targets: &["/method"],),
    row!("/upgrade", weight: 3, targets: &["/upgrade"],),
    row!("/pause", weight: 3, targets: &["/pause"],),
    row!("/empty", weight: 3, targets: &["/empty"],),
    row!("/api", weight: 20, targets: &["/api"], methods: &["GET", "POST", "OPTIONS"],
        fields: &["Origin: https://a.example", "Origin: https://other.example", "Access-Control-Request-Method: POST"],),
    row!("/field", targets: &["/field"], fields: &["X-Key: a", "X-Key: b"],),
    row!("/team/{path...}", weight: 20, targets: &["/team/page.txt", "/team/none"], methods: &["GET", "PUT", "POST"],
        fields: &["Authorization: Bearer {token}", "Authorization: Bearer {token}", "Authorization: Basic YTpi", "Authorization: ?"],),
    row!("/secret/{path...}", targets: &["/secret/page.txt"], fields: &["Authorization: Bearer {token}"],),
    row!("h.test/{path...}", weight: 3, targets: &["http://h.test/x"],),
    row!("h.test/secret/{path...}", targets: &["http://h.test/secret/page.txt", "http://h.test/secret/none"], methods: &["GET", "PUT", "OPTIONS"],
        fields: &["Authorization: Bearer {token}", "Origin: https://a.example", "Access-Control-Request-Method: PUT"],),
    row!("/shop", weight: 5, targets: &["/shop"],),
    row!("/notes", weight: 20, targets: &["/notes", "/notes", "/notes?priority.gte=1&_limit=2", "/notes?_sort=-priority", "/notes?other=1"],
        methods: &["GET", "POST", "POST"], fields: OF_NOTES, contents: NOTES, makes: true,),
    row!("/notes/{id}", weight: 30, targets: &["{/notes}", "{/notes}", "/notes/none", "/notes/a"],
        methods: &["GET", "PUT", "PATCH", "DELETE"], fields: OF_NOTES, contents: NOTES,),
    row!("/rows", weight: 5, targets: &["/rows"], methods: &["GET", "POST"], fields: OF_NOTES, contents: NOTES, makes: true,),
    row!("/rows/{id}", targets: &["{/rows}", "/rows/a", "/rows/b"], methods: &["GET", "PUT", "PATCH", "DELETE"], fields: OF_NOTES,
        contents: NOTES,),
    row!("/mine/{id}", targets: &["/mine/a", "/mine/b"], methods: &["GET", "PUT", "PATCH", "DELETE"], fields: OF_NOTES,
        contents: &[("application/json", "{}"), ("application/json", "[]"), ("application/json", LONG)],),
    row!("/render", weight: 2, targets: &["/render"], methods: &["POST"], fields: OF_JOBS, makes: true,),
    row!("/render/{job}", weight: 6, targets: &["{/render}", "/render/none"], methods: &["GET", "GET", "DELETE"], fields: OF_JOBS,),
    row!("/render/{job}/result", weight: 6, targets: &["{/render}/result", "/render/none/result"],),
    row!("/failing", weight: 2, targets: &["/failing"], methods: &["POST"], fields: OF_JOBS, makes: true,),
    row!("/failing/{job}", weight: 4, targets: &["{/failing}"],),
    row!("/failing/{job}/result", weight: 2, targets: &["{/failing}/result"],),
    row!("/hurried", weight: 1, targets: &["/hurried"], methods: &["POST"], fields: OF_JOBS, makes: true,),
    row!("/hurried/{job}", weight: 2, targets: &["{/hurried}"],),
    row!("/hurried/{job}/result", weight: 2, targets: &["{/hurried}/result"],),
    row!("/app/{path...}", weight: 20, targets: &["/app{passed}"], methods: &["GET", "POST"],),
    row!("/kept/{path...}", targets: &["/kept{passed}"],),
    row!("/broken/{path...}", weight: 2, targets: &["/broken/hangs-up", "/broken/short", "/broken/framing", "/broken/switches", "/broken/x"],),
    row!("/chat", weight: 5, targets: &["/chat"],),
    row!("/guarded/{path...}", targets: &["/guarded{passed}"], fields: &["Authorization: Bearer {token}"],),
    Row {
        weight: 60,
        ends: true,
        targets: &["*", "/a/../b", "/%zz", "a.test:443", "page.txt", "/a%00b"],
        methods: &["OPTIONS", "GET"],
        ..ROW
    },
];
