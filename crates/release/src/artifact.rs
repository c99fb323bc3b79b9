//! What a file holds, as a digest.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

/// SHA-256 of a plain file, in hexadecimal.
///
/// # Errors
/// It is no plain file, or cannot be read.
pub fn digest(path: &Path) -> io::Result<String> {
    // A pipe would be waited for without end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no plain file"));
    }
    let mut file = File::open(path)?;
    let (mut sum, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(testudo_model::hex(&sum.finalize())),
            read => sum.update(&buffer[..read]),
        }
    }
}
