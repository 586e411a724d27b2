//! A validating, allocation-free JSON scanner: it checks a value against RFC 8259 and tells where its parts lie, so
//! that properties are kept as sent and only what a rule asks about is ever decoded.
//!
//! One pass does what a typed parse, a raw span and a second look at the properties would need three for. It is held
//! equal to `serde_json` by a property test.

use std::borrow::Cow;

/// Not JSON: where, and what was expected there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{expected} expected at byte {offset}")]
pub struct Malformed {
    /// Bytes from the start of the text.
    pub offset: usize,
    /// What would have been right.
    pub expected: &'static str,
}

/// What sort of JSON value a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// A number, as long and as precise as it was written.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// A value's place in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token<'a> {
    /// What sort of value it is.
    pub kind: Kind,
    /// The value as written; of a string what stands between the quotes.
    pub raw: &'a str,
    /// Of a string: whether it holds escapes and so has to be decoded.
    pub escaped: bool,
}

impl<'a> Token<'a> {
    /// The text of a string token, escapes resolved; `None` for a lone surrogate or another kind of token.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match (self.kind, self.escaped) {
            (Kind::String, false) => Some(Cow::Borrowed(self.raw)),
            (Kind::String, true) => {
                serde_json::from_str::<String>(&format!("\"{}\"", self.raw)).ok().map(Cow::Owned)
            }
            _ => None,
        }
    }

    /// The text of a member's name: as it stands, which it nearly always is, or decoded.
    #[inline]
    pub fn name(&self) -> Cow<'a, str> {
        if self.escaped { self.text().unwrap_or_default() } else { Cow::Borrowed(self.raw) }
    }
}

/// Escapes that are JSON but no text that every store can keep. Gathered until [`Scanner::take_findings`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    /// A string held `\u0000`.
    pub nul: bool,
    /// A string held half of a surrogate pair.
    pub lone_surrogate: bool,
    /// Levels of objects and arrays in the deepest value, 1 for a flat one.
    pub depth: usize,
}

/// Reads one JSON text from its start.
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    closers: Vec<u8>,
    findings: Findings,
}

