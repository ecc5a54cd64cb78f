//! `GET /tour` and `POST /tour/CODE`: statuses that whoever has opened the page makes happen by a button.

use crate::json::Json;
use std::fmt;
use std::sync::Arc;

/// What can be made to happen, and how. It is of the program that shows a server, and not of the server.
#[derive(Clone)]
pub struct Tour {
    stops: Arc<[Stop]>,
    visit: Arc<dyn Fn(u16) -> Visited + Send + Sync>,
}

/// A status that can be made to happen.
#[derive(Clone, Debug)]
pub struct Stop {
    /// The status.
    pub code: u16,
    /// Why there is such a status, as a part of a sentence.
    pub circumstance: String,
    /// A line for a shell that makes it happen as well.
    pub line: String,
}

/// What came of it.
#[derive(Clone, Default, Debug)]
pub struct Visited {
    /// The `Request-Id` of the answer; of an interim answer, of the one that it came before.
    pub id: Option<String>,
    /// What is not as it has to be; empty where all is.
    pub misses: Vec<String>,
}

impl Tour {
    /// `visit` makes a stop's status happen, and may take its time.
    pub fn new(stops: Vec<Stop>, visit: impl Fn(u16) -> Visited + Send + Sync + 'static) -> Tour {
        Tour { stops: stops.into(), visit: Arc::new(visit) }
    }

    pub(super) fn has(&self, code: u16) -> bool {
        self.stops.iter().any(|stop| stop.code == code)
    }

    pub(super) fn visit(&self, code: u16) -> Visited {
        (self.visit)(code)
    }

    pub(super) fn json(&self) -> Json {
        let stop = |stop: &Stop| {
            Json::object([
                ("code", Json::Number(stop.code.into())),
                ("circumstance", stop.circumstance.as_str().into()),
                ("line", stop.line.as_str().into()),
            ])
        };
        Json::object([("stops", Json::list(self.stops.iter().map(stop)))])
    }
}

impl Visited {
    pub(super) fn json(&self, code: u16) -> Json {
        Json::object([
            ("code", Json::Number(code.into())),
            ("id", self.id.as_deref().map_or(Json::Null, Json::from)),
            ("misses", Json::list(self.misses.iter().map(String::as_str))),
        ])
    }
}

/// Of most servers: nothing can be made to happen.
impl Default for Tour {
    fn default() -> Tour {
        Tour::new(Vec::new(), |_| Visited::default())
    }
}

/// It is the same if it is of the same program.
impl PartialEq for Tour {
    fn eq(&self, other: &Tour) -> bool {
        Arc::ptr_eq(&self.stops, &other.stops)
    }
}

impl Eq for Tour {}

impl fmt::Debug for Tour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.stops.iter().map(|stop| stop.code)).finish()
    }
}
