//! The parsed form. Chains of the same operator are flat, so that long filters do not nest deep.

use std::sync::Arc;

use super::function::Function;
use super::value::Value;
use crate::engine::pattern::Pattern;

/// An expression.
#[derive(Debug)]
pub(super) enum Node {
    /// A constant, also a list of constants.
    Literal(Value),
    /// A name that the environment gives.
    Global(Global),
    /// A `let` binding, by its place on the stack of bindings.
    Local(usize),
    /// `#`: the item that a predicate looks at.
    Item,
    /// `#index`: the place of that item.
    ItemIndex,
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    /// A value and what is taken out of it, one after the other.
    Path(Box<Self>, Vec<Step>),
    Not(Box<Self>),
    Negate(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
    /// `a ?? b ?? c`
    Coalesce(Vec<Self>),
    /// Binary operators of one precedence, from left to right.
    Fold(Box<Self>, Vec<Link>),
    /// `condition ? first : second`
    Choose(Box<[Self; 3]>),
    /// `let` bindings and the expression that sees them.
    Let(Vec<Self>, Box<Self>),
    Call(Box<Call>),
    Each(Box<Each>),
}

/// Names of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    Finding,
    Attributes,
    Captures,
    Secret,
}

/// One step of a path. An optional step ends the whole path with nil where the value before it is nil.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) take: Take,
    pub(super) presence: Presence,
}

/// Whether the value before a step may be nil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
}

/// What a step takes.
#[derive(Debug)]
pub(super) enum Take {
    Member(Arc<str>),
    Index(Node),
    Slice(Option<Node>, Option<Node>),
}

/// An operator with its right side.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) operator: Operator,
    pub(super) right: Node,
    /// The compiled right side of `matches`, where it is constant.
    pub(super) pattern: Option<Arc<Pattern>>,
}

/// Binary operators that always evaluate both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Contains,
    NotContains,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    Matches,
    NotMatches,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

/// A function with its arguments.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) arguments: Vec<Node>,
    /// The compiled second argument of a search, where it is constant.
    pub(super) pattern: Option<Arc<Pattern>>,
}

/// A predicate over the items of a list.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) quantifier: Quantifier,
    pub(super) list: Node,
    /// None: the items themselves are the answers.
    pub(super) predicate: Option<Node>,
}

/// What to make of the answers of a predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Any,
    None,
    One,
    Filter,
    Map,
    Count,
    Find,
    FindIndex,
}

impl Quantifier {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "any" => Self::Any,
            "none" => Self::None,
            "one" => Self::One,
            "filter" => Self::Filter,
            "map" => Self::Map,
            "count" => Self::Count,
            "find" => Self::Find,
            "findIndex" => Self::FindIndex,
            _ => return None,
        })
    }
}