impl<'a> Scanner<'a> {
    /// Starts at the first byte of the text.
    pub const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            closers: Vec::new(),
            findings: Findings { nul: false, lone_surrogate: false, depth: 0 },
        }
    }

    /// What was found since the last call.
    pub fn take_findings(&mut self) -> Findings {
        std::mem::take(&mut self.findings)
    }

    /// The next byte that is not white space; 0 at the end of the text.
    pub fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// Fails unless only white space is left.
    ///
    /// # Errors
    /// [`Malformed`] at the first byte too many.
    pub fn end(&mut self) -> Result<(), Malformed> {
        if self.peek() == 0 && self.at == self.text.len() { Ok(()) } else { Err(self.expected("the end")) }
    }

    /// Reads an object whose opening brace is next; `member` must read each value.
    ///
    /// # Errors
    /// [`Malformed`] where the text is not an object, or `member` says so.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Token<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.byte(b'{', "an object")?;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if self.another(b'}', "',' or '}'")? {
                return Ok(());
            }
        }
    }

    /// Reads an array whose opening bracket is next; `item` must read each value.
    ///
    /// # Errors
    /// [`Malformed`] where the text is not an array, or `item` says so.
    pub fn array(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.byte(b'[', "an array")?;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            if self.another(b']', "',' or ']'")? {
                return Ok(());
            }
        }
    }

    /// Reads any value.
    ///
    /// # Errors
    /// [`Malformed`] where none stands.
    pub fn value(&mut self) -> Result<Token<'a>, Malformed> {
        match self.peek() {
            b'{' => self.nested(Kind::Object),
            b'[' => self.nested(Kind::Array),
            _ => self.scalar(),
        }
    }

    /// Reads an object of which only some members matter: `member` sees each, already read.
    ///
    /// # Errors
    /// [`Malformed`] where the text is not an object.
    pub fn object_members(
        &mut self,
        mut member: impl FnMut(Token<'a>, Token<'a>),
    ) -> Result<Token<'a>, Malformed> {
        self.peek();
        let start = self.at;
        let mut deepest_value = 0;
        self.object(|scanner, key| {
            scanner.findings.depth = 0;
            let value = scanner.value()?;
            deepest_value = deepest_value.max(scanner.findings.depth);
            member(key, value);
            Ok(())
        })?;
        self.findings.depth = deepest_value + 1;
        Ok(Token { kind: Kind::Object, raw: &self.text[start..self.at], escaped: false })
    }

    /// An object or array as a whole, without recursion: its depth is the client's to choose.
    fn nested(&mut self, kind: Kind) -> Result<Token<'a>, Malformed> {
        let start = self.at;
        self.closers.clear();
        loop {
            let opened = match self.peek() {
                b'{' => Some(b'}'),
                b'[' => Some(b']'),
                _ => None,
            };
            let mut opened_empty = false;
            if let Some(closer) = opened {
                self.at += 1;
                self.closers.push(closer);
                self.findings.depth = self.findings.depth.max(self.closers.len());
                opened_empty = self.peek() == closer;
                if !opened_empty {
                    if closer == b'}' {
                        self.key()?;
                    }
                    continue;
                }
            }
            if !opened_empty {
                self.scalar()?;
            }
            while let Some(&closer) = self.closers.last() {
                if !self.another(closer, "',' or the end of the object or array")? {
                    if closer == b'}' {
                        self.key()?;
                    }
                    break;
                }
                self.closers.pop();
            }
            if self.closers.is_empty() {
                return Ok(Token { kind, raw: &self.text[start..self.at], escaped: false });
            }
        }
    }

    /// After a value: a comma (`false`: another one follows) or the closing byte (`true`).
    fn another(&mut self, closer: u8, expected: &'static str) -> Result<bool, Malformed> {
        let byte = self.peek();
        if byte != b',' && byte != closer {
            return Err(self.expected(expected));
        }
        self.at += 1;
        Ok(byte == closer)
    }

    fn key(&mut self) -> Result<Token<'a>, Malformed> {
        if self.peek() != b'"' {
            return Err(self.expected("a member's name"));
        }
        let key = self.string()?;
        self.byte(b':', "':'")?;
        Ok(key)
    }

    fn scalar(&mut self) -> Result<Token<'a>, Malformed> {
        match self.peek() {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true", Kind::Bool),
            b'f' => self.literal("false", Kind::Bool),
            b'n' => self.literal("null", Kind::Null),
            _ => Err(self.expected("a JSON value")),
        }
    }

    fn literal(&mut self, word: &'static str, kind: Kind) -> Result<Token<'a>, Malformed> {
        let end = self.at + word.len();
        if self.text.as_bytes().get(self.at..end) != Some(word.as_bytes()) {
            return Err(self.expected("a JSON value"));
        }
        let raw = &self.text[self.at..end];
        self.at = end;
        Ok(Token { kind, raw, escaped: false })
    }

    /// RFC 8259 §6: no leading zeros or plus sign, digits on both sides of a point.
    fn number(&mut self) -> Result<Token<'a>, Malformed> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let next = |at: usize| bytes.get(at).copied().unwrap_or(0);
        if next(self.at) == b'-' {
            self.at += 1;
        }
        if next(self.at) == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if next(self.at) == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(next(self.at), b'e' | b'E') {
            self.at += 1;
            if matches!(next(self.at), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Token { kind: Kind::Number, raw: &self.text[start..self.at], escaped: false })
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.expected("a digit")) } else { Ok(()) }
    }

    /// A string whose opening quote is next.
    fn string(&mut self) -> Result<Token<'a>, Malformed> {
        self.at += 1;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            self.at += plain_run(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Token { kind: Kind::String, raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.expected("an escaped control character")),
                None => return Err(self.expected("the string's end")),
            }
        }
    }

    /// An escape whose backslash is next.
    fn escape(&mut self) -> Result<(), Malformed> {
        match self.text.as_bytes().get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit = self.unicode_escape()?;
                match unit {
                    0 => self.findings.nul = true,
                    0xD800..=0xDBFF => self.low_surrogate()?,
                    0xDC00..=0xDFFF => self.findings.lone_surrogate = true,
                    _ => {}
                }
            }
            _ => return Err(self.expected("an escape")),
        }
        Ok(())
    }

    /// What must follow the first half of a surrogate pair.
    fn low_surrogate(&mut self) -> Result<(), Malformed> {
        if self.text.as_bytes().get(self.at..self.at + 2) == Some(b"\\u") {
            let before = self.at;
            if !matches!(self.unicode_escape()?, 0xDC00..=0xDFFF) {
                // Not a second half: it is read again for what it is.
                self.at = before;
                self.findings.lone_surrogate = true;
            }
        } else {
            self.findings.lone_surrogate = true;
        }
        Ok(())
    }

    /// The value of a `\uXXXX` whose backslash is next.
    fn unicode_escape(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.as_bytes().get(self.at + 2..self.at + 6);
        let unit = digits.and_then(|digits| {
            digits.iter().try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))
        });
        match unit {
            Some(unit) => {
                self.at += 6;
                Ok(unit)
            }
            None => Err(self.expected("four hexadecimal digits")),
        }
    }

    fn byte(&mut self, byte: u8, expected: &'static str) -> Result<(), Malformed> {
        if self.peek() != byte {
            return Err(self.expected(expected));
        }
        self.at += 1;
        Ok(())
    }

    const fn expected(&self, expected: &'static str) -> Malformed {
        Malformed { offset: self.at, expected }
    }
}

