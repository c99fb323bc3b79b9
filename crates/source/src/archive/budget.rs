//! Counting what decompression produces, and stopping it at the limits.
//!
//! Every decoder is wrapped in a [`Meter`]. A meter that reaches a limit fails like a read error, which ends whatever
//! was reading; [`limit_of`] tells that error from damage.

use std::{
    cell::Cell,
    error::Error,
    io::{self, Read},
    rc::Rc,
};

use super::{Limits, RATIO_FREE_BYTES};

/// A limit was reached.
#[derive(Debug, thiserror::Error)]
#[error("the limit {0} was reached")]
struct LimitReached(&'static str);

/// The limit that a read error stands for, if it is not damage.
pub(super) fn limit_of(error: &io::Error) -> Option<&'static str> {
    let mut cause = error.get_ref().map(|e| e as &(dyn Error + 'static));
    while let Some(error) = cause {
        if let Some(LimitReached(name)) = error.downcast_ref() {
            return Some(name);
        }
        // An I/O error names as its source what its content names, not the content itself.
        cause = match error.downcast_ref::<io::Error>() {
            Some(nested) => nested.get_ref().map(|e| e as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

/// What is left for everything inside the outermost archive.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: Cell<u64>,
    members: Cell<u64>,
    exhausted: Cell<Option<&'static str>>,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        let (bytes, members) = (Cell::new(limits.total_bytes), Cell::new(limits.members));
        Self { bytes, members, exhausted: Cell::new(None) }
    }

    /// The limit that ended the whole expansion, if one did.
    pub(super) fn exhausted(&self) -> Option<&'static str> {
        self.exhausted.get()
    }

    /// Takes one member; false if there are none left.
    pub(super) fn take_member(&self) -> bool {
        take(&self.members, 1) || {
            self.exhausted.set(Some("members"));
            false
        }
    }

    fn take_bytes(&self, count: u64) -> io::Result<()> {
        if !take(&self.bytes, count) {
            self.exhausted.set(Some("total_bytes"));
        }
        self.exhausted.get().map_or(Ok(()), |name| Err(io::Error::other(LimitReached(name))))
    }
}

fn take(left: &Cell<u64>, count: u64) -> bool {
    let after = left.get().checked_sub(count);
    left.set(after.unwrap_or(0));
    after.is_some()
}

/// Bytes in and out of one compressed stream, or of all members of one zip or 7z file.
#[derive(Debug)]
pub(super) struct Gauge {
    consumed: Cell<u64>,
    produced: Cell<u64>,
    ratio: u64,
}

impl Gauge {
    /// A gauge that starts with `consumed` bytes read.
    pub(super) fn new(limits: &Limits, consumed: u64) -> Rc<Self> {
        Rc::new(Self { consumed: Cell::new(consumed), produced: Cell::new(0), ratio: limits.ratio })
    }

    fn produce(&self, count: u64) -> io::Result<()> {
        let produced = self.produced.get().saturating_add(count);
        self.produced.set(produced);
        if produced > RATIO_FREE_BYTES && produced > self.consumed.get().saturating_mul(self.ratio) {
            return Err(io::Error::other(LimitReached("ratio")));
        }
        Ok(())
    }
}

/// Counts what a decoder reads.
#[derive(Debug)]
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) gauge: Rc<Gauge>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.gauge.consumed.set(self.gauge.consumed.get().saturating_add(count as u64));
        Ok(count)
    }
}

/// Counts what a decoder produces, and fails at the limits. A decoder that failed is not asked again: some of them
/// panic then.
#[derive(Debug)]
pub(super) struct Meter<R> {
    inner: R,
    budget: Rc<Budget>,
    gauge: Rc<Gauge>,
    failed: bool,
}

impl<R: Read> Meter<R> {
    pub(super) fn new(inner: R, budget: &Rc<Budget>, gauge: &Rc<Gauge>) -> Self {
        Self { inner, budget: Rc::clone(budget), gauge: Rc::clone(gauge), failed: false }
    }

    fn read_counted(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.gauge.produce(count as u64)?;
        self.budget.take_bytes(count as u64)?;
        Ok(count)
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.budget.take_bytes(0)?;
        self.gauge.produce(0)?;
        if self.failed {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "nothing can be read behind damage"));
        }
        let result = self.read_counted(buffer);
        self.failed = result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(limits: &Limits, consumed: u64) -> Meter<io::Repeat> {
        Meter::new(io::repeat(0), &Rc::new(Budget::new(limits)), &Gauge::new(limits, consumed))
    }

    #[test]
    fn limits_are_told_from_damage_through_wrappers() {
        let limits = Limits { total_bytes: 1000, ..Limits::default() };
        let error = io::copy(&mut meter(&limits, 1), &mut io::sink()).unwrap_err();
        assert_eq!(limit_of(&error), Some("total_bytes"));
        assert_eq!(limit_of(&io::Error::other(io::Error::other(error))), Some("total_bytes"));
        let error = io::copy(&mut meter(&Limits::default(), 1), &mut io::sink()).unwrap_err();
        assert_eq!(limit_of(&error), Some("ratio"));
        assert_eq!(limit_of(&io::Error::other("damage")), None);
        assert_eq!(limit_of(&io::Error::from(io::ErrorKind::UnexpectedEof)), None);
    }

    #[test]
    fn a_decoder_that_failed_is_left_alone() {
        struct Fails(u32);
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                Err(io::Error::other("damage"))
            }
        }
        let limits = Limits::default();
        let mut meter = Meter::new(Fails(0), &Rc::new(Budget::new(&limits)), &Gauge::new(&limits, 1));
        assert!(meter.read(&mut [0]).is_err());
        assert!(meter.read(&mut [0]).is_err());
        assert_eq!(meter.inner.0, 1);
    }
}
