//! `WWW-Authenticate` (RFC 9110 §11.6.1): how to say who one is, a challenge for each scheme.

use verdict_core::cause::Unidentified;

/// The challenges of one `[auth.NAME]`, made once.
#[derive(Debug)]
pub(crate) struct Challenges {
    /// For whoever sent no token.
    plain: Vec<String>,
    /// For whoever sent a token that does not do.
    invalid: Vec<String>,
    expired: Vec<String>,
    early: Vec<String>,
}

impl Challenges {
    pub(crate) fn new(realm: &str, basic: bool, bearer: bool) -> Challenges {
        // RFC 7617 §2.1
        let basic = basic.then(|| format!("Basic realm=\"{realm}\", charset=\"UTF-8\""));
        let with = |more: &str| {
            let bearer = bearer.then(|| format!("Bearer realm=\"{realm}\"{more}"));
            basic.iter().cloned().chain(bearer).collect()
        };
        // RFC 6750 §3.1. What a client can do something about is described; the rest is told to nobody who only tries.
        let described = |what: &str| with(&format!(", error=\"invalid_token\", error_description=\"{what}\""));
        Challenges {
            plain: with(""),
            invalid: with(", error=\"invalid_token\""),
            expired: described("The token has expired"),
            early: described("The token is not valid yet"),
        }
    }

    /// A field line each, at least one, for whoever was refused for that.
    pub(crate) fn of(&self, cause: Unidentified) -> &[String] {
        match cause {
            Unidentified::TokenExpired => &self.expired,
            Unidentified::TokenNotYetValid => &self.early,
            Unidentified::Token
            | Unidentified::TokenMalformed
            | Unidentified::TokenKey
            | Unidentified::TokenSignature
            | Unidentified::TokenIssuer
            | Unidentified::TokenAudience
            | Unidentified::TokenExp
            | Unidentified::TokenSub => &self.invalid,
            // RFC 6750 §3: without a token there is nothing wrong with one.
            Unidentified::Missing
            | Unidentified::Malformed
            | Unidentified::Scheme
            | Unidentified::User
            | Unidentified::Password
            | Unidentified::TooManyFailures
            | Unidentified::Busy => &self.plain,
        }
    }
}

/// The challenge that goes with a 403 for a token without the scopes (RFC 6750 §3.1).
pub(crate) fn insufficient_scope(realm: &str, scopes: &str) -> String {
    // What stands in a quoted string (RFC 9110 §5.6.4).
    let scopes: String = scopes.chars().filter(|c| c.is_ascii_graphic() && !"\"\\".contains(*c) || *c == ' ').collect();
    format!("Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{scopes}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_challenged_for_and_a_token_that_was_sent_is_called_invalid() {
        const BASIC: &str = "Basic realm=\"staff\", charset=\"UTF-8\"";
        const INVALID: &str = "Bearer realm=\"staff\", error=\"invalid_token\"";
        let both = Challenges::new("staff", true, true);
        let plain = |basic, bearer| Challenges::new("staff", basic, bearer).of(Unidentified::Missing).to_vec();
        assert_eq!(plain(true, true), [BASIC, "Bearer realm=\"staff\""]);
        assert_eq!(plain(true, false), [BASIC]);
        assert_eq!(plain(false, true), ["Bearer realm=\"staff\""]);
        for cause in Unidentified::ALL {
            let told = both.of(*cause);
            let names_token = format!("{cause:?}").starts_with("Token");
            assert_eq!(told[0], BASIC, "{cause:?}");
            assert_eq!(told[1].starts_with(INVALID), names_token, "{cause:?}: {}", told[1]);
        }
        let expired = &both.of(Unidentified::TokenExpired)[1];
        assert!(expired.ends_with(", error_description=\"The token has expired\""), "{expired}");
    }

    #[test]
    fn a_scope_that_is_lacking_is_named_and_cannot_end_its_quotes() {
        assert_eq!(
            insufficient_scope("staff", "notes:write \"all\\é"),
            "Bearer realm=\"staff\", error=\"insufficient_scope\", scope=\"notes:write all\""
        );
    }
}
