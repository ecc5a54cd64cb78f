//! A timer of the kernel's, as something to wait for. The runtime's own timers would be looked at on each of its turns, which
//! costs every request more than these cost those few who need one.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub(crate) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    /// Goes off after `time`, and then each time it has passed again.
    pub(crate) fn every(time: Duration) -> io::Result<Timer> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: time, it_value: time })?;
        // SAFETY: an `OwnedFd` is the same open file for as long as it lives, and the `AsyncFd` owns it.
        Ok(Timer(unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?))
    }

    /// Waits until it goes off.
    pub(crate) async fn tick(&self) -> io::Result<()> {
        let mut ready = self.0.readable().await?;
        // How often it went off meanwhile is of no interest.
        let _ = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?));
        Ok(())
    }
}
