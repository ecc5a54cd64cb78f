//! A guard as requests meet it.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tempfile::TempDir;
use verifier::Verifier;

const NOW: i64 = 1_800_000_000;
const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "hunter2-of-ann";
const TOKEN: &str = "s3cret-token-of-the-robot";
const KEY: &[u8; 32] = b"a-secret-key-that-nobody-guesses";

fn hash(password: &str) -> String {
    bcrypt::hash_with_salt(password, 4, [7; 16]).unwrap().format_for_version(bcrypt::Version::TwoB)
}

/// A folder with users, tokens and keys, and what a config says of it.
fn fixture() -> (TempDir, config::Auth) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("users"), format!("ann:{}:editor\nbob:{}\n", hash(PASSWORD), hash("x"))).unwrap();
    std::fs::write(path("tokens"), line("robot", &hash_token(TOKEN).unwrap(), &["read".to_owned()]).unwrap()).unwrap();
    let keys = format!("{{\"keys\":[{{\"kty\":\"oct\",\"k\":\"{}\"}}]}}", URL_SAFE_NO_PAD.encode(KEY));
    std::fs::write(path("keys"), keys).unwrap();
    let jwt = config::Jwt { keys: path("keys"), issuer: "i".to_owned(), audience: vec!["a".to_owned()] };
    let auth = config::Auth {
        name: "staff".to_owned(),
        basic: Some(path("users")),
        tokens: Some(path("tokens")),
        jwt: Some(jwt),
    };
    (folder, auth)
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn jwt(secret: &[u8], exp: i64) -> String {
    let claims = format!("{{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"eve\",\"exp\":{exp},\"scope\":\"read\"}}");
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\"}"), URL_SAFE_NO_PAD.encode(claims));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()));
    format!("Bearer {message}.{signature}")
}

/// Polled once, as a request on a worker is first.
fn at_once(guard: &Guard, lines: &[&str], now: i64) -> Option<Result<String, Unidentified>> {
    let lines = lines.iter().map(|line| line.as_bytes());
    let mut future = pin!(guard.identify(lines, HERE, now, Wait::No));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result.map(|identity| identity.name.to_string())),
        Poll::Pending => None,
    }
}

fn waiting(guard: &Guard, line: &str, client: IpAddr, now: i64) -> Result<String, Unidentified> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let identified = guard.identify(std::iter::once(line.as_bytes()), client, now, Wait::Yes);
    let result = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), identified).await });
    result.expect("in a minute").map(|identity| identity.name.to_string())
}

#[test]
fn each_kind_of_credentials_is_told_who_it_is_or_why_not() {
    let (_folder, auth) = fixture();
    let guard = Guard::open(&auth).unwrap();
    let (good, late, forged) = (jwt(KEY, NOW + 60), jwt(KEY, NOW - 60), jwt(b"another", NOW + 60));
    let token = format!("bearer {TOKEN}");
    let cases: &[(&[&str], Result<&str, Unidentified>)] = &[
        (&[], Err(Unidentified::Missing)),
        (&[&token], Ok("robot")),
        (&[&good], Ok("eve")),
        (&[&good, &good], Err(Unidentified::Malformed)),
        (&[""], Err(Unidentified::Malformed)),
        (&["Basic"], Err(Unidentified::Malformed)),
        (&["Basic YW5u"], Err(Unidentified::Malformed)),
        (&["Basic realm=\"x\""], Err(Unidentified::Malformed)),
        (&["Bearer"], Err(Unidentified::Malformed)),
        (&["Bearer nobody"], Err(Unidentified::Token)),
        (&["Bearer a.b.c"], Err(Unidentified::TokenMalformed)),
        (&["Bearer a.b"], Err(Unidentified::Token)),
        (&[&late], Err(Unidentified::TokenExpired)),
        (&[&forged], Err(Unidentified::TokenSignature)),
        (&["Digest username=\"ann\""], Err(Unidentified::Scheme)),
        (&["Negotiate abc"], Err(Unidentified::Scheme)),
    ];
    for (lines, expected) in cases {
        let told = at_once(&guard, lines, NOW).expect("none of these has to wait");
        assert_eq!(told.as_deref(), expected.as_ref().map(|name| *name), "{lines:?}");
    }
}

