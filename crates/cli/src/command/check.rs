//! `verdict check`: says what is wrong with a config, without listening; and of one that is right, what it has.

use super::Failure;
use crate::screen::{self, Screen, Style};
use crate::table::Table;
use std::path::{Path, PathBuf};
use verdict_core::explain::visible;
use verdict_server::config::{Config, Diagnostic, Report, Severity};
use verdict_server::json::Json;

/// Check a config without running it
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The config
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT)]
    config: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// The config of the folder that the command runs in.
pub(super) const DEFAULT: &str = "verdict.toml";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.json {
        let checked = Config::load(&args.config);
        screen::say(&format!("{}\n", data(&args.config, &checked)))?;
        return checked.map(drop).map_err(|_| Failure::Said);
    }
    let config = load(&args.config)?;
    screen::say(&text(&args.config, &config, &Screen::stdout()))
}

/// Loads a config and tells its warnings.
pub(super) fn load(path: &Path) -> Result<Config, Failure> {
    let config = Config::load(path)?;
    if !config.warnings.is_empty() {
        screen::tell(&config.warnings.render(screen::stderr_is_coloured()));
    }
    Ok(config)
}

/// The config in one line: `verdict.toml: 2 routes, listening on http://127.0.0.1:8080`.
pub(super) fn summary(path: &Path, routes: usize, addresses: &[String]) -> String {
    let routes = match routes {
        1 => "1 route".to_owned(),
        many => format!("{many} routes"),
    };
    format!("{}: {routes}, listening on {}", shown(path), addresses.join(", "))
}

/// The line, and the routes, each with its place.
fn text(path: &Path, config: &Config, screen: &Screen) -> String {
    let mut table = Table::new(2);
    table.row(Some(Style::Faint), ["pattern", "kind", "place"]);
    for route in &config.routes {
        let place = match route.line {
            0 => "by the config's top".to_owned(),
            line => format!("{}:{line}", shown(path)),
        };
        table.named_row(Style::Strong, &visible(route.pattern.as_str()), [route.kind.name(), &place]);
    }
    format!("{}\n\n{}", summary(path, config.routes.len(), &addresses(config)), table.render(screen))
}

fn data(path: &Path, checked: &Result<Config, Report>) -> Json {
    let report = match checked {
        Ok(config) => &config.warnings,
        Err(report) => report,
    };
    let mut members = vec![
        ("config", path.display().to_string().into()),
        ("valid", Json::Flag(checked.is_ok())),
        ("diagnostics", Json::List(report.diagnostics().iter().map(|found| diagnostic(found, report)).collect())),
    ];
    if let Ok(config) = checked {
        let routes = config.routes.iter().map(|route| {
            Json::object([
                ("pattern", route.pattern.as_str().into()),
                ("kind", route.kind.name().into()),
                ("line", Json::Number(route.line as u64)),
            ])
        });
        members.extend([("listen", Json::list(addresses(config))), ("routes", Json::List(routes.collect()))]);
    }
    Json::object(members)
}

/// Line and column are counted from one, and there are none of what is wrong with no line in particular.
fn diagnostic(found: &Diagnostic, report: &Report) -> Json {
    let place = found.span.as_ref().map(|span| report.position(span.start));
    let number = |number: Option<usize>| number.map_or(Json::Null, |number| Json::Number(number as u64));
    Json::object([
        ("severity", if found.severity == Severity::Error { "error".into() } else { "warning".into() }),
        ("message", found.message.as_str().into()),
        ("line", number(place.map(|(line, _)| line))),
        ("column", number(place.map(|(_, column)| column))),
        ("label", if found.label.is_empty() { Json::Null } else { found.label.as_str().into() }),
        ("help", found.help.as_deref().map_or(Json::Null, Json::from)),
    ])
}

fn addresses(config: &Config) -> Vec<String> {
    config.listen.iter().map(ToString::to_string).collect()
}

fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}
