//! A packet's way through a base chain.

use serde_json::Value;

use super::fields::{Field, field};
use super::listing::{Base, ChainId, Rule, Ruleset};
use super::matching::{Answer, is_one_of};
use super::packet::Packet;
use super::translated::{self, Extension};

/// Jumps nest at most this deep (`NFT_JUMP_STACK_SIZE` in `include/net/netfilter/nf_tables.h`).
const DEPTH: usize = 16;
/// Rules that are looked at for one packet. Chains can lead to chains so often that no end comes;
/// what lies behind this is not known.
const RULES: u32 = 50_000;

/// What drops a packet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Blame {
    /// The base chain that the packet entered by.
    pub(super) base: ChainId,
    /// The chain where it ended.
    pub(super) chain: ChainId,
    /// The rule's handle and text; `None` is the policy of the base chain.
    pub(super) rule: Option<(u64, String)>,
}

/// What can become of a packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fate {
    /// It may be let through.
    accepted: bool,
    /// It may end here.
    dropped: Option<Blame>,
    /// It may come out of the chain's end.
    passed: bool,
}

impl Fate {
    fn take(&mut self, other: Self) {
        self.accepted |= other.accepted;
        self.dropped = other.dropped.or(self.dropped.take());
    }
}

/// What a rule does when it matches.
enum Verdict {
    Accept,
    Drop,
    Return,
    Jump(String),
    Goto(String),
    /// Somebody else decides: a queue, an extension that nobody here knows.
    Unknown,
}

/// What drops these packets for certain in one base chain. `mark` is their mark on the way in, and then
/// on the way out, where it is known.
pub(super) fn walk(
    ruleset: &Ruleset,
    id: &ChainId,
    base: &Base,
    packet: &Packet,
    mark: &mut Option<u64>,
) -> Option<Blame> {
    let mut walk = Walk {
        ruleset,
        packet,
        base: id,
        mark: *mark,
        left: RULES,
    };
    let mut fate = walk.chain(id, 0);
    *mark = walk.mark;
    if fate.passed {
        if !base.drops {
            return None;
        }
        fate.dropped = Some(Blame {
            base: id.clone(),
            chain: id.clone(),
            rule: None,
        });
    }
    if fate.accepted { None } else { fate.dropped }
}

struct Walk<'a> {
    ruleset: &'a Ruleset,
    packet: &'a Packet,
    base: &'a ChainId,
    /// The packet's mark, while it is known.
    mark: Option<u64>,
    left: u32,
}

