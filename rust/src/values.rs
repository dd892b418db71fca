//! JSON values by equality: one word for all spellings of a scalar, one hash for a value of any kind.
//!
//! Numbers are equal when their values are, `1`, `1.0` and `10e-1` are; strings when their characters are. Whoever
//! reads the text into doubles finds more numbers equal: each has a second word for that, where it is another one.

/// The words of a scalar: of its value, and of what doubles make of it if that is another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub exact: Vec<u8>,
    pub rounded: Option<Vec<u8>>,
}

impl Scalar {
    /// The scalar of a text: a number, `true`, `false`, `null`.
    pub fn plain(text: &[u8]) -> Scalar {
        let Some(exact) = number(text) else { return Scalar { exact: text.into(), rounded: None } };
        let is_double = text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
        let rounded = is_double.then(|| double(text)).flatten().filter(|rounded| *rounded != exact);
        Scalar { exact, rounded }
    }

    /// The scalar of a string, given without the quote before it.
    pub fn string(text: &[u8]) -> Scalar {
        let mut exact = vec![b'"'];
        exact.extend(spelled(text));
        Scalar { exact, rounded: None }
    }

    /// The hashes of both words.
    pub fn hashes(&self) -> [u128; 2] {
        let exact = hash(&self.exact);
        [exact, self.rounded.as_ref().map_or(exact, |word| hash(word))]
    }
}

/// The word of a number: its digits without zeros at the ends, and a power of ten; `None` for no number.
fn number(text: &[u8]) -> Option<Vec<u8>> {
    let (negative, rest) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if !rest.first()?.is_ascii_digit() || !rest.last()?.is_ascii_digit() {
        return None;
    }
    let at = rest.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (digits, power) = at.map_or((rest, &b""[..]), |at| (&rest[..at], &rest[at + 1..]));
    let fraction = digits.iter().position(|&byte| byte == b'.').map_or(0, |dot| digits.len() - dot - 1);
    let mut word: Vec<u8> =
        digits.iter().copied().filter(u8::is_ascii_digit).skip_while(|&byte| byte == b'0').collect();
    let shown = word.len();
    word.truncate(word.iter().rposition(|&byte| byte != b'0').map_or(0, |last| last + 1));
    if word.is_empty() {
        return Some(b"n0".into());
    }
    let power = exponent(power).saturating_add(shown as i64 - word.len() as i64 - fraction as i64);
    let sign: &[u8] = if negative { b"n-" } else { b"n" };
    Some([sign, &word, format!("e{power}").as_bytes()].concat())
}

/// The value of an exponent; one beyond all bounds is as large as any other.
fn exponent(text: &[u8]) -> i64 {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let value = digits.iter().fold(0i64, |n, byte| (10 * n + i64::from(byte - b'0')).min(1 << 56));
    sign * value
}

/// The word of the double that is nearest to a number.
fn double(text: &[u8]) -> Option<Vec<u8>> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    match value {
        _ if value.is_infinite() => Some(format!("n{value}").into_bytes()),
        _ if value.fract() == 0.0 => number(format!("{value:.0}").as_bytes()),
        _ => number(format!("{value:e}").as_bytes()),
    }
}

/// A string, or the beginning of one, in its one spelling (that of `json.dumps(ensure_ascii=False)`); an escape that
/// has only begun is left out.
pub(crate) fn spelled(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        let Some((unit, mut length)) = escape(&text[at..]) else { break };
        let mut character = char::from_u32(unit);
        if (0xD800..0xDC00).contains(&unit) {
            let Some((low, more)) = escape(&text[at + length..]) else { break };
            character = char::from_u32(0x10000 + ((unit - 0xD800) << 10) + low.wrapping_sub(0xDC00));
            length += more;
        }
        match character {
            Some(character) => character_spelled(character, &mut out),
            None => out.extend(text[at..at + length].to_ascii_lowercase()),
        }
        at += length;
    }
    out
}

