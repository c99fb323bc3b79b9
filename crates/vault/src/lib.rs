//! Deploy secrets, encrypted where they live: SOPS files (github.com/getsops/sops) with age keys.

pub mod cipher;
pub mod dotenv;
mod error;
mod file;
mod format;
pub mod json;
pub mod keys;
pub mod limits;
pub mod path;
pub mod rules;
mod scalar;
pub mod sops_config;
pub mod tree;
pub mod yaml;

pub use error::VaultError;
pub use file::{File, Plan};
pub use format::Format;
pub use scalar::Scalar;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_bound_to_its_key_and_its_place() {
        let (key, other) = (cipher::new_key().unwrap(), cipher::new_key().unwrap());
        for value in [Scalar::Text("a".repeat(100)), Scalar::Int(7), Scalar::Float(0.5), Scalar::Bool(false)] {
            let text = cipher::encrypt(&value, &key, "a:b:").unwrap();
            assert!(cipher::is_encrypted(&text));
            assert_eq!(cipher::decrypt(&text, &key, "a:b:").unwrap(), value);
            assert!(cipher::decrypt(&text, &key, "a:c:").is_err());
            assert!(cipher::decrypt(&text, &other, "a:b:").is_err());
            assert!(cipher::decrypt(&text.replace("type:", "type:x"), &key, "a:b:").is_err());
        }
        assert_eq!(cipher::encrypt(&Scalar::Text(String::new()), &key, "a:").unwrap(), "");
    }
}
