//! Files of texts that people read in their language, told by their names.
//!
//! What such a file gives to `password` or `token` is a label on a screen, not a secret.

/// Folders that hold them.
const FOLDERS: &[&str] = &["i18n", "l10n", "lang", "langs", "languages", "locale", "locales", "translations"];

/// Ends of files with texts. Settings and programs in such a folder are what they are elsewhere.
const TEXTS: &[&str] = &[
    ".json",
    ".json5",
    ".yml",
    ".yaml",
    ".properties",
    ".xml",
    ".ts",
    ".js",
    ".php",
    ".po",
    ".strings",
    ".arb",
    ".resx",
    ".ini",
    ".toml",
];

/// Codes of languages (ISO 639-1) that a file of texts may be named after and nothing else is named after. Sorted.
const LANGUAGES: &[&str] = &[
    "af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi",
    "fr", "gl", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "km", "ko", "lt", "lv", "mk", "mn",
    "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "th", "tr", "uk", "ur", "uz", "vi",
    "zh",
];

/// What names of such files begin with, the language behind it.
const BEGINNINGS: &[&str] =
    &["messages", "strings", "locale", "translation", "label", "text", "lang", "resource", "i18n"];

/// Whether a file holds texts in a language of people.
pub(super) fn is_translation(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    if !TEXTS.iter().any(|end| lower.ends_with(end)) {
        return false;
    }
    let mut folders = lower.split('/').rev();
    let Some((stem, _)) = folders.next().and_then(|file| file.rsplit_once('.')) else { return false };
    let begins = BEGINNINGS.iter().any(|beginning| stem.starts_with(beginning));
    let plain = ["messages", "strings_", "locale"].iter().any(|beginning| stem.starts_with(beginning));
    let named = plain && [".properties", ".json", ".yml"].iter().any(|end| lower.ends_with(end));
    // `settings.ini` may be that of anything, and `it.ini` as well.
    let alone = !lower.ends_with(".ini") && !lower.ends_with(".toml") && is_tag(stem);
    let tagged = stem.find(['_', '-', '.']).is_some_and(|at| {
        let (head, tag) = (&stem[..at], &stem[at + 1..]);
        begins && is_tag(tag) || !is_tag(head) && is_regional(tag)
    });
    let middle = stem.split('.').skip(1).any(|part| FOLDERS.contains(&part));
    middle || folders.any(|folder| FOLDERS.contains(&folder)) || named || alone || tagged
}

/// A language, with or without a region or a script: `de`, `pt-br`, `zh_hans`.
fn is_tag(text: &str) -> bool {
    LANGUAGES.binary_search(&text).is_ok() || is_regional(text)
}

/// A language with a region or a script.
fn is_regional(text: &str) -> bool {
    let Some((language, region)) = text.split_once(['_', '-']) else { return false };
    let region = region.bytes().all(|b| b.is_ascii_alphabetic()) && matches!(region.len(), 2 | 4);
    region && LANGUAGES.binary_search(&language).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_tell() {
        assert!(LANGUAGES.is_sorted());
        for (path, expected) in [
            ("conf/locale/forms.ini", true),
            ("a/locales/app.yml", true),
            ("src/messages_de.properties", true),
            ("src/messages.properties", true),
            ("locale_fi-FI.ini", true),
            ("web/ru.json", true),
            ("web/pt-BR.ts", true),
            ("app_zh_CN.properties", true),
            ("lang/run.sh", false),
            ("it.ini", false),
            ("my.ini", false),
            ("application-it.properties", false),
            ("db.json", false),
            ("config.yml", false),
            ("locale.py", false),
        ] {
            assert_eq!(is_translation(path), expected, "{path}");
        }
    }
}
