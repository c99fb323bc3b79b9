//! Bringing units to detectors: one read, all detectors, every core, the same result on any number of them.
//!
//! A detector gives each thread a [`Worker`]. A worker that panics on a unit costs that unit's results and a notice,
//! nothing else. Work is bounded by [`Fuel`], which counts steps and not seconds, so the same input always ends in the
//! same place.

mod detector;
mod fuel;
mod schedule;
mod suppress;

pub use detector::{Detector, Output, RulesIdentity, Worker};
pub use fuel::{Exhausted, Fuel};
pub use schedule::{Job, Loaded, Loader, Outcome, Progress, Tally, run};
pub use suppress::{Marker, markers, suppress};
