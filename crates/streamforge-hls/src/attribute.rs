//! Attribute values of HLS tags
//! ([RFC 8216 §4.2](https://www.rfc-editor.org/rfc/rfc8216#section-4.2)).

use std::fmt::{self, Write};

/// A quoted-string attribute value, with its quotes.
///
/// The format has no escape for the characters a quoted-string cannot hold (`"`, CR, LF), so they
/// are left out: a track name someone typed must not end its attribute or start a new tag.
pub(crate) struct QuotedString<'a>(pub(crate) &'a str);

impl fmt::Display for QuotedString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.0
            .chars()
            .filter(|c| !matches!(c, '"' | '\r' | '\n'))
            .try_for_each(|c| f.write_char(c))?;
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_string_drops_what_would_end_it() {
        assert_eq!(
            QuotedString("Director's \"cut\"\r\n#EXT-X-ENDLIST").to_string(),
            "\"Director's cut#EXT-X-ENDLIST\""
        );
    }
}
