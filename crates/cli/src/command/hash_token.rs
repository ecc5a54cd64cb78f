//! `verdict hash-token`: a line of a file of bearer tokens, and the token that it is for.

use super::Failure;
use crate::{screen, secret};
use verdict_server::auth::{self, Unfit};

/// Make a bearer token, and its line for a file of tokens
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Who the token is for
    name: String,
    /// A scope that the token has; may be given several times
    #[arg(short, long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Take the token from standard input instead of making one
    #[arg(long)]
    stdin: bool,
}

const EXAMPLES: &str = "\
Examples:
  verdict hash-token ci -s notes:read >> tokens.txt   make a token and add its line to a file
  pass show ci | verdict hash-token ci --stdin        write the line of a token that there is

The line goes to standard output. A token that was made is shown once, on standard error: nobody can get it back from its
hash. The file is named by `tokens` in the config:
  [auth.robots]
  tokens = \"tokens.txt\"";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let wrong = |what: &str| {
        let what = what.to_owned();
        move |unfit: Unfit| Failure::Wrong(format!("{what} cannot be used: {unfit}"))
    };
    auth::line(&args.name, "", &args.scope).map_err(wrong("the name or a scope"))?;
    let token = if args.stdin { secret::read("Token: ") } else { auth::make_token().map_err(wrong("no token")) }?;
    let hash = auth::hash_token(&token).map_err(wrong("the token"))?;
    let line = auth::line(&args.name, &hash, &args.scope).map_err(wrong("the name or a scope"))?;
    // Its line first: a token without one would be shown for nothing.
    screen::say(&format!("{line}\n"))?;
    if !args.stdin {
        screen::tell(&format!("token of {}, shown only now:\n{token}", args.name));
    }
    Ok(())
}