#[test]
fn only_what_is_configured_is_taken() {
    let (_folder, whole) = fixture();
    let none = config::Auth { basic: None, tokens: None, jwt: None, ..whole.clone() };
    let (good, token, password) = (jwt(KEY, NOW + 60), format!("Bearer {TOKEN}"), basic("ann", PASSWORD));
    let scheme = Some(Err(Unidentified::Scheme));
    let only_basic = Guard::open(&config::Auth { basic: whole.basic.clone(), ..none.clone() }).unwrap();
    assert_eq!(at_once(&only_basic, &[&token], NOW), scheme);
    let only_tokens = Guard::open(&config::Auth { tokens: whole.tokens.clone(), ..none.clone() }).unwrap();
    assert_eq!(at_once(&only_tokens, &[&password], NOW), scheme);
    assert_eq!(at_once(&only_tokens, &[&good], NOW), Some(Err(Unidentified::Token)));
    let only_jwt = Guard::open(&config::Auth { jwt: whole.jwt, ..none }).unwrap();
    assert_eq!(at_once(&only_jwt, &[&token], NOW), Some(Err(Unidentified::TokenMalformed)));
    assert_eq!(at_once(&only_jwt, &[&password], NOW), scheme);
}

#[test]
fn a_password_is_hashed_once_a_minute_and_never_by_who_may_not_wait() {
    let (_folder, auth) = fixture();
    let guard = Guard::open(&auth).unwrap();
    let passwords = guard.passwords.as_ref().unwrap();
    let right = basic("ann", PASSWORD);
    assert_eq!(at_once(&guard, &[&right], NOW), None);
    assert_eq!(passwords.hashed(), 0);
    assert_eq!(waiting(&guard, &right, HERE, NOW).as_deref(), Ok("ann"));
    assert_eq!(at_once(&guard, &[&right], NOW + 59), Some(Ok("ann".to_owned())));
    assert_eq!(at_once(&guard, &[&basic("ann", "another")], NOW + 59), None);
    assert_eq!(at_once(&guard, &[&right], NOW + 60), None);
    assert_eq!(passwords.hashed(), 1);
}

#[test]
fn a_file_that_changes_is_read_again_and_what_was_remembered_is_forgotten() {
    let (folder, auth) = fixture();
    let guard = Guard::open(&auth).unwrap();
    let right = basic("ann", PASSWORD);
    let token = jwt(KEY, NOW + 60);
    assert_eq!(waiting(&guard, &right, HERE, NOW).as_deref(), Ok("ann"));
    assert_eq!(at_once(&guard, &[&token], NOW), Some(Ok("eve".to_owned())));
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        // Once to see the change, once to see that it is over.
        guard.refresh();
        guard.refresh();
    };
    write("users", "ann:oops");
    assert_eq!(at_once(&guard, &[&right], NOW), Some(Ok("ann".to_owned())), "a bad file changes nothing");
    write("users", &format!("ann:{}", hash("another password")));
    assert_eq!(waiting(&guard, &right, HERE, NOW), Err(Unidentified::Password));
    let keys = format!("{{\"keys\":[{{\"kty\":\"oct\",\"k\":\"{}\"}}]}}", URL_SAFE_NO_PAD.encode([1; 32]));
    write("keys", &keys);
    assert_eq!(at_once(&guard, &[&token], NOW), Some(Err(Unidentified::TokenSignature)));
    write("tokens", &line("other", &hash_token("1234567890123456789012").unwrap(), &[]).unwrap());
    assert_eq!(at_once(&guard, &[&format!("Bearer {TOKEN}")], NOW), Some(Err(Unidentified::Token)));
}

#[test]
fn a_token_is_not_remembered_beyond_its_end() {
    let (_folder, auth) = fixture();
    let guard = Guard::open(&auth).unwrap();
    let token = jwt(KEY, NOW - 20);
    for (now, expected) in
        [(NOW, Ok("eve")), (NOW + 9, Ok("eve")), (NOW + 10, Err(Unidentified::TokenExpired)), (NOW, Ok("eve"))]
    {
        assert_eq!(at_once(&guard, &[&token], now).unwrap().as_deref(), expected.as_ref().map(|name| *name), "{now}");
    }
}

