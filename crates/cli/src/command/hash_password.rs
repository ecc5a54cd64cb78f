//! `verdict hash-password`: a line, or a hash for one, of a file of users.

use super::Failure;
use crate::{screen, secret};
use verdict_server::auth::{self, Unfit};

/// Hash a password for a file of users
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Write the whole line of this user
    #[arg(short, long, value_name = "NAME")]
    user: Option<String>,
    /// A role that the user has; may be given several times
    #[arg(short, long, value_name = "ROLE", requires = "user")]
    role: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  verdict hash-password                                    ask for a password, twice, and write its hash
  verdict hash-password -u ann -r editor >> users.htpasswd add a user with a role
  pass show ann | verdict hash-password -u ann             take the password from another program

The file is named by `basic` in the config:
  [auth.staff]
  basic = \"users.htpasswd\"";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let wrong = |what: &str| {
        let what = what.to_owned();
        move |unfit: Unfit| Failure::Wrong(format!("{what} cannot be used: {unfit}"))
    };
    // Before anybody types.
    if let Some(user) = &args.user {
        auth::line(user, "", &args.role).map_err(wrong("the user's name or a role"))?;
    }
    let password = secret::read("Password: ")?;
    if secret::is_typed() && secret::read("Once more: ")? != password {
        return Err(Failure::Wrong("the two passwords differ".to_owned()));
    }
    let hash = auth::hash_password(&password).map_err(wrong("the password"))?;
    let line = match &args.user {
        Some(user) => auth::line(user, &hash, &args.role).map_err(wrong("the user's name or a role"))?,
        None => hash,
    };
    screen::say(&format!("{line}\n"))
}
