//! Ids that are secrets: 128 random bits, written so that they survive URLs, file systems and being read aloud.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// [Crockford's base 32](https://www.crockford.com/base32.html): no I, L, O or U.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 128 bits, five at a time.
const ID_LEN: usize = 26;

/// The text is no id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no id: one has {ID_LEN} characters of 0-9 and A-Z without I, L, O and U")]
pub struct ParseIdError(String);

fn encode(random: u128) -> String {
    (0..ID_LEN)
        .rev()
        .map(|place| {
            let digit = usize::try_from(random >> (5 * place) & 31).expect("five bits fit");
            char::from(CROCKFORD[digit])
        })
        .collect()
}

fn parse(text: &str) -> Result<String, ParseIdError> {
    let valid = text.len() == ID_LEN && text.bytes().all(|byte| CROCKFORD.contains(&byte));
    // Two bits more fit into 26 digits than an id has.
    let valid = valid && text.as_bytes()[0] < b'8';
    valid
        .then(|| text.to_owned())
        .ok_or_else(|| ParseIdError(text.chars().take(64).collect()))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id of these random bits.
            pub fn from_random(random: u128) -> Self {
                Self(encode(random))
            }

            /// The 26 characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A video's public id: who knows it can watch, so it must not be guessable.
    VideoId
}

id! {
    /// An upload's id: who knows it can add to the upload, finish it or give it up. Not the video's id, because that one is shared.
    UploadId
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_is_parsed_back_and_differs_from_its_neighbour(random: u128) {
            let id = VideoId::from_random(random);
            prop_assert_eq!(id.to_string().parse::<VideoId>(), Ok(id.clone()));
            prop_assert_ne!(id, VideoId::from_random(random ^ 1));
        }

        #[test]
        fn nothing_but_an_id_is_parsed(text in "\\PC{0,30}") {
            let is_id = text.len() == 26 && text.bytes().all(|b| CROCKFORD.contains(&b)) && text.as_bytes()[0] < b'8';
            prop_assert_eq!(text.parse::<VideoId>().is_ok(), is_id);
        }
    }

    #[test]
    fn paths_and_lower_case_are_no_ids() {
        for text in [
            "../../../../../etc/passwd0",
            "01arz3ndektsv4rrffq69g5fav",
            "",
            "80000000000000000000000000",
        ] {
            assert!(text.parse::<VideoId>().is_err(), "{text}");
        }
        assert!("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<UploadId>().is_ok());
    }
}
