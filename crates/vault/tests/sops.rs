//! Random documents, there and back through sops itself. Says that it is skipped where no sops is installed.
#![expect(clippy::print_stdout, reason = "a test that cannot run says so")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use testudo_vault::{File, Scalar, json, keys::Identities, tree::Tree};

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 12] = ["a", "B", "é", "\"", "\n", "<&>", ":", "_unencrypted", " ", "\\", "日", "0"];
        let length = self.below(6);
        (0..length).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    fn tree(&mut self, depth: usize) -> Tree {
        match self.below(if depth > 3 { 5 } else { 8 }) {
            0 => Tree::Null,
            1 => Tree::Leaf(Scalar::Bool(self.below(2) == 0)),
            2 => Tree::Leaf(Scalar::Float(self.below(1_000_000) as f64 / [1.0, 8.0, 1e9, 1e-18][self.below(4)])),
            3 | 4 => Tree::Leaf(Scalar::Text(self.text())),
            5 => Tree::List((0..self.below(4)).map(|_| self.tree(depth + 1)).collect()),
            _ => self.map(depth + 1),
        }
    }

    fn map(&mut self, depth: usize) -> Tree {
        let count = 1 + self.below(4);
        Tree::Map((0..count).map(|n| (format!("{}{n}", self.text()), self.tree(depth))).collect())
    }
}

fn sops(folder: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    let mut command = Command::new("sops");
    command.args(arguments).current_dir(folder).env("SOPS_AGE_KEY_FILE", folder.join("key.txt"));
    command.output().ok()
}

fn folder() -> Option<PathBuf> {
    if Command::new("sops").arg("--version").output().is_err() {
        println!("skipped: sops is not installed");
        return None;
    }
    let folder = std::env::temp_dir().join(format!("testudo-sops-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

#[test]
fn each_reads_what_the_other_writes() {
    let Some(folder) = folder() else { return };
    let secret = testudo_vault::keys::new_identity();
    let mut identities = Identities::default();
    identities.add(&secret, "key.txt").unwrap();
    fs::write(folder.join("key.txt"), secret.as_str()).unwrap();
    let recipients = identities.recipients();
    let mut numbers = Numbers(3);
    for round in 0..200 {
        let values = numbers.map(0);
        let ours = File::encrypt(values.clone(), &recipients, "2026-01-31T12:00:00Z").unwrap();
        fs::write(folder.join("ours.json"), json::write(&ours.document())).unwrap();
        let ran = sops(&folder, &["decrypt", "ours.json"]).unwrap();
        assert!(ran.status.success(), "round {round}: {}", String::from_utf8_lossy(&ran.stderr));
        let text = String::from_utf8(ran.stdout).unwrap();
        assert_eq!(json::read(&text).unwrap(), values, "round {round}: {text}");
        fs::write(folder.join("plain.json"), json::write(&values)).unwrap();
        let ran = sops(&folder, &["encrypt", "--age", &recipients[0], "plain.json"]).unwrap();
        assert!(ran.status.success(), "round {round}: {}", String::from_utf8_lossy(&ran.stderr));
        let theirs = File::of(json::read(&String::from_utf8(ran.stdout).unwrap()).unwrap()).unwrap();
        let key = theirs.key(&identities).unwrap();
        assert_eq!(theirs.decrypt(&key).unwrap(), values, "round {round}");
    }
    fs::remove_dir_all(&folder).unwrap();
}