/// Whether an escape has begun, or half a pair of them, and has not ended.
pub(crate) fn is_within_escape(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(back) = text[at..].iter().position(|&byte| byte == b'\\') {
        at += back;
        match escape(&text[at..]) {
            None => return true,
            Some((0xD800..0xDC00, length)) if escape(&text[at + length..]).is_none() => return true,
            Some((_, length)) => at += length,
        }
    }
    false
}

/// The UTF-16 unit of the escape that a text begins with, and its length.
fn escape(text: &[u8]) -> Option<(u32, usize)> {
    let unit = match text.get(1)? {
        b'b' => 8,
        b't' => 9,
        b'n' => 10,
        b'f' => 12,
        b'r' => 13,
        b'u' => {
            let digits = std::str::from_utf8(text.get(2..6)?).ok()?;
            return Some((u32::from_str_radix(digits, 16).ok()?, 6));
        }
        &byte => u32::from(byte),
    };
    (text[0] == b'\\').then_some((unit, 2))
}

fn character_spelled(character: char, out: &mut Vec<u8>) {
    match character {
        '"' | '\\' => out.extend([b'\\', character as u8]),
        '\u{8}' => out.extend(b"\\b"),
        '\t' => out.extend(b"\\t"),
        '\n' => out.extend(b"\\n"),
        '\u{c}' => out.extend(b"\\f"),
        '\r' => out.extend(b"\\r"),
        '\0'..'\u{20}' => out.extend(format!("\\u{:04x}", character as u32).bytes()),
        _ => out.extend(character.encode_utf8(&mut [0; 4]).bytes()),
    }
}

/// A hash of 128 bits: values with equal hashes are taken for equal.
pub(crate) fn hash(bytes: &[u8]) -> u128 {
    let start = mix(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834, bytes.len() as u128);
    bytes.chunks(16).fold(start, |hash, chunk| {
        let mut word = [0; 16];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash, u128::from_le_bytes(word))
    })
}

/// A hash and something more.
pub(crate) fn mix(hash: u128, more: u128) -> u128 {
    let product = (hash.rotate_left(29) ^ more).wrapping_mul(0xDA94_2042_E4DD_58B5_9E37_79B9_7F4A_7C15);
    (product ^ (product >> 67)).wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645) ^ (product >> 61)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_word() {
        for [left, right] in [["1", "1.0"], ["1", "10e-1"], ["-0", "0.000"], ["100", "1E+2"], ["0.5", "5e-1"]] {
            assert_eq!(Scalar::plain(left.as_bytes()), Scalar::plain(right.as_bytes()), "{left} {right}");
        }
        for [left, right] in [["1", "-1"], ["1", "10"], ["0.1", "0.01"], ["1e1", "1e-1"], ["1", "true"]] {
            assert_ne!(Scalar::plain(left.as_bytes()).exact, Scalar::plain(right.as_bytes()).exact, "{left} {right}");
        }
        let rounded = |text: &str| Scalar::plain(text.as_bytes()).rounded;
        assert_eq!(rounded("0.1"), None);
        assert_eq!(rounded("9007199254740993"), None);
        assert_eq!(rounded("9007199254740993.0"), number(b"9007199254740992"));
        assert_eq!(rounded("0.1000000000000000055"), number(b"0.1"));
        assert_eq!(rounded("1e400"), rounded("1e99999999999999999999"));
    }

    #[test]
    fn equal_strings_have_one_word() {
        let word = |text: &str| Scalar::string(text.as_bytes()).exact;
        assert_eq!(word(r#"\u0061\/\uD83D\ude00\u000A\u0001""#), word("a/😀\\n\\u0001\""));
        assert_eq!(word(r#"a\""#), word("a\\\""));
        assert_eq!(spelled(br"ab\u00"), b"ab");
        assert!(is_within_escape(br"ab\u00") && is_within_escape(br"\ud83d") && is_within_escape(br"\\\"));
        assert!(!is_within_escape(br"ab\u0061\\") && !is_within_escape(br"\ud83d\ude00"));
    }
}
