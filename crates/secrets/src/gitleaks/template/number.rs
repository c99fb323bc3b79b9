//! Numbers written as Go's `strconv` and `fmt` write them.

/// A float as `%v` writes it: the shortest digits that read back as the same number, with an exponent below 1e-4 and from
/// a million on.
pub(super) fn shortest(number: f64, single: bool) -> String {
    if !number.is_finite() {
        return special(number).to_owned();
    }
    let scientific = if single { format!("{:e}", number as f32) } else { format!("{number:e}") };
    let exponent = exponent_of(&scientific);
    if (-4..6).contains(&exponent) {
        if single { (number as f32).to_string() } else { number.to_string() }
    } else {
        with_exponent(&scientific)
    }
}

fn special(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

fn exponent_of(scientific: &str) -> i32 {
    scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

/// `1.5e7` as Go writes it: `1.5e+07`.
fn with_exponent(scientific: &str) -> String {
    let (digits, _) = scientific.split_once('e').unwrap_or((scientific, ""));
    let exponent = exponent_of(scientific);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// `%f`, `%e` and `%g` with so many digits; none is what each takes where nothing is said.
pub(super) fn formatted(number: f64, single: bool, verb: char, precision: Option<usize>) -> String {
    if !number.is_finite() {
        return special(number).to_owned();
    }
    match (verb, precision) {
        ('f' | 'F', precision) => format!("{number:.*}", precision.unwrap_or(6)),
        ('e', precision) => with_exponent(&format!("{number:.*e}", precision.unwrap_or(6))),
        (_, None) => shortest(number, single),
        (_, Some(precision)) => {
            let digits = precision.max(1);
            let scientific = format!("{number:.*e}", digits - 1);
            let exponent = exponent_of(&scientific);
            if exponent < -4 || exponent >= digits as i32 {
                let (mantissa, _) = scientific.split_once('e').unwrap_or((&scientific, ""));
                return with_exponent(&format!("{}e{exponent}", without_zeros(mantissa)));
            }
            without_zeros(&format!("{number:.*}", (digits as i32 - 1 - exponent).max(0) as usize)).to_owned()
        }
    }
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// A float in JSON: like `%v`, with an exponent below 1e-6 and without a zero in front of its digits.
pub(super) fn json(number: f64, single: bool) -> String {
    let scientific = if single { format!("{:e}", number as f32) } else { format!("{number:e}") };
    if number == 0.0 || (-6..21).contains(&exponent_of(&scientific)) {
        return if single { (number as f32).to_string() } else { number.to_string() };
    }
    let (digits, _) = scientific.split_once('e').unwrap_or((&scientific, ""));
    let exponent = exponent_of(&scientific);
    if exponent < 0 { format!("{digits}e{exponent}") } else { format!("{digits}e+{exponent}") }
}
