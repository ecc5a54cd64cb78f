//! Why a client does what it does: one line each, with its sentence and the section that it comes from.

macro_rules! whys {
    ($($why:ident $id:literal $section:literal $sentence:literal)*) => {
        /// Why a client does what it does next.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs)]
        pub enum Why { $($why,)* }

        impl Why {
            /// All of them.
            pub const ALL: &[Why] = &[$(Why::$why,)*];

            /// Its stable name, in kebab case.
            pub const fn id(self) -> &'static str {
                match self { $(Why::$why => $id,)* }
            }

            /// Where the rule is written; empty where it is the section that defines the status.
            pub const fn section(self) -> &'static str {
                match self { $(Why::$why => $section,)* }
            }

            /// It in words.
            pub const fn sentence(self) -> &'static str {
                match self { $(Why::$why => $sentence,)* }
            }
        }
    };
}

whys! {
    // why               id                       section                sentence
    Interim              "interim"                "RFC 9110 §15.2"       "This is an answer before the answer, and the final one follows."
    Invited              "invited"                "RFC 9110 §10.1.1"     "The server wants the content that waits."
    InvitedAnyway        "invited-anyway"         ""                     "The content did not wait to be asked for, and the final answer follows."
    Switched             "switched"               "RFC 9110 §7.8"        "The server took the protocol that was offered."
    SwitchedUnasked      "switched-unasked"       "RFC 9110 §7.8"        "The server speaks a protocol that nobody offered."
    Succeeded            "succeeded"              ""                     "The server did what was asked."
    WholeInstead         "whole-instead"          "RFC 9110 §13.1.5"     "It is the whole and not the rest: what is kept is of another version, or the server knows no ranges."
    PartAsked            "part-asked"             ""                     "It is the part that was asked for."
    PartFits             "part-fits"              "RFC 9110 §15.3.7.3"   "It is of the same version, and begins where what is kept ends."
    PartUnlabelled       "part-unlabelled"        "RFC 9110 §15.3.7.1"   "Which part it is, is not said in a way that can be read."
    PartMisfits          "part-misfits"           "RFC 9110 §14.4"       "The part does not begin where what is kept ends, or is of a whole of another length."
    PartOfOther          "part-of-other"          "RFC 9110 §15.3.7.3"   "The part does not have the validator of what is kept: it may be of another version."
    NothingLeft          "nothing-left"           ""                     "What is kept is as long as the whole: nothing is missing."
    NothingThere         "nothing-there"          ""                     "The whole is not as long as what is kept would have it: it is another version."
    Unchanged            "unchanged"              ""                     "The copy that is there is still the current one."
    UnchangedUnasked     "unchanged-unasked"      ""                     "The server says that a copy is still right, and was not asked about one."
    Moved                "moved"                  ""                     "It is elsewhere, and asked for there in the same way."
    SeeOther             "see-other"              ""                     "The answer is elsewhere, and read there by GET."
    NoRedirect           "no-redirect"            ""                     "It is no redirect that a client follows by itself."
    LocationMissing      "location-missing"       "RFC 9110 §10.2.2"     "It is elsewhere, and there is no `Location` that can be followed."
    Cycle                "cycle"                  "RFC 9110 §15.4"       "The redirects go round in a circle."
    RedirectsExhausted   "redirects-exhausted"    "RFC 9110 §15.4"       "There are more redirects than are followed."
    ContentSpent         "content-spent"          "RFC 9110 §9.2.2"      "The content would have to be sent again, and cannot be read a second time."
    CredentialsMissing   "credentials-missing"    ""                     "The server wants to know who asks."
    CredentialsRefused   "credentials-refused"    ""                     "The server does not take these credentials."
    CredentialsAtHand    "credentials-at-hand"    ""                     "The server wants to know who asks, and it can be said."
    Unanswered           "unanswered"             "RFC 9110 §9.2.2"      "It may not have been done, and to ask for it twice is to ask for it once."
    DoneMaybe            "done-maybe"             "RFC 9110 §9.2.2"      "It may have been done, and to ask for it again may do it twice."
    ToldWhen             "told-when"              "RFC 9110 §10.2.3"     "The server says when to come again."
    TooOften             "too-often"              ""                     "The server was asked too often, and does not say when to come again."
    WaitTooLong          "wait-too-long"          "RFC 9110 §10.2.3"     "The server says when to come again, and that is later than this client waits."
    RetriesExhausted     "retries-exhausted"      "RFC 9110 §9.2.2"      "It was asked as often as this client asks."
    LengthDemanded       "length-demanded"        ""                     "The server wants to know how long the content is."
    ExpectationUnknown   "expectation-unknown"    "RFC 9110 §10.1.1"     "The server does not know what was expected of it, and it need not be."
    Misdirected          "misdirected"            ""                     "This connection is not for this origin, and another one may be."
    TooEarly             "too-early"              ""                     "The server wants the handshake to be over first."
    TooEarlyForOther     "too-early-for-other"    ""                     "Somebody on the way sent it early, and it may be sent again."
    Refused              "refused"                ""                     "The server will not do it as it was asked."
    Failed               "failed"                 ""                     "The server could not do it."
}
