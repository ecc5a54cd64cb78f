//! HTTP/1.1 between bytes and messages: strict, without sockets and without a clock (RFC 9112).
//!
//! A connection goes round this circle. The caller owns the buffer and the time; everything here is offsets into bytes that
//! it is handed, so a buffer may grow and move between two calls.
//!
//! ```
//! use verdict_core::status::Status;
//! use verdict_wire::{Body, Head, HeadWriter, Limits, Name, Piece, Progress};
//!
//! let input = b"POST /notes?draft HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi";
//!
//! let mut head = Head::new();
//! assert_eq!(head.parse(input, &Limits::default()), Ok(Progress::Complete));
//! assert_eq!(head.path(input), b"/notes");
//! assert_eq!(head.value(Name::Host, input), Some(&b"a.example"[..]));
//!
//! let mut body = Body::new(head.framing);
//! let content = &input[head.len..];
//! assert_eq!(body.decode(content), Ok(Piece::Data { skip: 0, len: 2 }));
//! assert_eq!(body.decode(b""), Ok(Piece::End { consumed: 0 }));
//!
//! let mut out = Vec::new();
//! let mut answer = HeadWriter::new(&mut out, Status::CREATED);
//! answer.field("Location", b"/notes/1").unwrap();
//! answer.finish(head.asked(true), Some(0));
//! assert_eq!(out, b"HTTP/1.1 201 Created\r\nLocation: /notes/1\r\nContent-Length: 0\r\n\r\n");
//!
//! let fault = head.parse(b"GET / HTTP/1.1\nHost: a\n\n", &Limits::default()).unwrap_err();
//! assert_eq!((fault.cause, fault.at), (verdict_core::cause::Malformed::BareLf, 14));
//! ```
#![forbid(unsafe_code)]

pub mod body;
mod byte;
pub mod close;
mod fast;
mod fields;
mod find;
mod framing;
pub mod head;
mod host;
pub mod name;
pub mod request;
pub mod response;
mod scan;
pub mod target;
pub mod trailer;
pub mod write;

pub use body::{Body, Piece};
pub use close::Close;
pub use fields::Line;
pub use head::{Fault, Framing, Head, Limits, Progress, Span, Version};
pub use name::Name;
pub use request::{RequestWriter, Sent};
pub use response::{Broken, Extent, Requested, Response, ResponseFault};
pub use target::{Form, Target, decode_path};
pub use trailer::{put_last_chunk, trailers};
pub use write::{
    Asked, CHUNK_END, Delimiter, Delivery, FieldLine, HeadWriter, LAST_CHUNK, Refused, Template, delivery, put_chunk,
    put_chunk_size, put_interim,
};
