pub(crate) fn write(_report: &testudo_model::ScanReport, _out: &mut dyn std::io::Write) -> std::io::Result<()> { Ok(()) }
