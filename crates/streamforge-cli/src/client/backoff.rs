//! Waiting before another try.

use std::fmt::Display;
use std::time::Duration;

/// The first wait, at most.
const FIRST: Duration = Duration::from_millis(500);

/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Waits before it is given up: about two minutes.
const MOST: u32 = 9;

/// Waits that nobody need hear of: once or twice, something fails everywhere.
const QUIET: u32 = 2;

/// How often something was tried in a row. Waits double; chance takes up to half of each, so that many who failed together do not
/// come back together.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    waits: u32,
}

impl Backoff {
    /// The next wait; none when it is time to give up.
    fn next(&mut self) -> Option<Duration> {
        if self.waits == MOST {
            return None;
        }
        let longest = FIRST.saturating_mul(1 << self.waits).min(LONGEST);
        self.waits += 1;
        Some(longest.mul_f64(0.5 + 0.5 * fastrand::f64()))
    }

    /// Waits before another try at what failed by `err`.
    ///
    /// # Errors
    /// It is time to give up.
    pub(crate) async fn wait(&mut self, err: &impl Display) -> Result<(), ()> {
        let wait = self.next().ok_or(())?;
        let secs = wait.as_secs_f64();
        if self.waits > QUIET {
            tracing::warn!("{err}; trying again in {secs:.1} s");
        } else {
            tracing::info!("{err}; trying again in {secs:.1} s");
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_end_after_two() {
        for _ in 0..100 {
            let mut backoff = Backoff::default();
            let waits: Vec<Duration> = std::iter::from_fn(|| backoff.next()).collect();
            for (place, wait) in (0..).zip(&waits) {
                let longest = (FIRST * 2_u32.pow(place)).min(LONGEST);
                assert!((longest / 2..=longest).contains(wait), "{waits:?}");
            }
            let all: Duration = waits.iter().sum();
            assert!(
                (Duration::from_mins(1)..Duration::from_mins(3)).contains(&all),
                "{waits:?}"
            );
        }
    }

    #[test]
    fn two_that_failed_together_come_back_apart() {
        let waits = |mut backoff: Backoff| -> Vec<Duration> {
            std::iter::from_fn(move || backoff.next()).collect()
        };
        assert_ne!(waits(Backoff::default()), waits(Backoff::default()));
    }
}
