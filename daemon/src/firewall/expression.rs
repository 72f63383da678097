//! Words to write rules with: each makes one expression or statement of nft's JSON,
//! `libnftables-json(5)`.

use std::borrow::Cow;
use std::collections::HashSet;

use nftables::expr::{
    CT, Expression, Fib, FibFlag, FibResult, Map, Meta, MetaKey, NamedExpression, Payload,
    PayloadField, Prefix,
};
use nftables::stmt::{JumpTarget, Match, NAT, NATFamily, Operator, Statement};

use super::element::Set;

pub(super) type Expr = Expression<'static>;
pub(super) type Stmt = Statement<'static>;

/// A rule: what it is for, and what it does.
pub(super) struct Rule {
    /// The comment in the kernel, for people and to know it again.
    pub(super) comment: &'static str,
    /// Its statements.
    pub(super) statements: Vec<Stmt>,
}

pub(super) fn rule<const N: usize>(comment: &'static str, statements: [Stmt; N]) -> Rule {
    Rule {
        comment,
        statements: statements.into(),
    }
}

pub(super) fn meta(key: MetaKey) -> Expr {
    Expression::Named(NamedExpression::Meta(Meta { key }))
}

pub(super) fn field(protocol: &'static str, field: &'static str) -> Expr {
    Expression::Named(NamedExpression::Payload(Payload::PayloadField(
        PayloadField {
            protocol: Cow::Borrowed(protocol),
            field: Cow::Borrowed(field),
        },
    )))
}

pub(super) fn ct(key: &'static str) -> Expr {
    Expression::Named(NamedExpression::CT(CT {
        key: Cow::Borrowed(key),
        family: None,
        dir: None,
    }))
}

/// Whose address the destination is, `local` for any of the host's own.
pub(super) fn destination_type() -> Expr {
    let flags = HashSet::from([FibFlag::Daddr]);
    Expression::Named(NamedExpression::Fib(Fib {
        result: FibResult::Type,
        flags,
    }))
}

pub(super) fn concat<const N: usize>(parts: [Expr; N]) -> Expr {
    Expression::Named(NamedExpression::Concat(parts.into()))
}

pub(super) fn text(text: &'static str) -> Expr {
    Expression::String(Cow::Borrowed(text))
}

/// 127.0.0.0/8.
pub(super) fn loopback() -> Expr {
    let prefix = Prefix {
        addr: Box::new(text("127.0.0.0")),
        len: 8,
    };
    Expression::Named(NamedExpression::Prefix(prefix))
}

fn reference(set: Set) -> Expr {
    Expression::String(Cow::Owned(format!("@{}", set.name())))
}

fn matching(left: Expr, op: Operator, right: Expr) -> Stmt {
    Statement::Match(Match { left, right, op })
}

pub(super) fn is(left: Expr, right: Expr) -> Stmt {
    matching(left, Operator::EQ, right)
}

pub(super) fn is_not(left: Expr, right: Expr) -> Stmt {
    matching(left, Operator::NEQ, right)
}

pub(super) fn in_set(left: Expr, set: Set) -> Stmt {
    matching(left, Operator::EQ, reference(set))
}

pub(super) fn not_in_set(left: Expr, set: Set) -> Stmt {
    matching(left, Operator::NEQ, reference(set))
}

/// Some bits of `left` are among `flags`.
pub(super) fn has(left: Expr, flags: &[&'static str]) -> Stmt {
    let right = match flags {
        [one] => text(one),
        many => Expression::List(many.iter().map(|flag| text(flag)).collect()),
    };
    matching(left, Operator::IN, right)
}

/// Send to where two maps lead from `key`: nft 1.0.6 crashes on one map to an address and a port
/// when it is written as JSON, and two maps say the same.
pub(super) fn destination_by(key: &Expr, address: Set, port: Set) -> Stmt {
    let look_up = |set| {
        let map = Map {
            key: key.clone(),
            data: reference(set),
        };
        Some(Expression::Named(NamedExpression::Map(Box::new(map))))
    };
    Statement::DNAT(Some(NAT {
        addr: look_up(address),
        family: Some(NATFamily::IP),
        port: look_up(port),
        flags: None,
    }))
}

pub(super) fn goto(chain: &'static str) -> Stmt {
    Statement::Goto(JumpTarget {
        target: Cow::Borrowed(chain),
    })
}

pub(super) fn accept() -> Stmt {
    Statement::Accept(None)
}

pub(super) fn drop() -> Stmt {
    Statement::Drop(None)
}

pub(super) fn leave() -> Stmt {
    Statement::Return(None)
}

pub(super) fn masquerade() -> Stmt {
    Statement::Masquerade(None)
}
