//! A timer of the kernel's, as something to wait for: deadlines are swept by one, see `deadline.rs`, and what has to be exacter
//! has its own.

use crate::reactor::{Reactor, Source, Way};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct Timer(Source<OwnedFd>);

impl Timer {
    /// Goes off after `time`, and then each time it has passed again.
    pub(crate) fn every(time: Duration, reactor: &Rc<Reactor>) -> io::Result<Timer> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: time, it_value: time })?;
        Ok(Timer(Source::new(timer, reactor)?))
    }

    /// Waits until it goes off.
    pub(crate) async fn tick(&self) -> io::Result<()> {
        // How often it went off meanwhile is of no interest.
        self.0.io(Way::Read, |timer| Ok(rustix::io::read(timer, &mut [0; 8])?)).await.map(drop)
    }
}