#[test]
fn who_guesses_is_refused_without_a_hash_and_who_is_known_is_not_locked_out() {
    let (_folder, auth) = fixture();
    let guard = Guard::open(&auth).unwrap();
    let passwords = guard.passwords.as_ref().unwrap();
    let elsewhere = IpAddr::from([192, 0, 2, 9]);
    let right = basic("ann", PASSWORD);
    assert_eq!(waiting(&guard, &right, HERE, NOW).as_deref(), Ok("ann"));
    for i in 0..10 {
        let (user, cause) = if i % 2 == 0 { ("ann", Unidentified::Password) } else { ("eve", Unidentified::User) };
        assert_eq!(waiting(&guard, &basic(user, &format!("guess {i}")), HERE, NOW), Err(cause), "{i}");
    }
    let hashed = passwords.hashed();
    for i in 0..20 {
        let told = at_once(&guard, &[&basic("bob", &format!("guess {i}"))], NOW);
        assert_eq!(told, Some(Err(Unidentified::TooManyFailures)), "even with the right password: {i}");
        // It may have been asked in vain, and is asked anew then: it counts when it is answered.
        assert_eq!(at_once(&guard, &[&right], NOW), Some(Ok("ann".to_owned())), "{i}");
        guard.count_failure(HERE, NOW);
        if i < 19 {
            assert_eq!(at_once(&guard, &[&right], NOW), Some(Ok("ann".to_owned())), "{i}");
        }
    }
    assert_eq!(passwords.hashed(), hashed);
    assert_eq!(at_once(&guard, &[&right], NOW), Some(Err(Unidentified::TooManyFailures)), "she may be guessed at, too");
    assert_eq!(guard.retry_after(HERE, NOW), 126);
    guard.count_failure(HERE, NOW);
    assert_eq!(guard.retry_after(HERE, NOW), 126, "who is barred is so for no longer");
    assert_eq!(waiting(&guard, &basic("bob", "x"), elsewhere, NOW).as_deref(), Ok("bob"));
    assert_eq!(waiting(&guard, &basic("bob", "x"), HERE, NOW + 126).as_deref(), Ok("bob"));
}

#[test]
fn whoever_only_looks_is_told_the_truth_and_counted_nowhere() {
    let (_folder, auth) = fixture();
    let guard = Guard::open(&auth).unwrap();
    let (wrong, right) = (basic("ann", "wrong"), basic("ann", PASSWORD));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let look = |line: &str| {
        let looked = runtime.block_on(guard.look(std::iter::once(line.as_bytes()), HERE, NOW));
        looked.map(|identity| identity.name.to_string())
    };
    for _ in 0..12 {
        assert_eq!(look(&wrong), Err(Unidentified::Password));
    }
    assert_eq!(look(&right).as_deref(), Ok("ann"), "nothing was counted");
    // What others have done counts.
    for _ in 0..12 {
        let _ = waiting(&guard, &basic("bob", "wrong"), HERE, NOW);
    }
    assert_eq!(look(&wrong), Err(Unidentified::TooManyFailures));
}

#[test]
fn a_queue_that_is_full_is_told_and_who_has_gone_costs_nothing() {
    let (_folder, auth) = fixture();
    let verifier = Arc::new(Verifier::new(1, 1));
    let passwords = Passwords::with(auth.basic.as_deref().unwrap(), verifier.clone()).unwrap();
    let guard = Guard { passwords: Some(passwords), ..Guard::open(&auth).unwrap() };
    let (go, gone) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let hold = move || {
        begun.send(()).unwrap();
        let _ = gone.recv_timeout(Duration::from_secs(60));
    };
    verifier.submit(hold).unwrap();
    begins.recv_timeout(Duration::from_secs(60)).unwrap();
    let right = basic("ann", PASSWORD);
    {
        let waits = guard.identify(std::iter::once(right.as_bytes()), HERE, NOW, Wait::Yes);
        let mut waits = pin!(waits);
        assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(waiting(&guard, &right, HERE, NOW), Err(Unidentified::Busy));
    }
    drop(go);
    let (done, dones) = mpsc::channel();
    while verifier
        .submit({
            let done = done.clone();
            move || done.send(()).unwrap()
        })
        .is_err()
    {
        std::thread::yield_now();
    }
    dones.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(guard.passwords.as_ref().unwrap().hashed(), 0);
}

