//! `verdict man`: manual pages, made from what `--help` says and from sections that only they have. One of the whole command, with a section for each of its
//! commands, or one of a single command.

mod sections;

use super::{Cli, Failure};
use crate::screen;
use clap::{Arg, Command, CommandFactory};
use roff::{Roff, bold, roman};
use sections::SECTIONS;
use verdict_server::config::suggest;

/// Write the manual page
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The command that the page is about; all of them unless given
    #[arg(value_name = "COMMAND")]
    name: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  verdict man | man -l -               read it
  verdict man > verdict.1              install it
  verdict man serve > verdict-serve.1  that of one command";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut whole = Cli::command();
    // Gives the commands their full names, `verdict serve`.
    whole.build();
    let page = match &args.name {
        None => page(&mut whole),
        Some(name) if whole.find_subcommand(name).is_none() => return Err(Failure::Usage(unknown(&whole, name))),
        Some(name) => whole.find_subcommand_mut(name).map(page).unwrap_or_default(),
    };
    screen::say(&page)
}

/// man(7) of a command and of the commands that it has.
fn page(command: &mut Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name()).replace(' ', "-");
    let mut roff = Roff::new();
    let version = concat!("verdict ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", [name.to_uppercase().as_str(), "1", "", version, "Verdict"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {}", about(command)))]);
    roff.control("SH", ["SYNOPSIS"]);
    usage(command, &mut roff);
    roff.control("SH", ["OPTIONS"]);
    arguments(command, &mut roff);
    for part in command.get_subcommands_mut() {
        roff.control("SH", [part.get_bin_name().unwrap_or_default()]);
        usage(part, &mut roff);
        roff.control("PP", []);
        roff.text([roman(about(part))]);
        arguments(part, &mut roff);
        examples(part, &mut roff);
    }
    let name = (!command.has_subcommands()).then(|| command.get_name());
    for section in &SECTIONS {
        for (at, (term, words)) in section.of(name).enumerate() {
            if at == 0 {
                roff.control("SH", [section.title]);
            }
            entry(term, words, &mut roff);
        }
    }
    if command.get_after_help().is_some() {
        roff.control("SH", ["EXAMPLES"]);
        examples(command, &mut roff);
    }
    roff.render()
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn usage(command: &mut Command, roff: &mut Roff) {
    let usage = command.render_usage().to_string();
    roff.text([bold(usage.trim_start_matches("Usage: "))]);
}

fn arguments(command: &Command, roff: &mut Roff) {
    // Every command has help, which need not be said of each.
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set() && argument.get_id() != "help") {
        let form = match argument.get_short() {
            Some(short) => format!("-{short}, {argument}"),
            None => argument.to_string(),
        };
        entry(&form, &help(argument), roff);
    }
}

/// What `--help` says of an argument.
fn help(argument: &Arg) -> String {
    let mut words = argument.get_help().map(ToString::to_string).unwrap_or_default();
    if !argument.get_action().takes_values() {
        return words;
    }
    let list = |values: Vec<String>| values.join(", ");
    let defaults =
        list(argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect());
    if !defaults.is_empty() {
        words.push_str(&format!(" [default: {defaults}]"));
    }
    let possible = list(argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect());
    if !possible.is_empty() {
        words.push_str(&format!(" [possible values: {possible}]"));
    }
    words
}

fn entry(term: &str, words: &str, roff: &mut Roff) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(words)]);
}

/// What follows the options in `--help`, laid out as it is there.
fn examples(command: &Command, roff: &mut Roff) {
    let Some(text) = command.get_after_help() else { return };
    roff.control("PP", []);
    roff.control("nf", []);
    for line in text.to_string().lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn unknown(whole: &Command, name: &str) -> String {
    let names: Vec<&str> = whole.get_subcommands().map(Command::get_name).collect();
    let shown = verdict_core::explain::visible(name);
    match suggest(name, names.iter().copied()) {
        Some(near) => format!("there is no command `{shown}`; did you mean `{near}`?"),
        None => format!("there is no command `{shown}`; the commands are {}", names.join(", ")),
    }
}
