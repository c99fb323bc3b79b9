//! Spanned readers of the formats that detectors look into.

pub mod yaml;