#[test]
fn many_requests_with_one_password_are_one_hash() {
    let (_folder, auth) = fixture();
    let passwords = Passwords::with(auth.basic.as_deref().unwrap(), Arc::new(Verifier::new(1, 64))).unwrap();
    let guard = Guard { passwords: Some(passwords), ..Guard::open(&auth).unwrap() };
    let right = basic("ann", PASSWORD);
    let mut all: Vec<_> =
        (0..32).map(|_| Box::pin(guard.identify(std::iter::once(right.as_bytes()), HERE, NOW, Wait::Yes))).collect();
    let all_done = std::future::poll_fn(|context| {
        all.retain_mut(|one| match one.as_mut().poll(context) {
            Poll::Ready(told) => {
                assert_eq!(&*told.expect("the password is right").name, "ann");
                false
            }
            Poll::Pending => true,
        });
        if all.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(all_done);
    assert_eq!(guard.passwords.as_ref().unwrap().hashed(), 1);
}

#[test]
fn nothing_that_can_be_shown_has_a_secret_in_it() {
    let (_folder, auth) = fixture();
    let guard = Guard::open(&auth).unwrap();
    let right = basic("ann", PASSWORD);
    waiting(&guard, &right, HERE, NOW).unwrap();
    let token = jwt(KEY, NOW + 60);
    at_once(&guard, &[&token], NOW).unwrap().unwrap();
    let passwords = SecretFile::<htpasswd::Htpasswd>::open(auth.basic.as_deref().unwrap()).unwrap().current();
    let tokens = SecretFile::<Tokens>::open(auth.tokens.as_deref().unwrap()).unwrap().current();
    let (keys, _) = guard.jwt.as_ref().unwrap();
    let shown = format!("{auth:?} {guard:?} {passwords:?} {tokens:?} {:?} {:?}", keys.current(), guard.challenges);
    let encoded_key = URL_SAFE_NO_PAD.encode(KEY);
    let secrets = [
        PASSWORD.to_owned(),
        right["Basic ".len()..].to_owned(),
        hash(PASSWORD),
        TOKEN.to_owned(),
        hash_token(TOKEN).unwrap(),
        token["Bearer ".len()..].to_owned(),
        String::from_utf8(KEY.to_vec()).unwrap(),
        encoded_key,
    ];
    for secret in secrets {
        assert!(!shown.contains(&secret), "{secret} in {shown}");
    }
    assert!(shown.contains("ann") && shown.contains("robot"), "{shown}");
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_when_a_guard_is_opened() {
    let (folder, auth) = fixture();
    for name in ["users", "tokens", "keys"] {
        let path = folder.path().join(name);
        let content = std::fs::read(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        let unusable = Guard::open(&auth).unwrap_err();
        assert_eq!(unusable.path, path);
        std::fs::write(&path, content).unwrap();
    }
    assert!(Guard::open(&auth).is_ok());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_is_sent_is_answered_and_nobody_is_let_in(
        scheme in "(Basic|Bearer|[A-Za-z]{1,6}) ?",
        header in "\\{\"alg\":\"(ES256|HS256|none|[A-Z0-9]{2,5})\"(,\"(kid|crit|jwk)\":(\"[a-z]?\"|\\[\\]|1|null))?\\}|.{0,20}",
        rest in "[A-Za-z0-9._~+/=:\", -]{0,60}",
        encoded in proptest::bool::ANY,
    ) {
        let (_folder, auth) = fixture();
        let guard = Guard::open(&auth).unwrap();
        let line = if encoded { format!("{scheme}{}.{rest}", URL_SAFE_NO_PAD.encode(header)) } else { format!("{scheme}{rest}") };
        proptest::prop_assert!(!matches!(at_once(&guard, &[&line], NOW), Some(Ok(_))), "{}", line);
    }

    #[test]
    fn whatever_a_file_has_is_taken_or_refused(
        text in "([a-z]{0,3}:?(\\$(argon2id|2y|apr1)\\$[a-z0-9=,$./]{0,20}|[0-9a-f]{64}|.{0,10}):?[a-z,: ]{0,6}\n){0,3}|\\{\"keys\":.{0,30}\\}",
    ) {
        use file::Secrets;
        let _ = (htpasswd::Htpasswd::parse(&text), Tokens::parse(&text), Keys::parse(&text));
    }
}
