//! What can go wrong with AWS, in our words.

use std::error::Error;

use aws_sdk_s3::error::SdkError;

/// A service did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AwsError {
    /// The service did not answer, or not now. Trying again may help.
    #[error("{doing}: {source}", source = DisplayChain(&**source))]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What the SDK said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A stored record cannot be read: another version wrote it.
    #[error("{doing}: the stored record cannot be read: {why}")]
    Record {
        /// What was being done.
        doing: &'static str,
        /// What does not fit.
        why: String,
    },
    /// Too many writers at one record; trying again may help.
    #[error("{doing}: too many others write the same record")]
    Contended {
        /// What was being done.
        doing: &'static str,
    },
}

impl AwsError {
    /// For `map_err`: the SDK failed while `doing` something.
    pub fn unavailable<E, R>(doing: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        move |source| Self::Unavailable {
            doing,
            source: Box::new(source),
        }
    }

    /// For `map_err`: something else failed while `doing` something.
    pub fn other<E: Error + Send + Sync + 'static>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Unavailable {
            doing,
            source: Box::new(source),
        }
    }
}

/// The SDK's errors say little themselves; their sources say what happened.
struct DisplayChain<'a>(&'a (dyn Error + Send + Sync));

impl std::fmt::Display for DisplayChain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
