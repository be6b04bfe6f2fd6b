//! Huffman's codes: how long each symbol's is, and its bits.

/// Longest code that the format has, in bits.
const LONGEST: usize = 15;

/// Lengths of the best codes for symbols that occur so often, none longer than `limit` bits (at most
/// 15). A symbol that does not occur has none; if only one occurs, its code has one bit.
pub(super) fn code_lengths<const N: usize>(counts: &[u32; N], limit: usize) -> [u8; N] {
    let mut lengths = [0; N];
    let mut symbols: Vec<(u32, usize)> =
        counts.iter().enumerate().map(|(symbol, count)| (*count, symbol)).filter(|(count, _)| *count > 0).collect();
    symbols.sort_unstable();
    let mut per_length = [0; LONGEST + 1];
    match symbols.len() {
        0 => {}
        1 => per_length[1] = 1,
        _ => {
            tree(&symbols).into_iter().for_each(|depth| per_length[depth.min(limit)] += 1);
            limit_lengths(&mut per_length, limit);
        }
    }
    // The rarest symbols get the longest codes.
    let mut rarest = symbols.into_iter();
    for (length, count) in per_length.into_iter().enumerate().rev() {
        rarest.by_ref().take(count).for_each(|(_, symbol)| lengths[symbol] = length as u8);
    }
    lengths
}

/// How deep each of the symbols, of which there are at least two, lies in Huffman's tree. They are
/// sorted by their counts, so that the lightest node is always the next symbol or the oldest pair.
fn tree(symbols: &[(u32, usize)]) -> Vec<usize> {
    let leaves = symbols.len();
    let mut weights: Vec<u64> = symbols.iter().map(|(count, _)| u64::from(*count)).collect();
    let mut parents = vec![0; 2 * leaves - 1];
    let (mut leaf, mut pair) = (0, leaves);
    for parent in leaves..parents.len() {
        let mut weight = 0;
        for _ in 0..2 {
            let is_leaf = leaf < leaves && (pair >= weights.len() || weights[leaf] <= weights[pair]);
            let lightest = if is_leaf { &mut leaf } else { &mut pair };
            weight += weights[*lightest];
            parents[*lightest] = parent;
            *lightest += 1;
        }
        weights.push(weight);
    }
    let mut depths = vec![0; parents.len()];
    for node in (0..parents.len() - 1).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(leaves);
    depths
}

/// Cutting codes to `limit` bits leaves more of them than there is room for: of the room, which is one
/// for a code of `limit` bits, two for one that is a bit shorter and so on. A shorter code that becomes
/// longer by a bit makes room for one of `limit` bits beside it.
fn limit_lengths(per_length: &mut [usize; LONGEST + 1], limit: usize) {
    let used = |per_length: &[usize]| -> usize {
        per_length.iter().enumerate().take(limit + 1).skip(1).map(|(length, count)| count << (limit - length)).sum()
    };
    for _ in (1 << limit)..used(per_length) {
        let Some(length) = (1..limit).rev().find(|length| per_length[*length] > 0) else { return };
        per_length[length] -= 1;
        per_length[length + 1] += 2;
        per_length[limit] -= 1;
    }
}

/// The codes of these lengths (RFC 1951, section 3.2.2), their first bit lowest.
pub(super) fn codes<const N: usize>(lengths: &[u8; N]) -> [u16; N] {
    let mut per_length = [0_u32; LONGEST + 1];
    lengths.iter().filter(|length| **length > 0).for_each(|length| per_length[usize::from(*length)] += 1);
    let mut next = [0_u32; LONGEST + 1];
    for length in 1..=LONGEST {
        next[length] = (next[length - 1] + per_length[length - 1]) << 1;
    }
    let mut next_of = |length: u8| {
        let next = &mut next[usize::from(length)];
        let code = *next as u16;
        *next += 1;
        code.reverse_bits().checked_shr(u16::BITS - u32::from(length)).unwrap_or(0)
    };
    lengths.map(&mut next_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Room that codes take, of `1 << 15`.
    fn taken(lengths: &[u8]) -> u32 {
        lengths.iter().filter(|length| **length > 0).map(|length| 1 << (LONGEST - usize::from(*length))).sum()
    }

    #[test]
    fn frequent_symbols_get_short_codes() {
        assert_eq!(code_lengths(&[0, 8, 4, 2, 1, 1], 15), [0, 1, 2, 3, 4, 4]);
        assert_eq!(code_lengths(&[5, 5, 5, 5], 15), [2, 2, 2, 2]);
        assert_eq!(code_lengths(&[0, 0, 7], 15), [0, 0, 1]);
        assert_eq!(code_lengths(&[0; 4], 15), [0; 4]);
    }

    #[test]
    fn no_code_is_longer_than_the_limit_and_no_room_is_left() {
        let mut counts = [1_u32; 30];
        for index in 2..counts.len() {
            counts[index] = counts[index - 1] + counts[index - 2];
        }
        for limit in [5, 7, 14, 15] {
            let lengths = code_lengths(&counts, limit);
            assert_eq!(taken(&lengths), 1 << LONGEST, "{lengths:?}");
            assert_eq!(lengths.iter().max(), Some(&(limit as u8)));
            assert!(lengths.is_sorted_by(|rare, frequent| rare >= frequent), "{lengths:?}");
        }
    }

    /// The example of RFC 1951, section 3.2.2.
    #[test]
    fn codes_of_a_length_are_in_the_order_of_the_symbols() {
        let codes = codes(&[3, 3, 3, 3, 3, 2, 4, 4]);
        let expected = [0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111];
        assert_eq!(codes, expected);
    }
}
