//! x
use std::io::{self, Write};
pub(crate) fn write(_report: &testudo_model::ScanReport, _out: &mut dyn Write) -> io::Result<()> { Ok(()) }