/// How many bytes from here are neither a quote, a backslash nor a control character. Eight at a time: strings are
/// most of a body.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut run = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        // The classic zero-byte test; a borrow can only mark bytes above the first true hit, and that is the one used.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let hits = zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5C)) | control;
        if hits != 0 {
            return run + (hits.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    run + bytes[run..].iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<Findings, Malformed> {
        let mut scanner = Scanner::new(text);
        scanner.value()?;
        scanner.end()?;
        Ok(scanner.take_findings())
    }

    #[test]
    fn finds_depth_nul_and_surrogates() {
        assert_eq!(scan(r#"{"a":[{"b":[]}],"c":1}"#).unwrap().depth, 4);
        assert!(scan(r#"["\u0000"]"#).unwrap().nul);
        assert!(!scan(r#"["\\u0000"]"#).unwrap().nul);
        for lone in
            [r#""\ud800""#, r#""\udc00""#, r#""\ud800\u0041""#, r#""\ud800\ud800\udc00""#, r#""\uD800x""#]
        {
            assert!(scan(lone).unwrap().lone_surrogate, "{lone}");
        }
        assert!(!scan(r#""\ud83d\ude00""#).unwrap().lone_surrogate);
    }

    #[test]
    fn depth_is_bounded_by_the_text_and_not_by_the_stack() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_eq!(scan(&deep).unwrap().depth, 1_000_000);
        assert!(scan(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn members_are_seen_with_their_spans() {
        let mut scanner = Scanner::new(r#" { "page" : "/a\/b" , "n" : [1, 2] } "#);
        let mut seen = Vec::new();
        let whole = scanner.object_members(|key, value| seen.push((key.raw, value.raw))).unwrap();
        assert_eq!(seen, [("page", r"/a\/b"), ("n", "[1, 2]")]);
        assert_eq!(whole.raw, r#"{ "page" : "/a\/b" , "n" : [1, 2] }"#);
        assert_eq!(scanner.take_findings().depth, 2);
        assert_eq!(scanner.end(), Ok(()));
    }

    #[test]
    fn text_is_decoded() {
        let mut scanner = Scanner::new(r#""a\u00e9\n""#);
        assert_eq!(scanner.value().unwrap().text().unwrap(), "aé\n");
    }

    mod against_serde_json {
        use super::*;
        use proptest::prelude::*;

        fn agrees(text: &str) -> Result<(), TestCaseError> {
            let ours = scan(text);
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(text);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {:?} / {:?}", text, ours, theirs);
            Ok(())
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2_000))]

            #[test]
            fn on_texts_of_json_pieces(pieces in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u0041\"", "\"\\ud83d\\ude00\"", "\"\\x\"", "\"", "\\", "1", "-", "-0",
                "01", "1.5", "1.", ".5", "1e5", "1e", "1E+2", "true", "false", "null", "nul", " ", "\n", "\t", "\u{1}", "é", "",
            ]), 0..12)) {
                agrees(&pieces.concat())?;
            }

            #[test]
            fn on_valid_values_with_one_byte_changed(keys in prop::collection::vec("[a-zé\"\\\\\n]{0,12}", 0..5), number in any::<f64>(), at in any::<prop::sample::Index>(), with in "[\\x00-\\x7f]") {
                let value = serde_json::json!({ "keys": keys, "number": number, "nested": [{ "deep": [null, true] }] });
                let text = value.to_string();
                agrees(&text)?;
                let at = at.index(text.len());
                if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                    agrees(&format!("{}{with}{}", &text[..at], &text[at + 1..]))?;
                }
            }
        }
    }
}
