//! What was read of the host's interfaces, for as long as the kernel says nothing to the contrary:
//! pure.

use std::collections::HashMap;

use ipnet::Ipv4Net;

use super::observed::Link;
use super::route_events::Heard;

/// Interfaces of the host that somebody asked for.
#[derive(Debug, Default)]
pub(super) struct KeptLinks {
    links: HashMap<u32, Kept>,
    /// What they were asked for by.
    names: HashMap<String, u32>,
    addresses: HashMap<u32, Vec<Ipv4Net>>,
    /// How often there was news, of whatever interface.
    heard: u64,
}

#[derive(Debug)]
struct Kept {
    /// As it was read, or as the last message about it said.
    link: Link,
    /// It was read, and nothing was heard of it since.
    current: bool,
}

/// Whom news is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// Nobody: it is known already, or of an interface that nobody asked for.
    Nobody,
    /// Whoever asks for an interface by one of these names.
    Names(Vec<String>),
    /// Everybody.
    All,
}

impl KeptLinks {
    /// The interface known by `name`, if it was read and is still as it was.
    ///
    /// One that is switched off is always read again: of its alias, its other names and its group the
    /// kernel tells only while it is on (`netdev_state_change()` in `net/core/dev.c`).
    pub(super) fn link(&self, name: &str) -> Option<&Link> {
        let kept = self.links.get(self.names.get(name)?)?;
        (kept.current && kept.link.up && kept.link.answers_to(name)).then_some(&kept.link)
    }

    /// The addresses of an interface, if they were read and are still as they were.
    pub(super) fn addresses(&self, index: u32) -> Option<&[Ipv4Net]> {
        self.addresses.get(&index).map(Vec::as_slice)
    }

    /// The number of news until now. What was read is kept only if it is the same before and after.
    pub(super) fn heard(&self) -> u64 {
        self.heard
    }

    /// Keeps an interface that was asked for by `name`; `since` is [`KeptLinks::heard`] from before it
    /// was read.
    pub(super) fn keep_link(&mut self, name: &str, link: &Link, since: u64) {
        let kept = Kept {
            link: link.clone(),
            current: self.heard == since,
        };
        self.names.insert(name.to_owned(), link.index);
        self.links.insert(link.index, kept);
    }

    /// Keeps the addresses of an interface, like [`KeptLinks::keep_link`].
    pub(super) fn keep_addresses(&mut self, index: u32, addresses: &[Ipv4Net], since: u64) {
        if self.heard == since {
            self.addresses.insert(index, addresses.to_vec());
        }
    }

    /// Takes a message into account: what it is about is read again the next time.
    pub(super) fn hear(&mut self, heard: Heard) -> Touched {
        match heard {
            Heard::Link(link) => self.changed(&link),
            Heard::Gone(link) => {
                self.heard += 1;
                self.addresses.remove(&link.index);
                let before = self.links.remove(&link.index).map(|kept| kept.link);
                self.names.retain(|_, index| *index != link.index);
                Touched::Names(all_names(before, &link))
            }
            Heard::Port { index, hairpin } => self.port(index, hairpin),
            Heard::Address(index) => {
                self.heard += 1;
                self.addresses.remove(&index);
                match self.links.get(&index) {
                    Some(kept) => Touched::Names(names(&kept.link)),
                    None => Touched::Nobody,
                }
            }
            Heard::Route => Touched::Nobody,
            Heard::Switch => Touched::All,
            Heard::Lost => {
                self.heard += 1;
                self.links.clear();
                self.names.clear();
                self.addresses.clear();
                Touched::All
            }
        }
    }

    /// A bridge tells of a port's timers as well; of what is asked for, only one thing is the port's.
    fn port(&mut self, index: u32, hairpin: Option<bool>) -> Touched {
        let Some(kept) = self.links.get_mut(&index) else {
            self.heard += 1;
            return Touched::Nobody;
        };
        if hairpin == Some(kept.link.hairpin) {
            return Touched::Nobody;
        }
        self.heard += 1;
        kept.current = false;
        kept.link.hairpin = hairpin.unwrap_or_default();
        Touched::Names(names(&kept.link))
    }

    fn changed(&mut self, link: &Link) -> Touched {
        let Some(kept) = self.links.get_mut(&link.index) else {
            self.heard += 1;
            return Touched::Names(names(link));
        };
        // Nothing that anybody asks for: its carrier, its counters, its queue. Every change has its
        // message, so one that says what was read, or what the last one said, is no news.
        if kept.link == *link {
            return Touched::Nobody;
        }
        self.heard += 1;
        kept.current = false;
        let before = std::mem::replace(&mut kept.link, link.clone());
        Touched::Names(all_names(Some(before), link))
    }
}

