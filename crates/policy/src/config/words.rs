//! The value types of the configuration that the model does not have: switches, sizes, the failing severity.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use testudo_model::Severity;

/// Declares an enum of words once: type, list, display and parser.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// The accepted words.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $word,)+ })
            }
        }

        impl FromStr for $name {
            type Err = &'static [&'static str];
            /// The error is the list of accepted words.
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s { $($word => Ok(Self::$variant),)+ _ => Err(Self::WORDS) }
            }
        }
    };
}

words! {
    /// Something that is done or not.
    Switch {
        /// Done.
        On = "on",
        /// Not done.
        Off = "off",
    }
}

impl Switch {
    /// Whether it is on.
    #[must_use]
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

words! {
    /// When output has colour.
    ColorChoice {
        /// On a terminal.
        Auto = "auto",
        /// Always.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

/// From which severity on a gate fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Findings never fail it.
    Never,
    /// Findings of this severity and above do.
    At(Severity),
}

impl FailOn {
    /// The accepted words.
    pub const WORDS: &'static [&'static str] = &["never", "info", "low", "medium", "high", "critical"];

    /// The severity, none for `never`.
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Never => None,
            Self::At(severity) => Some(severity),
        }
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.severity().map_or("never", Severity::as_str))
    }
}

impl FromStr for FailOn {
    type Err = &'static [&'static str];

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "never" => Ok(Self::Never),
            _ => s.parse().map(Self::At).map_err(|_| Self::WORDS),
        }
    }
}

impl Serialize for FailOn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for FailOn {
    fn schema_name() -> Cow<'static, str> {
        "FailOn".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Self::WORDS, "description": "From which severity on a gate fails." })
    }
}

/// A number of bytes. Written as a whole number with a unit: `B`, `KB`, `MB`, `GB` (powers of 1000), `KiB`, `MiB`, `GiB` (powers of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// Largest first, decimal before binary, so that the text form is the shortest exact one.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            UNITS.into_iter().find(|(_, n)| self.0 != 0 && self.0.is_multiple_of(*n)).unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl FromStr for ByteSize {
    type Err = &'static str;

    /// The error says what is expected.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a size such as \"256MB\" or \"1GiB\"";
        let split = s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
        let (number, unit) = s.split_at(split);
        let factor = match unit.trim_start() {
            "" => 1,
            unit => UNITS.iter().find(|(u, _)| u.eq_ignore_ascii_case(unit)).ok_or(EXPECTED)?.1,
        };
        let number: u64 = number.parse().map_err(|_| EXPECTED)?;
        number.checked_mul(factor).map(Self).ok_or(EXPECTED)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "pattern": "^[0-9]+ *([Bb]|[KkMmGg]([Ii])?[Bb])?$",
            "minimum": 0,
            "description": "A number of bytes, such as 256MB or 1GiB."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_trip_in_their_shortest_form() {
        for (text, bytes, shown) in [
            ("256MB", 256_000_000, "256MB"),
            ("1GiB", 1 << 30, "1GiB"),
            ("1024kib", 1 << 20, "1MiB"),
            ("0", 0, "0B"),
            ("512", 512, "512B"),
            ("10 KB", 10_000, "10KB"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown), "{text}");
            assert_eq!(size.to_string().parse(), Ok(size));
        }
        for bad in ["", "MB", "-1", "1.5MB", "1TB", "99999999999999999999", "99999999999GB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }

    #[test]
    fn words_round_trip() {
        for word in FailOn::WORDS {
            assert_eq!(word.parse::<FailOn>().unwrap().to_string(), *word);
        }
        for word in ColorChoice::WORDS {
            assert_eq!(word.parse::<ColorChoice>().unwrap().to_string(), *word);
        }
        assert_eq!("yes".parse::<Switch>(), Err(Switch::WORDS));
    }
}
