//! The recursion: what to do with a member, whichever format it came from.

use std::{
    io::{self, Read},
    rc::Rc,
};

use super::{
    DEPTH_MAX, HEAD_BYTES, Kind, Limits, Member, Problem, ProblemKind, ar,
    budget::{Budget, Counted, Gauge, Meter, limit_of},
    codec, names,
    readers::{Primed, read_up_to},
    seven_zip, tar, zip,
};

/// Problems that are listed. A hostile archive can have one for each of its members.
const PROBLEMS_MAX: usize = 1000;

/// Where an archive is read from.
enum Input<'a> {
    /// All of it is in memory.
    Whole(&'a [u8]),
    /// It is too long for that, and read once.
    Stream(&'a mut dyn Read),
}

/// One expansion of an outermost archive.
pub(super) struct Expansion<'v> {
    name: String,
    limits: Limits,
    budget: Rc<Budget>,
    visit: &'v mut dyn FnMut(Member<'_>),
    path: Vec<String>,
    depth: usize,
    visited: u64,
    problems: Vec<Problem>,
}

impl<'v> Expansion<'v> {
    pub(super) fn new(name: &str, limits: &Limits, visit: &'v mut dyn FnMut(Member<'_>)) -> Self {
        let mut limits = limits.clone();
        limits.depth = limits.depth.min(DEPTH_MAX);
        let budget = Rc::new(Budget::new(&limits));
        let (path, problems) = (Vec::new(), Vec::new());
        Self { name: name.to_owned(), limits, budget, visit, path, depth: 0, visited: 0, problems }
    }

    /// Expands the archive that is not itself a member.
    pub(super) fn outermost(&mut self, bytes: &[u8]) {
        match Kind::detect(&self.name, bytes) {
            Some(_) if self.limits.depth == 0 => self.problem(ProblemKind::Limit("depth")),
            Some(kind) => self.open(kind, Input::Whole(bytes)),
            None => self.problem(ProblemKind::Unsupported("not an archive of a known format".to_owned())),
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether a limit ended the expansion as a whole. Formats ask before each member.
    pub(super) fn is_over(&self) -> bool {
        self.budget.exhausted().is_some()
    }

    /// Counts what a decoder of this expansion produces.
    pub(super) fn meter<R: Read>(&self, inner: R, gauge: &Rc<Gauge>) -> Meter<R> {
        Meter::new(inner, &self.budget, gauge)
    }

    /// Records a problem of the archive that is open. What ended the expansion as a whole is listed in any case.
    pub(super) fn problem(&mut self, kind: ProblemKind) {
        let ends_all = self.budget.exhausted().is_some_and(|name| kind == ProblemKind::Limit(name));
        if ends_all || self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { path: self.path.clone(), kind });
        } else if self.problems.len() == PROBLEMS_MAX {
            self.problems.push(Problem { path: Vec::new(), kind: ProblemKind::Limit("problems") });
        }
    }

    /// Records that something of the open archive is not as it should be.
    pub(super) fn damaged(&mut self, what: &str) {
        self.problem(ProblemKind::Damaged(what.to_owned()));
    }

    /// Records a read error of the archive that is open.
    pub(super) fn read_error(&mut self, error: &io::Error) {
        self.problem(problem_of(error));
    }

    /// Records a problem of a member that has no readable content.
    pub(super) fn unreadable_member(&mut self, name: &str, kind: ProblemKind) {
        if self.enter_member(name) {
            self.problem(kind);
            self.path.pop();
        }
    }

    /// Takes one member in: gives it to the visitor, or what is inside it. `stated` is the length the archive states.
    pub(super) fn member(&mut self, name: &str, content: &mut dyn Read, stated: Option<u64>) {
        if self.enter_member(name) {
            self.take_in(content, stated);
            self.path.pop();
        }
    }

    fn enter_member(&mut self, name: &str) -> bool {
        if self.is_over() {
            return false;
        }
        if !self.budget.take_member() {
            self.problem(ProblemKind::Limit("members"));
            return false;
        }
        let name = names::display(name);
        let used: usize = self.path.iter().map(|n| n.len() + 1).sum();
        let cut = names::cut(&name, self.limits.path_bytes.saturating_sub(used)).map(str::to_owned);
        let was_cut = cut.is_some();
        self.path.push(cut.unwrap_or(name));
        if was_cut {
            self.problem(ProblemKind::Limit("path_bytes"));
        }
        true
    }

    fn take_in(&mut self, content: &mut dyn Read, stated: Option<u64>) {
        let limit = self.limits.member_bytes;
        let too_long = stated.is_some_and(|length| length > limit);
        let wanted = if too_long { HEAD_BYTES as u64 } else { limit.saturating_add(1) };
        let (bytes, error) = read_up_to(content, wanted);
        if too_long || bytes.len() as u64 > limit {
            return self.long_member(Primed::with_head(bytes, error, content));
        }
        let failed = error.is_some();
        if let Some(error) = error {
            self.read_error(&error);
        }
        if !(failed && bytes.is_empty()) {
            self.whole_member(bytes);
        }
    }

    fn innermost_name(&self) -> &str {
        self.path.last().unwrap_or(&self.name)
    }

    /// A member longer than `member_bytes`: only its own members can be read, and only in sequence.
    fn long_member(&mut self, mut content: Primed<'_>) {
        let kind = Kind::detect(self.innermost_name(), content.head()).filter(|kind| kind.is_sequential());
        match kind {
            Some(kind) if self.depth < self.limits.depth => self.open(kind, Input::Stream(&mut content)),
            Some(_) => self.problem(ProblemKind::Limit("depth")),
            None => self.problem(ProblemKind::Limit("member_bytes")),
        }
    }

    fn whole_member(&mut self, bytes: Vec<u8>) {
        let Some(kind) = Kind::detect(self.innermost_name(), &bytes) else { return self.give(bytes) };
        if self.depth >= self.limits.depth {
            self.problem(ProblemKind::Limit("depth"));
            return self.give(bytes);
        }
        let before = (self.visited, self.problems.len());
        self.open(kind, Input::Whole(&bytes));
        if self.visited == before.0 && self.problems.len() > before.1 {
            self.give(bytes);
        }
    }

    fn give(&mut self, bytes: Vec<u8>) {
        self.visited += 1;
        (self.visit)(Member { path: &self.path, bytes });
    }

    fn open(&mut self, kind: Kind, input: Input<'_>) {
        self.depth += 1;
        match (kind, input) {
            (Kind::Zip, Input::Whole(bytes)) => zip::expand(self, bytes),
            (Kind::SevenZip, Input::Whole(bytes)) => seven_zip::expand(self, bytes),
            (kind, Input::Whole(mut bytes)) => self.open_sequential(kind, &mut bytes),
            (kind, Input::Stream(stream)) => self.open_sequential(kind, stream),
        }
        self.depth -= 1;
    }

    fn open_sequential(&mut self, kind: Kind, input: &mut dyn Read) {
        match kind {
            Kind::Tar => tar::expand(self, input),
            Kind::Ar => ar::expand(self, input),
            Kind::Zip | Kind::SevenZip => self.problem(ProblemKind::Limit("member_bytes")),
            stream => self.open_compressed(stream, input),
        }
    }

    /// A compressed stream: a tar inside belongs to it, anything else is its one member.
    fn open_compressed(&mut self, kind: Kind, input: &mut dyn Read) {
        let gauge = Gauge::new(&self.limits, 0);
        let decoder = match decoder(kind, Counted { inner: input, gauge: Rc::clone(&gauge) }) {
            Ok(decoder) => decoder,
            Err(error) => return self.read_error(&error),
        };
        let mut plain = self.meter(decoder, &gauge);
        let mut content = Primed::new(&mut plain, HEAD_BYTES);
        if let Some(error) = content.take_error_of_empty() {
            self.read_error(&error);
        } else if tar::is_header(content.head()) {
            tar::expand(self, &mut content);
        } else {
            let name = names::inside_stream(self.innermost_name());
            self.member(&name, &mut content, None);
        }
    }
}

