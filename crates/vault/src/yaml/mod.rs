//! YAML documents with their comments, as sops 3 reads and writes them: comments are entries of the map or list that they
//! stand in, and what is written looks like the output of its writer.

mod comments;
mod plain;
mod read;
mod write;

pub use read::read;
pub use write::{write, write_value};

pub(crate) use plain::time;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written reads back as the same, and is written as the same.
    #[test]
    fn texts_come_back() {
        for text in [
            "a:\n    - |2\n\n        x\n      y\n    - - |2-\n         b\n        c\n",
            "a:\n    - k: |2\n         lead\n        x\n",
            "? k0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\n:\n    b: 1\n",
            "a: {\n    # only\n    }\nb: [\n    # this\n    ]\n",
            "a: \"\\tx\\ny\"\n",
            "# a\n{}\n---\nb: \"\\U0001F600\\x01\\u2028\\L\"\n",
        ] {
            let documents = read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let written = write(&documents);
            assert_eq!(read(&written).unwrap(), documents, "{text}{written}");
            assert_eq!(write(&read(&written).unwrap()), written);
        }
    }
}
