//! What a manual page says that `--help` does not: what a running process reacts to, what it reads, and what it leaves behind.

/// A section of a page, of terms that are explained.
pub(super) struct Section {
    /// As manual pages have it: `EXIT STATUS`.
    pub(super) title: &'static str,
    /// Each term, whom it is about, and its explanation.
    entries: &'static [(&'static str, About, &'static str)],
}

/// Which commands something is said of; all of them are on the page of the whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    All,
    /// Those that serve until they are told to stop.
    Serving,
    /// `run` alone.
    Run,
    /// Those that read a config.
    Config,
    /// `get` alone.
    Get,
}

impl About {
    fn is_of(self, command: &str) -> bool {
        match self {
            About::All => true,
            About::Serving => matches!(command, "run" | "serve"),
            About::Run => command == "run",
            About::Get => command == "get",
            About::Config => matches!(command, "run" | "check" | "explain" | "routes"),
        }
    }
}

impl Section {
    /// What it says on the page of a command, or with `None` on that of the whole.
    pub(super) fn of(&self, command: Option<&str>) -> impl Iterator<Item = (&'static str, &'static str)> {
        let is_said = move |about: About| command.is_none_or(|command| about.is_of(command));
        self.entries.iter().filter(move |(_, about, _)| is_said(*about)).map(|(term, _, words)| (*term, *words))
    }
}

/// In the order in which man-pages(7) has them.
pub(super) const SECTIONS: [Section; 4] = [
    Section {
        title: "EXIT STATUS",
        entries: &[
            ("0", About::All, "It was done."),
            ("1", About::All, "What was asked for is wrong, such as a config with an error."),
            (
                "1",
                About::Get,
                "The final answer is a 4xx, a 5xx or a redirect that is not followed, or it did not come whole.",
            ),
            ("2", About::All, "It was asked for wrongly: an argument that is unknown or cannot be read."),
        ],
    },
    Section {
        title: "ENVIRONMENT",
        entries: &[
            ("NO_COLOR", About::All, "Set to anything but nothing, it keeps colours off; so does TERM=dumb."),
            (
                "LISTEN_FDS, LISTEN_PID",
                About::Serving,
                "The sockets of a systemd .socket unit, which are taken over where `listen` names their addresses.",
            ),
            (
                "NOTIFY_SOCKET",
                About::Serving,
                "Where systemd is told that the server is ready, that another process has taken over, and that it stops.",
            ),
            (
                "VERDICT_HAND_OVER",
                About::Serving,
                "Set by a process that hands over to the one that it starts; not to be set by anybody else.",
            ),
        ],
    },
    Section {
        title: "FILES",
        entries: &[
            (
                "FILE.part, FILE.part.origin",
                About::Get,
                "What has come of a download, and where from and of which version: what --resume goes on with.",
            ),
            (
                "FILE.origin",
                About::Get,
                "Of a file that --resume completed: where from and of which version, so that it is not fetched twice.",
            ),
            (
                "verdict.toml",
                About::Config,
                "The config, in the folder that the command runs in unless -c names another. What it names is found from \
                 the folder that it is in, and neither it nor that is ever served.",
            ),
        ],
    },
    Section {
        title: "SIGNALS",
        entries: &[
            (
                "SIGHUP",
                About::Run,
                "Takes the config anew, which `watch = true` does whenever it changes. One with an error is told of on \
                 standard error, and the old one stays.",
            ),
            (
                "SIGUSR2",
                About::Serving,
                "Starts the program anew, which may be another version of it, and leaves the sockets to the new process. \
                 The old one ends what it has begun once the new one answers, and goes on if it does not.",
            ),
            (
                "SIGTERM, SIGINT",
                About::Serving,
                "Takes no new connections, ends what it has begun within the time of `drain`, and stops. A second one \
                 stops it at once.",
            ),
        ],
    },
];
