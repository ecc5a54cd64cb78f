//! When each of many places is to be looked at: a wheel of lists, one for each tick of the next while.
//!
//! What is looked at says anew when, so a deadline that moves on costs nothing until then, and a tick costs as much as there
//! is to look at.

/// How many ticks ahead a place is looked at, at most.
const TICKS: u32 = 128;

/// Every list is a ring through the link of its tick, of which there are [`TICKS`]; those of the places follow.
pub(crate) struct Wheel {
    links: Vec<Link>,
    /// The tick up to which everything has been looked at.
    seen: u32,
}

#[derive(Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

impl Wheel {
    pub(crate) fn new() -> Wheel {
        Wheel { links: (0..TICKS).map(Link::alone).collect(), seen: 0 }
    }

    /// Has a place looked at when the tick `due` comes, or earlier; and not when it was to be looked at before.
    pub(crate) fn put(&mut self, place: u32, due: u32) {
        let link = TICKS + place;
        while self.links.len() <= link as usize {
            self.links.push(Link::alone(self.links.len() as u32));
        }
        self.remove(place);
        let ring = due.clamp(self.seen.saturating_add(1), self.seen.saturating_add(TICKS)) % TICKS;
        let before = self.links[ring as usize].before;
        self.links[link as usize] = Link { before, after: ring };
        self.links[before as usize].after = link;
        self.links[ring as usize].before = link;
    }

    /// Has a place, which has been put once, not looked at.
    pub(crate) fn remove(&mut self, place: u32) {
        let link = TICKS + place;
        let Link { before, after } = self.links[link as usize];
        self.links[before as usize].after = after;
        self.links[after as usize].before = before;
        self.links[link as usize] = Link::alone(link);
    }

    /// Moves on to the tick `now`, and takes out the places that are to be looked at by then.
    pub(crate) fn turn(&mut self, now: u32) -> Vec<u32> {
        let mut places = Vec::new();
        // Beyond a whole turn the same lists come again.
        for tick in (self.seen..now).take(TICKS as usize) {
            let ring = (tick + 1) % TICKS;
            while self.links[ring as usize].after != ring {
                let place = self.links[ring as usize].after - TICKS;
                self.remove(place);
                places.push(place);
            }
        }
        self.seen = self.seen.max(now);
        places
    }
}

impl Link {
    /// In a ring of its own.
    fn alone(own: u32) -> Link {
        Link { before: own, after: own }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [u32; 0] = [];

    #[test]
    fn a_place_is_looked_at_at_its_tick_and_not_before() {
        let mut wheel = Wheel::new();
        for (place, due) in [(0, 5), (1, 5), (2, 7), (3, TICKS), (4, 0)] {
            wheel.put(place, due);
        }
        assert_eq!(wheel.turn(0), NONE);
        assert_eq!(wheel.turn(1), [4], "one that is late is looked at next");
        assert_eq!(wheel.turn(4), NONE);
        assert_eq!(wheel.turn(5), [0, 1]);
        assert_eq!(wheel.turn(5), NONE);
        assert_eq!(wheel.turn(TICKS - 1), [2]);
        assert_eq!(wheel.turn(TICKS), [3]);
        assert_eq!(wheel.turn(10 * TICKS), NONE);
    }

    #[test]
    fn a_place_that_is_put_again_or_removed_is_not_looked_at_when_it_was_to_be() {
        let mut wheel = Wheel::new();
        for place in 0..4 {
            wheel.put(place, 3);
        }
        wheel.put(1, 9);
        wheel.remove(2);
        wheel.remove(2);
        assert_eq!(wheel.turn(3), [0, 3]);
        wheel.put(2, 9);
        assert_eq!(wheel.turn(9), [1, 2]);
    }

    /// Further ahead than the wheel reaches: put again each time, as the table of idle connections does.
    #[test]
    fn what_is_due_in_a_long_time_is_looked_at_once_a_turn_until_then() {
        let mut wheel = Wheel::new();
        let (due, mut looked, mut ended) = (1000, 0, None);
        wheel.put(7, due);
        for now in 1..=2000 {
            for place in wheel.turn(now) {
                assert_eq!(place, 7);
                looked += 1;
                if due <= now {
                    ended = Some(now);
                } else {
                    wheel.put(place, due);
                }
            }
        }
        assert_eq!((ended, looked), (Some(due), due.div_ceil(TICKS)));
    }

    #[test]
    fn time_that_is_missed_is_caught_up_with_at_once() {
        let mut wheel = Wheel::new();
        for place in 0..200 {
            wheel.put(place, place);
        }
        let mut places = wheel.turn(5000);
        places.sort_unstable();
        assert_eq!(places, (0..200).collect::<Vec<_>>());
    }
}
