//! Arithmetic and order of numbers. Whole numbers stay whole where the result is; beyond 64 bits is an error.

use std::cmp::Ordering;

use super::EvalError;
use super::ast::Operator;
use super::eval::kind;
use super::value::Value;

fn overflow(place: &'static str) -> EvalError {
    EvalError::Argument { place, message: "the result is outside 64 bits".to_owned() }
}

/// The worth of a number of either kind.
pub(super) fn float(place: &'static str, value: &Value) -> Result<f64, EvalError> {
    match value {
        Value::Int(number) => Ok(*number as f64),
        Value::Float(number) => Ok(*number),
        other => Err(kind(place, "numbers, or strings on both sides", other)),
    }
}

/// Whether an operator compares by order, so that `a < b < c` compares neighbours.
pub(super) fn is_order(operator: Operator) -> bool {
    matches!(operator, Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual)
}

/// The order of two numbers or two texts; none with a number that is not one.
pub(super) fn order(place: &'static str, left: &Value, right: &Value) -> Result<Option<Ordering>, EvalError> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        _ => Ok(float(place, left)?.partial_cmp(&float(place, right)?)),
    }
}

/// `-value`
pub(super) fn negated(value: &Value) -> Result<Value, EvalError> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or_else(|| overflow("-")),
        other => Ok(Value::Float(-float("-", other)?)),
    }
}

/// The result of an arithmetic operator; division and powers are never whole.
pub(super) fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Result<Value, EvalError> {
    let place = sign(operator);
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        let whole = match operator {
            Operator::Add => Some(a.checked_add(*b)),
            Operator::Subtract => Some(a.checked_sub(*b)),
            Operator::Multiply => Some(a.checked_mul(*b)),
            Operator::Remainder if *b == 0 => {
                return Err(EvalError::Argument { place, message: "division by zero".to_owned() });
            }
            Operator::Remainder => Some(a.checked_rem(*b)),
            _ => None,
        };
        if let Some(result) = whole {
            return result.map(Value::Int).ok_or_else(|| overflow(place));
        }
    }
    let (a, b) = (float(place, left)?, float(place, right)?);
    Ok(Value::Float(match operator {
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Power => a.powf(b),
        Operator::Remainder => return Err(kind(place, "int on both sides", &Value::Float(a))),
        _ => a + b,
    }))
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::Remainder => "%",
        Operator::Power => "**",
        _ => "+",
    }
}
