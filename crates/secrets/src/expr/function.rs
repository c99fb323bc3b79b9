//! The names of functions, with their aliases and the number of arguments they take.

/// A function of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    MatchesAny,
    FindMatch,
    ContainsAny,
    Entropy,
    FailsTokenEfficiency,
    TokenRatio,
    SetConfidence,
    Get,
    GetPath,
    Len,
    Size,
    Bytes,
    Substring,
    IndexOf,
    LastIndexOf,
    Replace,
    Split,
    Join,
    Lower,
    Upper,
    Trim,
    TrimPrefix,
    TrimSuffix,
    Repeat,
    HasPrefix,
    HasSuffix,
    ToText,
    ToInt,
    ToFloat,
    TypeName,
    Abs,
    Ceil,
    Floor,
    Round,
    Max,
    Min,
    Sum,
    First,
    Last,
    Keys,
    Values,
    UrlQueryEscape,
    JsonText,
    Unknown,
    Md5,
    Sha1,
    HmacSha1,
    HmacSha256,
    HexEncode,
    Base64Encode,
    Base64Decode,
    /// Reaches outside the expression: the network, the clock, the environment, chance.
    Effect(&'static str),
}

/// How many arguments a function takes.
pub(super) type Arity = std::ops::RangeInclusive<usize>;

/// Any number of arguments but none.
const SOME: Arity = 1..=64;

/// The function of a name as written in an expression.
pub(super) fn named(name: &str) -> Option<(Function, Arity)> {
    filter_functions(name).or_else(|| text_functions(name)).or_else(|| value_functions(name)).or_else(|| effects(name))
}

fn filter_functions(name: &str) -> Option<(Function, Arity)> {
    Some(match name.strip_prefix("filter.").unwrap_or(name) {
        "matchesAny" => (Function::MatchesAny, 2..=2),
        "findMatch" => (Function::FindMatch, 2..=2),
        "containsAny" => (Function::ContainsAny, 2..=2),
        "entropy" => (Function::Entropy, 1..=1),
        "failsTokenEfficiency" => (Function::FailsTokenEfficiency, 1..=1),
        "tokenRatio" => (Function::TokenRatio, 1..=1),
        "setConfidence" => (Function::SetConfidence, 1..=1),
        _ => return None,
    })
}

fn text_functions(name: &str) -> Option<(Function, Arity)> {
    Some(match name {
        "bytes" => (Function::Bytes, 1..=1),
        "substring" => (Function::Substring, 2..=2),
        "indexOf" => (Function::IndexOf, 2..=2),
        "lastIndexOf" => (Function::LastIndexOf, 2..=2),
        "replace" => (Function::Replace, 3..=3),
        "split" => (Function::Split, 2..=3),
        "join" => (Function::Join, 1..=2),
        "lower" => (Function::Lower, 1..=1),
        "upper" => (Function::Upper, 1..=1),
        "trim" => (Function::Trim, 1..=2),
        "trimPrefix" => (Function::TrimPrefix, 2..=2),
        "trimSuffix" => (Function::TrimSuffix, 2..=2),
        "repeat" => (Function::Repeat, 2..=2),
        "hasPrefix" => (Function::HasPrefix, 2..=2),
        "hasSuffix" => (Function::HasSuffix, 2..=2),
        "strings.urlQueryEscape" | "strings.url_query_escape" => (Function::UrlQueryEscape, 1..=1),
        "json.string" => (Function::JsonText, 1..=1),
        "crypto.md5" => (Function::Md5, 1..=1),
        "crypto.sha1" => (Function::Sha1, 1..=1),
        "crypto.hmacSha1" => (Function::HmacSha1, 2..=2),
        "crypto.hmacSha256" | "crypto.hmac_sha256" => (Function::HmacSha256, 2..=2),
        "hex.encode" => (Function::HexEncode, 1..=1),
        "base64.encode" => (Function::Base64Encode, 1..=1),
        "base64.decode" => (Function::Base64Decode, 1..=1),
        _ => return None,
    })
}

fn value_functions(name: &str) -> Option<(Function, Arity)> {
    Some(match name {
        "get" => (Function::Get, 2..=3),
        "getPath" => (Function::GetPath, 3..=3),
        "len" => (Function::Len, 1..=1),
        "size" => (Function::Size, 1..=1),
        "string" => (Function::ToText, 1..=1),
        "int" => (Function::ToInt, 1..=1),
        "float" => (Function::ToFloat, 1..=1),
        "type" => (Function::TypeName, 1..=1),
        "abs" => (Function::Abs, 1..=1),
        "ceil" => (Function::Ceil, 1..=1),
        "floor" => (Function::Floor, 1..=1),
        "round" => (Function::Round, 1..=1),
        "max" => (Function::Max, SOME),
        "min" => (Function::Min, SOME),
        "sum" => (Function::Sum, 1..=1),
        "first" => (Function::First, 1..=1),
        "last" => (Function::Last, 1..=1),
        "keys" => (Function::Keys, 1..=1),
        "values" => (Function::Values, 1..=1),
        "validate.unknown" | "unknown" => (Function::Unknown, 1..=1),
        _ => return None,
    })
}

fn effects(name: &str) -> Option<(Function, Arity)> {
    let (canonical, arity) = match name {
        "http.get" => ("http.get", 1..=2),
        "http.post" => ("http.post", 3..=3),
        "env.get" | "env_get" => ("env.get", 1..=1),
        "env.getOrDefault" => ("env.getOrDefault", 2..=2),
        "time.nowUnix" | "time.now_unix" => ("time.nowUnix", 0..=0),
        "time.nowRFC3339" => ("time.nowRFC3339", 0..=0),
        "strings.obfuscate" | "obfuscate" => ("strings.obfuscate", 1..=1),
        "aws.validate" => ("aws.validate", 2..=2),
        "gcp.validate" => ("gcp.validate", 1..=1),
        "azure.validateServicePrincipal" => ("azure.validateServicePrincipal", 3..=3),
        "azure.validateAppConfig" => ("azure.validateAppConfig", 3..=3),
        "azure.validateServiceBusSAS" => ("azure.validateServiceBusSAS", 1..=1),
        "azure.validateStorage" => ("azure.validateStorage", 2..=2),
        _ => return None,
    };
    Some((Function::Effect(canonical), arity))
}

/// Whether a name is only the first half of function names.
pub(super) fn is_namespace(name: &str) -> bool {
    matches!(
        name,
        "filter"
            | "strings"
            | "json"
            | "crypto"
            | "hex"
            | "base64"
            | "validate"
            | "http"
            | "env"
            | "time"
            | "aws"
            | "gcp"
            | "azure"
    )
}
