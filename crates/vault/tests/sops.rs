//! Random documents, there and back through sops itself. Says that it is skipped where no sops is installed.
//! `TESTUDO_SOPS_ROUNDS` asks for more of them.
#![expect(clippy::print_stdout, reason = "a test that cannot run says so")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{fs, path::PathBuf, process::Command};

use testudo_vault::{File, Format, Plan, Scalar, keys::Identities, tree::Tree};

const TIME: &str = "2026-01-31T12:00:00Z";

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 20] = [
            "a",
            "B",
            "é",
            "\"",
            "\n",
            "<&>",
            ":",
            "_unencrypted",
            " ",
            "\\",
            "日",
            "0",
            "#",
            "- ",
            "'",
            "\t",
            "😀",
            ": ",
            "\n\n",
            "{",
        ];
        const SPECIAL: [&str; 30] = [
            "yes",
            "no",
            "null",
            "~",
            "true",
            "True",
            "1e3",
            "0x1F",
            "0o17",
            "017",
            "08",
            "1_000",
            ".5",
            ".inf",
            "2001-12-14",
            "2001-12-14 21:59:43",
            "1:30",
            "<<",
            "=",
            "---",
            "... a",
            "-",
            "?",
            "- a",
            "a: b",
            "# c",
            " lead",
            "trail ",
            "%x",
            "@",
        ];
        if self.below(3) == 0 {
            return self.one(&SPECIAL).to_owned();
        }
        let length = self.below(6);
        (0..length).map(|_| self.one(&PARTS)).collect()
    }

    /// sops writes some texts of several lines as blocks that nobody reads, sops neither, and loses those that begin with a
    /// tab. Here they begin with something else.
    fn readable(&mut self) -> String {
        let text = self.text();
        let unread = text.contains('\n') && text.starts_with([' ', '\n', '\t']);
        let text = if unread { format!("x{text}") } else { text };
        // Behind blank lines at the end of a block sops takes comments of a list for comments of the document.
        if text.ends_with("\n\n") { text + "x" } else { text }
    }

    fn leaf(&mut self, format: Format) -> Tree {
        let float = self.below(1_000_000) as f64 / [1.0, 8.0, 1e9, 1e-18][self.below(4)];
        Tree::Leaf(match (format, self.below(9)) {
            (Format::Dotenv, _) => Scalar::Text(self.text()),
            (_, 0) => return Tree::Null,
            (_, 1) => Scalar::Bool(self.below(2) == 0),
            // A whole number of YAML is read back as one.
            (Format::Yaml, 2) => Scalar::Float(float + 0.5),
            (_, 2) => Scalar::Float(float),
            (Format::Yaml, 3) => Scalar::Int(self.below(1 << 30) as i64 - (1 << 29)),
            (Format::Yaml, 4) => {
                Scalar::Time(self.one(&["2001-12-14T00:00:00Z", "2020-02-29T23:59:59.25+05:30"]).to_owned())
            }
            (Format::Yaml, _) => Scalar::Text(self.readable()),
            _ => Scalar::Text(self.text()),
        })
    }

    fn tree(&mut self, depth: usize, format: Format) -> Tree {
        match self.below(if depth > 3 || format == Format::Dotenv { 4 } else { 8 }) {
            0..4 => self.leaf(format),
            4 | 5 => {
                let mut items = Vec::new();
                for _ in 0..self.below(4) {
                    let comments = self.comments(format);
                    items.extend(comments.into_iter().map(|(_, comment)| comment));
                    items.push(self.tree(depth + 1, format));
                }
                if matches!(items.last(), Some(Tree::Leaf(_))) {
                    items.extend(self.comments(format).into_iter().map(|(_, comment)| comment));
                }
                Tree::List(items)
            }
            _ => self.map(depth + 1, format),
        }
    }

    fn comments(&mut self, format: Format) -> Vec<(String, Tree)> {
        let count = if format == Format::Json { 0 } else { self.below(8).saturating_sub(5) };
        (0..count)
            .map(|_| (String::new(), Tree::Leaf(Scalar::Comment(format!(" c{} # \"é", self.below(99))))))
            .collect()
    }

    fn map(&mut self, depth: usize, format: Format) -> Tree {
        let mut entries = Vec::new();
        for n in 0..1 + self.below(4) {
            entries.extend(self.comments(format));
            let key = match format {
                Format::Dotenv => format!("K{n}{}", self.one(&["", "_unencrypted", " x", "\"", "é"])),
                _ => format!("{}{n}", self.readable()),
            };
            entries.push((key, self.tree(depth, format)));
        }
        if matches!(entries.last(), Some((_, Tree::Leaf(_)))) {
            entries.extend(self.comments(format));
        }
        Tree::Map(entries)
    }
}

