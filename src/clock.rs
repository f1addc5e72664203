//! The only place that reads a clock or waits for one. The core is handed the time as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::token::{CurrentTime, UnixTime};

pub use crate::token::Moment;

/// A source of the time: what a calendar says, and how long it has been running. Clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Kind>);

#[derive(Debug)]
struct Kind {
    calendar: Calendar,
    timers: Timers,
}

#[derive(Debug)]
enum Calendar {
    System,
    Fixed(AtomicI64),
}

#[derive(Debug)]
enum Timers {
    /// The runtime's, which a test may pause.
    Running(Instant),
    Manual(watch::Sender<Duration>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Calendar::System, running())
    }

    /// A calendar that stands still at a number of seconds since 1970 until it is set; timers run.
    #[must_use]
    pub fn fixed(seconds: i64) -> Self {
        Self::new(Calendar::Fixed(AtomicI64::new(seconds)), running())
    }

    /// Calendar and timers stand still until they are moved.
    #[must_use]
    pub fn manual(seconds: i64) -> Self {
        let timers = Timers::Manual(watch::Sender::new(Duration::ZERO));
        Self::new(Calendar::Fixed(AtomicI64::new(seconds)), timers)
    }

    fn new(calendar: Calendar, timers: Timers) -> Self {
        Self(Arc::new(Kind { calendar, timers }))
    }

    /// Sets the calendar of a fixed or manual clock. Timers do not notice, as they do not when a
    /// system's clock is set.
    pub fn set(&self, seconds: i64) {
        if let Calendar::Fixed(calendar) = &self.0.calendar {
            calendar.store(seconds, Ordering::SeqCst);
        }
    }

    /// Lets time pass on a manual clock, on calendar and timers.
    pub fn advance(&self, span: Duration) {
        if let Calendar::Fixed(calendar) = &self.0.calendar {
            let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
            calendar.fetch_add(seconds, Ordering::SeqCst);
        }
        if let Timers::Manual(timers) = &self.0.timers {
            timers.send_modify(|elapsed| *elapsed += span);
        }
    }

    /// The time of the calendar.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        match &self.0.calendar {
            Calendar::Fixed(fixed) => UnixTime::from_secs(seconds(fixed.load(Ordering::SeqCst))),
            Calendar::System => system_now(),
        }
    }

    /// The present moment.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment::after(match &self.0.timers {
            Timers::Running(start) => start.elapsed(),
            Timers::Manual(timers) => *timers.borrow(),
        })
    }

    /// The current time on both clocks.
    #[must_use]
    pub fn current_time(&self) -> CurrentTime {
        CurrentTime {
            unix: self.now(),
            monotonic: self.moment(),
        }
    }

    /// Waits for a moment to come.
    pub async fn sleep_until(&self, moment: Moment) {
        match &self.0.timers {
            Timers::Running(start) => match start.checked_add(moment.elapsed()) {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            },
            Timers::Manual(timers) => {
                // The sender is in this clock.
                let mut elapsed = timers.subscribe();
                let _ = elapsed.wait_for(|now| *now >= moment.elapsed()).await;
            }
        }
    }

    /// Waits for this long.
    pub async fn sleep(&self, span: Duration) {
        self.sleep_until(self.moment() + span).await;
    }
}

fn running() -> Timers {
    Timers::Running(Instant::now())
}

fn seconds(value: i64) -> f64 {
    let span = Duration::from_secs(value.unsigned_abs()).as_secs_f64();
    if value < 0 { -span } else { span }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
fn system_now() -> UnixTime {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(span) => UnixTime::from_secs(span.as_secs_f64()),
        Err(before) => UnixTime::from_secs(-before.duration().as_secs_f64()),
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
