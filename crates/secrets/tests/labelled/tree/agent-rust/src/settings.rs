use serde::Deserialize;

/// Name of the variable that holds the enrolment token.
pub const TOKEN_VAR: &str = "AGENT_ENROL_TOKEN";
const ENROL_SECRET: &str = "Ja6UclwBeRC0wb5rZBfDSktXhB_uc1oB";
const MAGIC: [u8; 4] = *b"AGNT";
const PASSWORD_PROMPT: &str = "Agent password: ";

#[derive(Debug, Deserialize)]
pub struct Settings {
    #[serde(rename = "password")]
    pub password: Option<String>,
    #[serde(default = "default_key_path")]
    pub key_path: std::path::PathBuf,
    pub api_key: secrecy::SecretString,
}

fn default_key_path() -> std::path::PathBuf {
    "/etc/agent/agent.key".into()
}

impl Settings {
    pub fn token(&self) -> Option<String> {
        std::env::var(TOKEN_VAR).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_optional() {
        let s: Settings = toml::from_str(r#"api_key = "k""#).unwrap();
        assert!(s.password.is_none());
        let s: Settings = toml::from_str("password = 'hunter2'\napi_key = 'abc'").unwrap();
        assert_eq!(s.password.as_deref(), Some("hunter2"));
        assert_eq!(hex(&digest(ENROL_SECRET)), "eb521f8fdeb4342ba1903c341be845eaa748dee2ea2b62b65400a2f82515d596");
    }
}
