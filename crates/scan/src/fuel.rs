//! Fuel: a budget of steps for one unit and one detector.

/// There is no fuel left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

/// Steps left. What a step is, each detector decides; roughly one byte looked at once.
#[derive(Debug, Clone)]
pub struct Fuel {
    left: u64,
}

impl Fuel {
    /// Steps for a unit of `bytes` bytes: generous for anything a person wrote, finite for anything else.
    #[must_use]
    pub fn for_unit(bytes: usize) -> Self {
        Self { left: (1 << 30) + 256 * bytes as u64 }
    }

    /// A budget of exactly `steps`.
    #[must_use]
    pub fn steps(steps: u64) -> Self {
        Self { left: steps }
    }

    /// Takes steps away.
    ///
    /// # Errors
    /// There are not enough left; from then on there are none.
    pub fn spend(&mut self, steps: u64) -> Result<(), Exhausted> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Exhausted)
            }
        }
    }

    /// Steps left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}
