//! The libFuzzer driver of every target: `TESTUDO_FUZZ_TARGET` names the one to run.
#![no_main]

use std::{env, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use testudo_fuzz::Target;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = env::var("TESTUDO_FUZZ_TARGET").expect("TESTUDO_FUZZ_TARGET names a target, such as `zip`");
    testudo_fuzz::target(&name).expect("TESTUDO_FUZZ_TARGET is a name of the table in fuzz/src/lib.rs")
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
