//! What an archive may cost. Every archive is taken for hostile: the sizes it states are never believed.

/// Limits of one expansion. They are shared by everything inside the outermost archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that all decompression together may produce. Members of plain tar and ar files are not counted: they are
    /// as long as they are.
    pub total_bytes: u64,
    /// Bytes of one member. Longer ones are left out, but for sequential archives inside, whose members are read one
    /// by one.
    pub member_bytes: u64,
    /// Produced bytes for one byte of a compressed stream, or of a whole zip or 7z file. Counts once
    /// [`RATIO_FREE_BYTES`] were produced. Deflate cannot exceed 1032.
    pub ratio: u64,
    /// Members, of all nested archives together.
    pub members: u64,
    /// Archives inside each other; 1 expands the outermost only. A compressed tar counts once. At most [`DEPTH_MAX`].
    pub depth: usize,
    /// Bytes of the names of a member and the archives around it. Longer names are cut.
    pub path_bytes: usize,
}

/// Produced bytes from which [`Limits::ratio`] counts.
pub const RATIO_FREE_BYTES: u64 = 16 << 20;

/// The deepest nesting that can be asked for: each level takes some of the stack.
pub const DEPTH_MAX: usize = 32;

impl Default for Limits {
    fn default() -> Self {
        Self { total_bytes: 2 << 30, member_bytes: 256 << 20, ratio: 200, members: 200_000, depth: 8, path_bytes: 4096 }
    }
}