impl Walk<'_> {
    fn chain(&mut self, id: &ChainId, depth: usize) -> Fate {
        let mut fate = Fate::default();
        let unknown = Fate {
            accepted: true,
            passed: true,
            dropped: None,
        };
        let Some(chain) = self.ruleset.chains.get(id).filter(|_| depth <= DEPTH) else {
            return unknown;
        };
        for rule in &chain.rules {
            let Some(left) = self.left.checked_sub(1) else {
                return unknown;
            };
            self.left = left;
            for (answer, verdict) in self.rule(id, rule) {
                if self.enter(id, rule, depth, answer, verdict, &mut fate) {
                    return fate;
                }
            }
        }
        fate.passed = true;
        fate
    }

    /// Adds what a verdict leads to; true when nothing after it is reached.
    fn enter(
        &mut self,
        id: &ChainId,
        rule: &Rule,
        depth: usize,
        answer: Answer,
        verdict: Verdict,
        fate: &mut Fate,
    ) -> bool {
        let ends = answer == Answer::Yes;
        match verdict {
            Verdict::Accept => fate.accepted = true,
            Verdict::Drop => {
                fate.dropped = Some(Blame {
                    base: self.base.clone(),
                    chain: id.clone(),
                    rule: Some((rule.handle, rule.text.clone())),
                });
            }
            Verdict::Return => fate.passed = true,
            Verdict::Unknown => {
                fate.accepted = true;
                return false;
            }
            Verdict::Jump(target) => {
                let there = self.chain(&id.beside(&target), depth + 1);
                let back = there.passed;
                fate.take(there);
                return ends && !back;
            }
            Verdict::Goto(target) => {
                let there = self.chain(&id.beside(&target), depth + 1);
                fate.passed |= there.passed;
                fate.take(there);
            }
        }
        ends
    }

    /// What a rule may do to the packet: its statements, from left to right.
    fn rule(&mut self, id: &ChainId, rule: &Rule) -> Vec<(Answer, Verdict)> {
        let mut matches = Answer::Yes;
        for statement in &rule.statements {
            let Some((kind, body)) = statement.as_object().and_then(|it| it.iter().next()) else {
                continue;
            };
            let target = || {
                let target = body.get("target").and_then(Value::as_str);
                target.unwrap_or_default().to_owned()
            };
            let verdict = match kind.as_str() {
                "match" => {
                    matches = matches.and(self.matches(id, body));
                    None
                }
                // Whether there is room within a rate or a number is not to be told.
                "limit" | "quota" | "ct count" | "meter" => {
                    matches = matches.and(Answer::Maybe);
                    None
                }
                "set" => {
                    // Adding fails where the set is full.
                    matches = matches.and(Answer::Maybe);
                    None
                }
                "accept" | "masquerade" | "snat" | "dnat" | "redirect" => Some(Verdict::Accept),
                "drop" | "reject" => Some(Verdict::Drop),
                "return" => Some(Verdict::Return),
                "jump" => Some(Verdict::Jump(target())),
                "goto" => Some(Verdict::Goto(target())),
                "queue" | "tproxy" | "synproxy" => Some(Verdict::Unknown),
                "vmap" => return self.verdict_map(id, matches, body),
                "mangle" => {
                    if matches != Answer::No {
                        self.mark = None;
                    }
                    None
                }
                "xt" => match translated::extension(body, &rule.text) {
                    Extension::Match(condition) => {
                        matches = matches.and(match condition {
                            Some(condition) => self.matches(id, &condition),
                            None => Answer::Maybe,
                        });
                        None
                    }
                    Extension::Nothing => None,
                    Extension::Marks => {
                        if matches != Answer::No {
                            self.mark = None;
                        }
                        None
                    }
                    Extension::Drop => Some(Verdict::Drop),
                    Extension::Accept => Some(Verdict::Accept),
                    Extension::Unknown => Some(Verdict::Unknown),
                },
                _ => None,
            };
            if matches == Answer::No {
                return Vec::new();
            }
            if let Some(verdict) = verdict {
                return vec![(matches, verdict)];
            }
        }
        Vec::new()
    }

    fn matches(&self, id: &ChainId, body: &Value) -> Answer {
        let (Some(left), Some(right)) = (body.get("left"), body.get("right")) else {
            return Answer::Maybe;
        };
        let field = field(self.packet, self.mark, left);
        if field == Field::Missing {
            return Answer::No;
        }
        let set = |name: &str| self.ruleset.elements(id, name);
        let is = is_one_of(&field, right, &set);
        match body.get("op").and_then(Value::as_str) {
            Some("==" | "in") => is,
            Some("!=") => is.not(),
            _ => Answer::Maybe,
        }
    }

    fn verdict_map(&self, id: &ChainId, matches: Answer, body: &Value) -> Vec<(Answer, Verdict)> {
        let (Some(key), Some(data)) = (body.get("key"), body.get("data")) else {
            return vec![(Answer::Maybe, Verdict::Unknown)];
        };
        let field = field(self.packet, self.mark, key);
        let set = |name: &str| self.ruleset.elements(id, name);
        let entries = match data.as_str().and_then(|it| it.strip_prefix('@')) {
            Some(name) => set(name),
            None => data
                .get("set")
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice),
        };
        let mut found = Vec::new();
        for entry in entries {
            let Some([value, verdict]) = entry.as_array().map(Vec::as_slice) else {
                found.push((Answer::Maybe, Verdict::Unknown));
                continue;
            };
            let answer = match &field {
                Field::Missing => Answer::No,
                field => is_one_of(field, value, &set),
            };
            if answer != Answer::No {
                found.extend(verdict_of(verdict).map(|it| (matches.and(answer), it)));
            }
        }
        found
    }
}

fn verdict_of(value: &Value) -> Option<Verdict> {
    let (kind, body) = value.as_object()?.iter().next()?;
    let target = || {
        body.get("target")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    match kind.as_str() {
        "accept" => Some(Verdict::Accept),
        "drop" => Some(Verdict::Drop),
        "return" => Some(Verdict::Return),
        "continue" => None,
        "jump" => target().map(Verdict::Jump),
        "goto" => target().map(Verdict::Goto),
        _ => Some(Verdict::Unknown),
    }
}