struct Sops {
    folder: PathBuf,
    identities: Identities,
}

impl Sops {
    /// None where sops is not installed, which is said.
    fn new(name: &str) -> Option<Self> {
        if Command::new("sops").arg("--version").output().is_err() {
            println!("skipped: {name}: sops is not installed");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("testudo-sops-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let secret = testudo_vault::keys::new_identity();
        let mut identities = Identities::default();
        identities.add(&secret, "key.txt").unwrap();
        fs::write(folder.join("key.txt"), secret.as_str()).unwrap();
        Some(Self { folder, identities })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("sops");
        command.args(arguments).current_dir(&self.folder).env("SOPS_AGE_KEY_FILE", self.path("key.txt"));
        let ran = command.output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        if ran.status.success() { Ok(text) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
    }

    fn recipient(&self) -> String {
        self.identities.recipients().remove(0)
    }

    /// What sops says is in our file.
    fn decrypts(&self, documents: &[Tree], name: &str, plan: Plan) -> Result<String, String> {
        let format = Format::of(name).unwrap();
        let plan = Plan { recipients: vec![self.recipient()], ..plan };
        let file = File::encrypt(documents.to_vec(), &plan, TIME).unwrap();
        let text = file.write(format).unwrap();
        // What was written is what is read.
        assert_eq!(File::read(&text, format).unwrap().write(format).unwrap(), text);
        fs::write(self.path(name), text).unwrap();
        self.run(&["decrypt", name])
    }

    /// What we say is in a file of sops.
    fn encrypts(&self, text: &str, name: &str, rules: &str) -> Vec<Tree> {
        let format = Format::of(name).unwrap();
        fs::write(self.path(name), text).unwrap();
        let rule = format!("creation_rules:\n  - age: {}\n{rules}", self.recipient());
        fs::write(self.path(".sops.yaml"), rule).unwrap();
        let encrypted = self.run(&["encrypt", name]).unwrap();
        let file = File::read(&encrypted, format).unwrap();
        let key = file.key(&self.identities).unwrap();
        let (documents, sealer) = file.decrypt(key).unwrap();
        // Written again without a change, the values stay as they were, and sops takes it.
        let again = file.with(documents.clone(), &sealer, TIME).unwrap();
        fs::write(self.path(name), again.write(format).unwrap()).unwrap();
        self.run(&["decrypt", name]).unwrap();
        documents
    }
}

impl Drop for Sops {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn rounds() -> usize {
    std::env::var("TESTUDO_SOPS_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

fn both_ways(name: &str) {
    let Some(sops) = Sops::new(name) else { return };
    let format = Format::of(name).unwrap();
    let mut numbers = Numbers(3);
    for round in 0..rounds() {
        let count = if format == Format::Yaml { 1 + numbers.below(2) } else { 1 };
        let documents: Vec<Tree> = (0..count).map(|_| numbers.map(0, format)).collect();
        let text = format.write(&documents).unwrap();
        let written = |documents: &[Tree]| format.write(documents).unwrap();
        assert_eq!(written(&format.read(&text).unwrap()), text, "round {round}");
        let theirs = sops.decrypts(&documents, name, Plan::default());
        let theirs = theirs.unwrap_or_else(|error| panic!("round {round}: {error}\n{text}"));
        let read = format.read(&theirs).unwrap_or_else(|error| panic!("round {round}: {error}\n{theirs}"));
        assert_eq!(written(&read), text, "round {round}, sops:\n{theirs}");
        assert_eq!(written(&sops.encrypts(&text, name, "")), text, "round {round}");
    }
    println!("{name}: {} random documents both ways", rounds());
}

#[test]
fn json_both_ways() {
    both_ways("a.json");
}

#[test]
fn yaml_both_ways() {
    both_ways("a.yaml");
}

#[test]
fn dotenv_both_ways() {
    both_ways("a.env");
}

/// Texts as people write them: what we make of them is what sops makes of them.
#[test]
fn yaml_by_hand() {
    let Some(sops) = Sops::new("hand") else { return };
    for text in include_str!("hand.txt").split("=====\n") {
        let documents = Format::Yaml.read(text).unwrap();
        let theirs = sops.decrypts(&documents, "a.yaml", Plan::default()).unwrap();
        // But for the blank line that keeps a comment where it is.
        let written = Format::Yaml.write(&documents).unwrap().replace("# last\n\n", "# last\n");
        assert_eq!(theirs, written, "{text}");
        let ours = sops.encrypts(text, "a.yaml", "");
        assert_eq!(Format::Yaml.write(&ours).unwrap().replace("# last\n\n", "# last\n"), theirs, "{text}");
    }
}

/// What is encrypted, by every rule: sops decrypts ours, and we theirs.
#[test]
fn rules_mean_the_same() {
    let Some(sops) = Sops::new("rules") else { return };
    let text = "a_plain:\n    b: 1\n    c_secret: 2\n# keep\nd:\n    - e\n    # hide\n    - f\n# hide\ng:\n    # keep\n    h: i\nj: k\n";
    let documents = Format::Yaml.read(text).unwrap();
    for (rule, value) in [
        ("unencrypted_suffix", "_plain"),
        ("encrypted_suffix", "_secret"),
        ("unencrypted_regex", "^(a_plain|g)$"),
        ("encrypted_regex", "e"),
        ("unencrypted_comment_regex", "^ keep"),
        ("encrypted_comment_regex", "^ hide"),
    ] {
        for mac_only_encrypted in [false, true] {
            let rule_of_plan = Some((rule.to_owned(), value.to_owned()));
            let plan = Plan { rule: rule_of_plan, mac_only_encrypted, ..Plan::default() };
            assert_eq!(sops.decrypts(&documents, "a.yaml", plan).unwrap(), text, "{rule}");
            let rules = format!("    {rule}: '{value}'\n    mac_only_encrypted: {mac_only_encrypted}\n");
            let ours = sops.encrypts(text, "a.yaml", &rules);
            assert_eq!(ours, documents, "{rule}");
        }
    }
}

/// What sops refuses to encrypt is refused with a place.
#[test]
fn what_sops_refuses_is_refused() {
    let Some(sops) = Sops::new("refused") else { return };
    for (text, error) in [
        ("a: 18446744073709551615\n", "1:4: a whole number above"),
        ("1: a\n", "1:1: the key is not text"),
        ("a:\n  true: b\n", "2:3: the key is not text"),
        ("- a\n", "1:1: the document is no map"),
        ("text\n", "1:1: the document is no map"),
        ("a: 1\na: 2\n", "2:1: the key `a` stands twice"),
        ("a: [\n", "2:1: not YAML"),
    ] {
        fs::write(sops.path("r.yaml"), text).unwrap();
        let recipient = sops.recipient();
        assert!(sops.run(&["encrypt", "--age", &recipient, "r.yaml"]).is_err(), "{text}");
        let ours = Format::Yaml.read(text).unwrap_err().to_string();
        assert!(ours.starts_with(error), "{text}: {ours}");
    }
}
