//! Finding a byte, sixteen at a time and without `unsafe`: the compiler makes vector instructions of the plainest loop.

/// The first byte from `at` on of which that is true, or the end of the input.
///
/// Inlined by force, for the loop becomes vector instructions only where the compiler sees what is asked of each byte; a
/// browser's head costs 1,000 instructions more without. What is asked must not branch: `|`, not `||`.
#[inline(always)]
pub(crate) fn find(input: &[u8], mut at: usize, is: impl Fn(u8) -> bool) -> usize {
    while let Some(block) = input.get(at..).and_then(|rest| rest.first_chunk()) {
        let marks = marks(block, &is);
        if marks.iter().fold(false, |any, mark| any | (*mark != 0)) {
            return at + first(marks);
        }
        at += block.len();
    }
    last_few(input, at, is)
}

/// Where that is true, 0xff; elsewhere, 0.
#[inline(always)]
fn marks(block: &[u8; 16], is: impl Fn(u8) -> bool) -> [u8; 16] {
    let mut marks = [0; 16];
    for (mark, b) in marks.iter_mut().zip(block) {
        *mark = if is(*b) { 0xff } else { 0 };
    }
    marks
}

/// The first mark; sixteen, if there is none.
#[inline(always)]
fn first(marks: [u8; 16]) -> usize {
    u128::from_le_bytes(marks).trailing_zeros() as usize / 8
}

/// The same for the bytes from `at` on, fewer than sixteen.
fn last_few(input: &[u8], at: usize, is: impl Fn(u8) -> bool) -> usize {
    let left = input.len().saturating_sub(at);
    match input.last_chunk() {
        // The last sixteen once more, without those that have been asked.
        Some(block) if left > 0 => {
            let marks = u128::from_le_bytes(marks(block, is)) >> (8 * (16 - left));
            at + left.min(first(marks.to_le_bytes()))
        }
        _ => at + input[input.len() - left..].iter().position(|b| is(*b)).unwrap_or(left),
    }
}

/// What ends a field value, or HTAB in one.
#[inline]
pub(crate) fn is_control(b: u8) -> bool {
    (b < b' ') | (b == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_stands_among_any_others() {
        for b in 0..=255u8 {
            for (i, len) in (0..36).flat_map(|i| (i + 1..37).map(move |len| (i, len))) {
                for filler in [b'a', b' ', b'!', 0x80, 0xff, 0x7e] {
                    let mut input = vec![filler; len];
                    input[i] = b;
                    let control = b.is_ascii_control();
                    assert_eq!(find(&input, 0, is_control), if control { i } else { len }, "{b:#04x} at {i} of {len}");
                    let colon = find(&input, 0, |b| is_control(b) | (b == b':'));
                    assert_eq!(colon, if control || b == b':' { i } else { len }, "{b:#04x} at {i} of {len}");
                }
            }
        }
    }

    #[test]
    fn the_search_begins_where_it_is_told() {
        let input = b"a:b:c:d:e:f:g:h:i:j:k:l:m:n:o:p:q:r:s:t:";
        for len in 0..=input.len() {
            for at in 0..=len + 1 {
                let expected = (at..len).find(|i| input[*i] == b':').unwrap_or(at.max(len));
                assert_eq!(find(&input[..len], at, |b| b == b':'), expected, "from {at} of {len}");
            }
        }
    }
}
