//! Every target over its seeds and a fixed number of mutations of them, within a bound of memory.
//!
//! An input that fails is written to `target/tmp` and named in the message. Make it small, and keep it as a seed.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use testudo_fuzz::{
    TARGETS, Target,
    mutate::{Random, mutated},
};
use testudo_secrets::{document, embedded};

/// Most memory that the whole run may ever have held, in KiB: some times what it takes today.
const MEMORY_KIB: u64 = 400 << 10;
/// Threads; more would share the bound of memory among them.
const THREADS: usize = 2;

fn seed_folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target.name)
}

/// The committed seeds, and for the detector the cases of our own rules.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(seed_folder(target)).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).expect("a seed can be read")).collect();
    if target.name == "native" {
        let cases = embedded::all().iter().step_by(7).flat_map(|rule| document::cases(rule.help));
        seeds.extend(cases.map(|case| [b"\0", case.text.as_bytes()].concat()));
    }
    seeds
}

/// Runs one input; a failure gives the file that the input was written to.
fn attempt(target: &Target, input: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).map_err(|_| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-failed", target.name));
        fs::write(&file, input).expect("the input that fails can be kept");
        format!("{}: see {}", target.name, file.display())
    })
}

fn run(target: &Target) -> Result<(), String> {
    let seeds = seeds(target);
    seeds.iter().try_for_each(|seed| attempt(target, seed))?;
    let mut random = Random::new(42);
    (0..target.rounds).try_for_each(|_| attempt(target, &mutated(&seeds, &mut random)))
}

#[test]
fn every_target_returns_on_seeds_and_mutations() {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = run(target) {
                        failed.lock().expect("no thread panics with the lock").push(failure);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no thread panics with the lock");
    assert!(failed.is_empty(), "{failed:#?}");
    if let Some(peak) = peak_kib() {
        assert!(peak < MEMORY_KIB, "the run held {peak} KiB");
    }
}

/// The most memory that this process ever held; only Linux says.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn every_target_has_seeds_and_every_seed_a_target() {
    for target in TARGETS {
        assert!(!seeds(target).is_empty(), "fuzz/seeds/{} has no seed", target.name);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for entry in fs::read_dir(root).expect("there are seeds").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(testudo_fuzz::target(&name).is_some(), "fuzz/seeds/{name} belongs to no target");
        for seed in fs::read_dir(entry.path()).expect("a folder of seeds").flatten() {
            let size = seed.metadata().expect("a seed").len();
            assert!(size <= 8192, "{}: {size} bytes; a seed is small", seed.path().display());
        }
    }
    assert!(TARGETS.is_sorted_by_key(|target| target.name), "the table is in order of names");
}
