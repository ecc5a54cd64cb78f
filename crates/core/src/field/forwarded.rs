//! `Forwarded` (RFC 7239 §4): what proxies say of whom they speak for.

use super::cursor::Cursor;
use super::list::{self, Lines};
use super::quoted::Value;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest node, and the longest `proto`, that is read: nothing that is said in earnest is as long.
const LONGEST: usize = 128;

/// What one proxy says: `[ forwarded-pair ] *( ";" [ forwarded-pair ] )`. Parameters that are not known are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Element<'a> {
    /// `for`: who spoke to the proxy (§5.2).
    pub sender: Option<Node>,
    /// `by`: where the proxy was spoken to (§5.1).
    pub by: Option<Node>,
    /// `host`: the `Host` that the proxy was sent, as it is written (§5.3).
    pub host: Option<Value<'a>>,
    /// `proto`: the scheme that it was spoken to with (§5.4).
    pub proto: Option<Value<'a>>,
}

/// `nodename [ ":" node-port ]` (§6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node {
    /// Who.
    pub name: NodeName,
    /// Which port, if that is said and not hidden.
    pub port: Option<u16>,
}

/// Who a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeName {
    /// An address.
    Address(IpAddr),
    /// `unknown`: the proxy does not know (§6.2).
    Unknown,
    /// An identifier that means something to whoever made it up, such as `_gazonk` (§6.3).
    Hidden,
}

/// Why an element cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForwardedError {
    /// It is not pairs with semicolons between them. There is no white space in an element (§4).
    Pair,
    /// A parameter occurs twice (§4).
    Repeated,
    /// `for` or `by` is not a node.
    Node,
    /// `proto` is not the name of a scheme (§5.4).
    Proto,
}

/// The elements of the field, from the left, which is the order in which proxies added them.
///
/// One that cannot be read does not keep others from being so: another may have written it.
pub fn elements<'a>(lines: impl Lines<'a>) -> impl Iterator<Item = Result<Element<'a>, ForwardedError>> + Clone {
    list::elements(lines).map(Element::parse)
}

impl<'a> Element<'a> {
    /// One member of the list.
    pub fn parse(member: &'a [u8]) -> Result<Element<'a>, ForwardedError> {
        let mut element = Element::default();
        let mut cursor = Cursor::new(member);
        loop {
            if let Some(name) = cursor.token() {
                if !cursor.eat(b'=') {
                    return Err(ForwardedError::Pair);
                }
                let value = cursor.value().ok_or(ForwardedError::Pair)?;
                element.set(name, value)?;
            }
            if cursor.is_done() {
                return Ok(element);
            }
            if !cursor.eat(b';') {
                return Err(ForwardedError::Pair);
            }
        }
    }

    /// Names ignore case (§4).
    fn set(&mut self, name: &[u8], value: Value<'a>) -> Result<(), ForwardedError> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let repeated = if is("for") {
            self.sender.replace(Node::of(value)?).is_some()
        } else if is("by") {
            self.by.replace(Node::of(value)?).is_some()
        } else if is("host") {
            self.host.replace(value).is_some()
        } else if is("proto") {
            if !is_scheme(value) {
                return Err(ForwardedError::Proto);
            }
            self.proto.replace(value).is_some()
        } else {
            // §5.5: extensions are somebody else's.
            false
        };
        if repeated { Err(ForwardedError::Repeated) } else { Ok(()) }
    }
}

impl Node {
    fn of(value: Value<'_>) -> Result<Node, ForwardedError> {
        let mut buffer = [0; LONGEST];
        let mut length = 0;
        for byte in value.bytes() {
            *buffer.get_mut(length).ok_or(ForwardedError::Node)? = byte;
            length += 1;
        }
        Node::parse(&buffer[..length]).ok_or(ForwardedError::Node)
    }

    /// What a `for` or `by` says, without its quotes. `None`: it is no node.
    pub fn parse(text: &[u8]) -> Option<Node> {
        let text = std::str::from_utf8(text).ok()?;
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                (NodeName::Address(address.parse::<Ipv6Addr>().ok()?.into()), port)
            }
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                (node_name(name)?, port)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some(hidden) if is_hidden(hidden) => None,
            Some(port) => Some(port_number(port)?),
        };
        Some(Node { name, port })
    }
}