fn all_names(before: Option<Link>, now: &Link) -> Vec<String> {
    let mut all = names(now);
    if let Some(before) = before {
        all.extend(names(&before));
    }
    all.sort();
    all.dedup();
    all
}

fn names(link: &Link) -> Vec<String> {
    let own = std::iter::once(&link.name);
    own.chain(&link.altnames).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{KeptLinks, Touched};
    use crate::network::observed::Link;
    use crate::network::route_events::Heard;

    fn veth() -> Link {
        Link {
            index: 7,
            name: "ctr-lab-web".to_owned(),
            up: true,
            ..Link::default()
        }
    }

    fn kept() -> KeptLinks {
        let mut kept = KeptLinks::default();
        kept.keep_link("ctr-lab-web", &veth(), 0);
        kept
    }

    fn touched(names: &[&str]) -> Touched {
        Touched::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn what_is_said_again_is_no_news() {
        let mut kept = kept();
        assert_eq!(kept.hear(Heard::Link(veth())), Touched::Nobody);
        assert_eq!(kept.link("ctr-lab-web"), Some(&veth()));
    }

    #[test]
    fn what_changed_is_read_again() {
        let mut kept = kept();
        let down = Link {
            up: false,
            ..veth()
        };
        assert_eq!(
            kept.hear(Heard::Link(down.clone())),
            touched(&["ctr-lab-web"])
        );
        assert_eq!(kept.link("ctr-lab-web"), None);
        // Back as it was, but it was something else in between.
        assert_eq!(kept.hear(Heard::Link(veth())), touched(&["ctr-lab-web"]));
        assert_eq!(kept.link("ctr-lab-web"), None);
        kept.keep_link("ctr-lab-web", &veth(), kept.heard());
        assert_eq!(kept.link("ctr-lab-web"), Some(&veth()));
        let port = |hairpin| Heard::Port { index: 7, hairpin };
        assert_eq!(kept.hear(port(Some(false))), Touched::Nobody);
        assert!(kept.link("ctr-lab-web").is_some());
        assert_eq!(kept.hear(port(Some(true))), touched(&["ctr-lab-web"]));
        assert_eq!(kept.link("ctr-lab-web"), None);
        kept.keep_link("ctr-lab-web", &veth(), kept.heard());
        assert_eq!(kept.hear(port(None)), touched(&["ctr-lab-web"]));
        assert_eq!(kept.link("ctr-lab-web"), None);
    }

    #[test]
    fn a_renamed_one_is_told_to_those_who_know_it_by_either_name() {
        let mut kept = kept();
        let renamed = Link {
            name: "foo".to_owned(),
            ..veth()
        };
        assert_eq!(
            kept.hear(Heard::Link(renamed)),
            touched(&["ctr-lab-web", "foo"])
        );
        assert_eq!(kept.link("ctr-lab-web"), None);
    }

    #[test]
    fn what_was_read_while_something_changed_is_not_kept() {
        let mut kept = KeptLinks::default();
        let since = kept.heard();
        assert_eq!(
            kept.hear(Heard::Link(Link {
                index: 8,
                name: "br-lab".to_owned(),
                ..Link::default()
            })),
            touched(&["br-lab"])
        );
        kept.keep_link("ctr-lab-web", &veth(), since);
        assert_eq!(kept.link("ctr-lab-web"), None);
        kept.keep_addresses(7, &[], since);
        assert_eq!(kept.addresses(7), None);
    }

    #[test]
    fn one_that_is_switched_off_is_always_read() {
        let mut kept = KeptLinks::default();
        let down = Link {
            up: false,
            ..veth()
        };
        kept.keep_link("ctr-lab-web", &down, 0);
        assert_eq!(kept.link("ctr-lab-web"), None);
    }

    #[test]
    fn lost_news_may_be_about_everybody() {
        let mut kept = kept();
        kept.keep_addresses(7, &[], 0);
        assert_eq!(kept.hear(Heard::Address(9)), Touched::Nobody);
        assert_eq!(kept.hear(Heard::Switch), Touched::All);
        assert!(kept.link("ctr-lab-web").is_some());
        assert_eq!(kept.hear(Heard::Lost), Touched::All);
        assert_eq!(kept.link("ctr-lab-web"), None);
        assert_eq!(kept.addresses(7), None);
    }
}
