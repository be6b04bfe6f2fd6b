//! Keys that are asked for once, and again before they expire.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::error::AwsError;
use super::keys::Keys;
use super::source::Source;

/// How long before they expire keys are renewed: time to try again, as AWS's tools leave it.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// How often a place is asked whose keys may change at any time, and the least time between two
/// requests for keys of which a server thinks little.
const OFTEN: SignedDuration = SignedDuration::from_mins(1);
/// The least time between two requests for keys while those at hand are still good.
const SELDOM: SignedDuration = SignedDuration::from_secs(10);

/// The keys of one source.
#[derive(Debug)]
pub(super) struct Cache {
    source: Source,
    state: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    keys: Keys,
    /// When they were asked for.
    since: Timestamp,
    /// When to ask again; never if `None`.
    renew: Option<Timestamp>,
}

impl Cache {
    pub(super) fn new(source: Source) -> Self {
        Self { source, state: Mutex::default() }
    }

    /// Good keys. Who comes while others are asked for waits for these.
    ///
    /// # Errors
    /// If there are none.
    pub(super) async fn keys(&self, now: Timestamp) -> Result<Keys, AwsError> {
        let mut state = self.state.lock().await;
        if let Some(held) = state.as_ref().filter(|held| held.renew.is_none_or(|renew| now < renew)) {
            return Ok(held.keys.clone());
        }
        match self.source.keys().await {
            Ok(keys) => {
                let renew = self.renewal(&keys, now);
                *state = Some(Held { keys: keys.clone(), since: now, renew });
                Ok(keys)
            }
            Err(error) => match state.as_mut() {
                Some(held) if held.keys.expires.is_none_or(|expires| now < expires) => {
                    tracing::warn!(%error, "keys are not renewed yet, the old ones are good for a while");
                    held.renew = Some(now + SELDOM);
                    Ok(held.keys.clone())
                }
                _ => Err(error),
            },
        }
    }

    /// Asks again at the next use, unless it has just been done.
    pub(super) async fn doubt(&self, now: Timestamp) {
        if let Some(held) = self.state.lock().await.as_mut()
            && held.renew.is_some()
            && now.duration_since(held.since) >= OFTEN
        {
            held.renew = Some(now);
        }
    }

    /// Well ahead of the end; of keys that have little time left, when half of it is over.
    fn renewal(&self, keys: &Keys, now: Timestamp) -> Option<Timestamp> {
        let Some(expires) = keys.expires else { return self.source.may_change().then(|| now + OFTEN) };
        let left = expires.duration_since(now);
        Some((expires - AHEAD).max(now + SELDOM.min(left / 2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_renewed_in_time() {
        let cache = Cache::new(Source::Instance(String::new()));
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let renewed_after = |seconds: i64| {
            let expires = Some(now + SignedDuration::from_secs(seconds));
            let keys = Keys { access: String::new(), secret: String::new(), token: None, expires };
            cache.renewal(&keys, now).unwrap().duration_since(now).as_secs()
        };
        assert_eq!([21_600, 301, 60, 4, -10].map(renewed_after), [21_300, 10, 10, 2, -5]);
    }
}