/// All that one compressed stream holds, as far as it can be read.
pub(super) fn decompress(kind: Kind, mut bytes: &[u8], limits: &Limits) -> (Vec<u8>, Option<ProblemKind>) {
    let (budget, gauge) = (Rc::new(Budget::new(limits)), Gauge::new(limits, 0));
    let input: &mut dyn Read = &mut bytes;
    let decoder = match decoder(kind, Counted { inner: input, gauge: Rc::clone(&gauge) }) {
        Ok(decoder) => decoder,
        Err(error) => return (Vec::new(), Some(problem_of(&error))),
    };
    let (mut plain, error) =
        read_up_to(&mut Meter::new(decoder, &budget, &gauge), limits.member_bytes.saturating_add(1));
    let too_long = plain.len() as u64 > limits.member_bytes;
    plain.truncate(usize::try_from(limits.member_bytes).unwrap_or(usize::MAX));
    let limit = too_long.then_some(ProblemKind::Limit("member_bytes"));
    (plain, error.map(|error| problem_of(&error)).or(limit))
}

/// What a read error means: a limit, something that cannot be read, or damage.
pub(super) fn problem_of(error: &io::Error) -> ProblemKind {
    match limit_of(error) {
        Some(name) => ProblemKind::Limit(name),
        None if error.kind() == io::ErrorKind::Unsupported => ProblemKind::Unsupported(error.to_string()),
        None => ProblemKind::Damaged(error.to_string()),
    }
}

fn decoder<'a>(kind: Kind, input: Counted<&'a mut dyn Read>) -> io::Result<codec::Decoder<'a>> {
    Ok(match kind {
        Kind::Gzip => codec::gzip(input),
        Kind::Bzip2 => codec::bzip2(input),
        Kind::Xz => codec::xz(input),
        Kind::Zstd => codec::zstd(input),
        Kind::Lz4 => codec::lz4(input),
        Kind::Lzip => codec::lzip(input),
        Kind::Lzma => codec::lzma(input)?,
        // Containers, which are opened elsewhere: no stream to decode.
        Kind::Zip | Kind::Tar | Kind::SevenZip | Kind::Ar => Box::new(io::empty()),
    })
}
