//! Numbers that look like any, the same in every run of the tests.

/// Each call gives the next one, below what it is called with.
pub(crate) fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 7_u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}