/// Any `nodename` but an IPv6 address.
fn node_name(name: &str) -> Option<NodeName> {
    if name.eq_ignore_ascii_case("unknown") {
        return Some(NodeName::Unknown);
    }
    if is_hidden(name) {
        return Some(NodeName::Hidden);
    }
    name.parse::<Ipv4Addr>().ok().map(|address| NodeName::Address(address.into()))
}

/// `obfnode`, `obfport`: `"_" 1*( ALPHA / DIGIT / "." / "_" / "-" )` (§6.3).
fn is_hidden(text: &str) -> bool {
    let rest = text.strip_prefix('_').unwrap_or("");
    !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// `1*5DIGIT`, of which those up to 65535 are ports.
fn port_number(text: &str) -> Option<u16> {
    let is_form = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_form.then(|| text.parse().ok())?
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` (RFC 3986 §3.1).
fn is_scheme(value: Value<'_>) -> bool {
    let mut bytes = value.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.clone().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && bytes.count() < LONGEST
}

/// As it is written in the field: in quotes where it has to be.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_v6 = matches!(self.name, NodeName::Address(IpAddr::V6(_)));
        let quote = if is_v6 || self.port.is_some() { "\"" } else { "" };
        f.write_str(quote)?;
        match self.name {
            NodeName::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            NodeName::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            NodeName::Unknown => f.write_str("unknown")?,
            NodeName::Hidden => f.write_str("_hidden")?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(quote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str, port: Option<u16>) -> Node {
        Node { name: NodeName::Address(text.parse().unwrap()), port }
    }

    fn senders(value: &str) -> Vec<Result<Option<Node>, ForwardedError>> {
        elements(Some(value.as_bytes())).map(|element| element.map(|element| element.sender)).collect()
    }

    /// The examples of RFC 7239 §4, §6 and §7.
    #[test]
    fn the_examples_are_read() {
        let hidden = Node { name: NodeName::Hidden, port: None };
        let cases = [
            ("for=\"_gazonk\"", vec![hidden]),
            ("For=\"[2001:db8:cafe::17]:4711\"", vec![address("2001:db8:cafe::17", Some(4711))]),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", vec![address("192.0.2.60", None)]),
            ("for=192.0.2.43, for=198.51.100.17", vec![address("192.0.2.43", None), address("198.51.100.17", None)]),
            ("for=_hidden, for=_SEVKISEK", vec![hidden, hidden]),
            (
                "for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown",
                vec![
                    address("192.0.2.43", None),
                    address("2001:db8:cafe::17", None),
                    Node { name: NodeName::Unknown, port: None },
                ],
            ),
            ("for=\"192.0.2.43:47011\"", vec![address("192.0.2.43", Some(47011))]),
        ];
        for (value, want) in cases {
            assert_eq!(senders(value), want.into_iter().map(|node| Ok(Some(node))).collect::<Vec<_>>(), "{value}");
        }
        let element = Element::parse(b"for=_a;BY=\"192.0.2.1:_p\";Proto=https;host=\"a.example:80\";x=y").unwrap();
        assert_eq!(element.by, Some(address("192.0.2.1", None)));
        assert!(element.host.unwrap().is("a.example:80") && element.proto.unwrap().is("https"));
    }

    #[test]
    fn an_element_is_kept_to_the_grammar() {
        let cases = [
            ("", Ok(None)),
            (";;", Ok(None)),
            (";for=unknown;", Ok(Some(NodeName::Unknown))),
            ("for=UNKNOWN", Ok(Some(NodeName::Unknown))),
            ("for=\"unknown:_\"", Err(ForwardedError::Node)),
            ("for=\"unknown:80\"", Ok(Some(NodeName::Unknown))),
            ("for=\"\\_a\"", Ok(Some(NodeName::Hidden))),
            ("proto=https", Ok(None)),
            ("for=a", Err(ForwardedError::Node)),
            ("for=_", Err(ForwardedError::Node)),
            ("for=_a*", Err(ForwardedError::Node)),
            ("for=\"\"", Err(ForwardedError::Node)),
            ("for=192.0.2.256", Err(ForwardedError::Node)),
            ("for=192.0.2.01", Err(ForwardedError::Node)),
            ("for=\"192.0.2.1:\"", Err(ForwardedError::Node)),
            ("for=\"192.0.2.1:65536\"", Err(ForwardedError::Node)),
            ("for=\"192.0.2.1:+80\"", Err(ForwardedError::Node)),
            ("for=\"192.0.2.1:000080\"", Err(ForwardedError::Node)),
            ("for=\"192.0.2.1 \"", Err(ForwardedError::Node)),
            ("for=\"[192.0.2.1]\"", Err(ForwardedError::Node)),
            ("for=\"2001:db8::1\"", Err(ForwardedError::Node)),
            ("for=\"[2001:db8::1\"", Err(ForwardedError::Node)),
            ("for=\"[2001:db8::1]80\"", Err(ForwardedError::Node)),
            ("for=\"[2001:db8::1%eth0]\"", Err(ForwardedError::Node)),
            // §6: what is not a token has to be quoted.
            ("for=192.0.2.1:80", Err(ForwardedError::Pair)),
            ("for=[2001:db8::1]", Err(ForwardedError::Pair)),
            ("for", Err(ForwardedError::Pair)),
            ("for=", Err(ForwardedError::Pair)),
            ("=_a", Err(ForwardedError::Pair)),
            ("for =_a", Err(ForwardedError::Pair)),
            ("for= _a", Err(ForwardedError::Pair)),
            ("for=_a; proto=http", Err(ForwardedError::Pair)),
            ("for=_a ;proto=http", Err(ForwardedError::Pair)),
            ("for=_a proto=http", Err(ForwardedError::Pair)),
            ("for=\"_a", Err(ForwardedError::Pair)),
            ("for=_a;for=_b", Err(ForwardedError::Repeated)),
            ("for=_a;FOR=_a", Err(ForwardedError::Repeated)),
            ("proto=http;proto=http", Err(ForwardedError::Repeated)),
            ("proto=\"\"", Err(ForwardedError::Proto)),
            ("proto=1", Err(ForwardedError::Proto)),
            ("proto=\"a b\"", Err(ForwardedError::Proto)),
        ];
        for (member, want) in cases {
            let read = Element::parse(member.as_bytes());
            assert_eq!(read.map(|element| element.sender.map(|node| node.name)), want, "{member}");
        }
    }

    #[test]
    fn what_is_too_long_to_be_meant_is_refused() {
        for (length, want) in [(LONGEST - 1, true), (LONGEST, false), (100_000, false)] {
            let member = format!("for=_{}", "a".repeat(length));
            assert_eq!(Element::parse(member.as_bytes()).is_ok(), want, "{length}");
        }
    }

    #[test]
    fn one_that_cannot_be_read_leaves_the_others() {
        let want = [Err(ForwardedError::Pair), Ok(Some(address("192.0.2.1", None)))];
        assert_eq!(senders("for=_a b, for=192.0.2.1"), want);
        let lines: [&[u8]; 2] = [b"for=\"", b"for=192.0.2.1"];
        assert_eq!(elements(lines).map(|element| element.map(|e| e.sender)).collect::<Vec<_>>(), want);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_node_is_read_as_it_was_written(v6: bool, bits: u128, port: Option<u16>) {
            let address: IpAddr = if v6 { Ipv6Addr::from(bits).into() } else { Ipv4Addr::from(bits as u32).into() };
            let node = Node { name: NodeName::Address(address), port };
            let member = format!("for={node}");
            let element = Element::parse(member.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
            prop_assert_eq!(element.sender, Some(node));
        }

        #[test]
        fn any_bytes_are_read_or_refused(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            elements([&value[..], &value[..]]).for_each(drop);
        }

        #[test]
        fn any_delimiters_are_read_or_refused(value in "(for|by|proto|[\"\\\\,;=:\\[\\]_. a0-9]){0,12}") {
            let read: Vec<_> = elements(Some(value.as_bytes())).collect();
            prop_assert!(read.len() <= value.len());
            for node in read.into_iter().flatten().flat_map(|element| [element.sender, element.by]).flatten() {
                let written = node.to_string();
                prop_assert_eq!(Node::parse(written.trim_matches('"').as_bytes()), Some(node));
            }
        }
    }
}
