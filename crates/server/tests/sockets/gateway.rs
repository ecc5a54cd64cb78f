//! The gateway and what upstreams do to it: faults, and what is made of each message on its way.

mod faults;
mod hostile;
mod messages;

use crate::upstream::{Upstream, hear};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// One thing that an upstream does. After the last one it closes its connection.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Hears a request, with its content.
    Hear,
    Say(&'static [u8]),
    /// Says so often, or until nobody hears it any more.
    Repeat(&'static [u8], usize),
    /// Has what was said arrive by itself.
    Pause,
    /// Does nothing until the other side goes.
    Hold,
    /// Ends with RST.
    Reset,
}

/// Longer than the kernel and the gateway need to take note of something.
const PAUSE: Duration = Duration::from_millis(100);

/// An upstream that does the same on each connection.
fn scripted(steps: &'static [Step]) -> Upstream {
    Upstream::start(move |mut stream| act(&mut stream, steps))
}

fn act(stream: &mut TcpStream, steps: &[Step]) {
    for step in steps {
        let went = match step {
            Step::Hear => hear(stream, &mut Vec::new()).is_some(),
            Step::Say(bytes) => stream.write_all(bytes).is_ok(),
            Step::Repeat(bytes, times) => (0..*times).all(|_| stream.write_all(bytes).is_ok()),
            Step::Pause => {
                thread::sleep(PAUSE);
                true
            }
            Step::Hold => {
                while let Ok(1..) = stream.read(&mut [0; 4096]) {}
                true
            }
            Step::Reset => {
                socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).expect("TCP");
                true
            }
        };
        if !went {
            return;
        }
    }
}
