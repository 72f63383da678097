//! Rules as nft writes them for people.

use std::collections::BTreeMap;

use super::listing::TableId;

/// The texts of rules, by table and handle.
#[derive(Debug, Default)]
pub(super) struct Texts(BTreeMap<(TableId, u64), String>);

impl Texts {
    /// The text of a rule; empty where it is not known.
    pub(super) fn of(&self, table: &TableId, handle: u64) -> String {
        let found = self.0.get(&(table.clone(), handle));
        found.cloned().unwrap_or_default()
    }
}

/// Reads `nft -a list ruleset`: a rule is what stands in a chain before `# handle N`, on one line or on
/// several where it holds a long set.
pub(super) fn texts(listing: &str) -> Texts {
    let mut texts = Texts::default();
    let mut table = None;
    let mut in_chain = false;
    let mut begun = String::new();
    for line in listing.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("table ") {
            let mut words = rest.split_whitespace();
            table = words
                .next()
                .zip(words.next())
                .map(|(family, name)| TableId {
                    family: family.to_owned(),
                    name: name.to_owned(),
                });
        } else if line.starts_with("chain ") && opens(line) {
            in_chain = true;
            begun.clear();
        } else if line == "}" && begun.is_empty() {
            in_chain = false;
        } else if in_chain && !line.starts_with("type ") {
            begun.push_str(line);
            begun.push(' ');
            let Some((text, handle)) = begun.trim_end().rsplit_once(" # handle ") else {
                continue;
            };
            if let (Some(table), Ok(handle)) = (&table, handle.parse()) {
                texts
                    .0
                    .insert((table.clone(), handle), without_counters(text));
                begun.clear();
            }
        }
    }
    texts
}

/// `chain input { # handle 4`.
fn opens(line: &str) -> bool {
    line.split(" # handle ")
        .next()
        .is_some_and(|it| it.trim_end().ends_with('{'))
}

/// What was counted is no part of what a rule says, and is another text at each look.
fn without_counters(text: &str) -> String {
    let mut words = text.split_whitespace().peekable();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if word != "counter" {
            kept.push(word);
            continue;
        }
        for name in ["packets", "bytes"] {
            if words.next_if(|next| *next == name).is_some() {
                words.next();
            }
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_by_its_handle() {
        let listing = "table ip filter { # handle 5\n\
             \tset blocked { # handle 9\n\t\ttype ipv4_addr\n\t}\n\
             \tchain FORWARD { # handle 2\n\
             \t\ttype filter hook forward priority filter; policy drop;\n\
             \t\tcounter packets 5 bytes 300 jump DOCKER-USER # handle 3\n\
             \t\tct state vmap { invalid : drop,\n\t\t\t     new : accept } # handle 4\n\
             \t}\n}\n";
        let texts = texts(listing);
        let table = TableId {
            family: "ip".to_owned(),
            name: "filter".to_owned(),
        };
        assert_eq!(texts.of(&table, 3), "jump DOCKER-USER");
        assert_eq!(
            texts.of(&table, 4),
            "ct state vmap { invalid : drop, new : accept }"
        );
        assert_eq!(texts.of(&table, 9), "");
    }
}
