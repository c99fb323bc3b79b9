//! Values and their bytes, as SOPS encrypts and sums them.

use std::fmt;

use zeroize::Zeroize as _;

/// A value that is neither list nor map.
#[derive(Clone, PartialEq)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// Whole number.
    Int(i64),
    /// Number with a fraction; every number of JSON.
    Float(f64),
    /// Truth.
    Bool(bool),
    /// A time, RFC 3339.
    Time(String),
    /// A comment.
    Comment(String),
}

impl Scalar {
    /// The word for it in an encrypted value.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "str",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Bool(_) => "bool",
            Self::Time(_) => "time",
            Self::Comment(_) => "comment",
        }
    }

    /// What is encrypted and summed.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) | Self::Time(text) | Self::Comment(text) => text.clone().into_bytes(),
            Self::Int(number) => number.to_string().into_bytes(),
            Self::Float(number) if number.is_infinite() => if *number > 0.0 { b"+Inf" } else { b"-Inf" }.to_vec(),
            // The shortest digits that read back as the same number, never with an exponent.
            Self::Float(number) => number.to_string().into_bytes(),
            Self::Bool(true) => b"True".to_vec(),
            Self::Bool(false) => b"False".to_vec(),
        }
    }

    /// From what was decrypted.
    #[must_use]
    pub fn read(kind: &str, bytes: &[u8]) -> Option<Self> {
        let text = || std::str::from_utf8(bytes).ok();
        Some(match kind {
            // Old files have bytes, which are written as text since.
            "str" | "bytes" => Self::Text(text()?.to_owned()),
            "int" => Self::Int(text()?.parse().ok()?),
            "float" => match text()? {
                "+Inf" => Self::Float(f64::INFINITY),
                "-Inf" => Self::Float(f64::NEG_INFINITY),
                "NaN" => Self::Float(f64::NAN),
                text => Self::Float(text.parse().ok().filter(|n: &f64| n.is_finite())?),
            },
            "bool" => match text()? {
                "True" | "true" => Self::Bool(true),
                "False" | "false" => Self::Bool(false),
                _ => return None,
            },
            "time" => Self::Time(crate::yaml::time(text()?)?),
            "comment" => Self::Comment(text()?.to_owned()),
            _ => return None,
        })
    }
}

impl Drop for Scalar {
    /// What was in the clear does not stay in memory.
    fn drop(&mut self) {
        match self {
            Self::Text(text) | Self::Time(text) | Self::Comment(text) => text.zeroize(),
            Self::Int(number) => number.zeroize(),
            Self::Float(number) => number.zeroize(),
            Self::Bool(value) => value.zeroize(),
        }
    }
}

impl fmt::Debug for Scalar {
    /// Without the value: it is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scalar({})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_sops() {
        for (value, bytes) in [
            (Scalar::Float(3.5), "3.5"),
            (Scalar::Float(1e3), "1000"),
            (Scalar::Float(1e21), "1000000000000000000000"),
            (Scalar::Float(1e-7), "0.0000001"),
            (Scalar::Float(-0.0), "-0"),
            (Scalar::Float(12_345_678_901_234_567_890.0), "12345678901234567000"),
            (Scalar::Float(f64::INFINITY), "+Inf"),
            (Scalar::Time("2001-12-14T00:00:00Z".to_owned()), "2001-12-14T00:00:00Z"),
            (Scalar::Int(-7), "-7"),
            (Scalar::Bool(true), "True"),
            (Scalar::Text("a\n".to_owned()), "a\n"),
        ] {
            assert_eq!(value.bytes(), bytes.as_bytes());
            assert_eq!(Scalar::read(value.kind(), bytes.as_bytes()), Some(value));
        }
        for (kind, bytes) in [("int", "1.5"), ("bool", "yes"), ("float", "inf"), ("time", "x"), ("thing", "x")] {
            assert_eq!(Scalar::read(kind, bytes.as_bytes()), None);
        }
    }
}
