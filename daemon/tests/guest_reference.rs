//! docs/reference/guest.md says what a guest gets, as the code has it; `CTR_BLESS=1` writes it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use ctrd::declaration::parse;
use ctrd::machine::confinement::{
    ADDRESS_FAMILIES, Confinement, DEVICES, LOG_BURST, LOG_INTERVAL_USEC, bounds,
};
use ctrd::model::{Capability, Container};

const BEGIN: &str = "<!-- tables: written by the tests -->\n";
const END: &str = "<!-- end of tables -->\n";

const KINDS: &str = r#"
schema = 1

[groups.of]
subnet = "10.77.3.0/24"
host-address = "10.77.3.10"

[groups.of.containers.boots]
address = "10.77.3.11"
root = { tree = "/srv/tree" }

[groups.of.containers.command]
address = "10.77.3.12"
root = { tree = "/srv/tree" }
command = ["/usr/bin/true"]

[groups.of.containers.host-boots]
address = "10.77.3.13"
users = "host"
root = { tree = "/srv/tree" }

[groups.of.containers.host-command]
address = "10.77.3.14"
users = "host"
root = { tree = "/srv/tree" }
command = ["/usr/bin/true"]
"#;

const HEAD: &str =
    "boots | command | boots, host's users | command, host's users |\n|---|---|---|---|---|\n";

fn kinds() -> Vec<Container> {
    let model = parse("kinds", KINDS.as_bytes())
        .expect("a declaration")
        .model;
    let mut kinds: Vec<_> = model.containers().cloned().collect();
    // Their addresses are in the order of the columns.
    kinds.sort_by_key(|it| it.address);
    kinds
}

fn row<T: std::fmt::Display>(text: &mut String, first: &str, cells: impl Iterator<Item = T>) {
    let cells: Vec<String> = cells.map(|cell| cell.to_string()).collect();
    let _ = writeln!(text, "| {first} | {} |", cells.join(" | "));
}

fn yes(it: bool) -> &'static str {
    if it { "yes" } else { "–" }
}

fn tables() -> String {
    let kinds = kinds();
    let confined: Vec<_> = kinds.iter().map(Confinement::of).collect();
    let mut text = format!("\n## Capabilities\n\n| Capability | {HEAD}");
    for capability in Capability::ALL {
        if confined
            .iter()
            .any(|it| it.capabilities.contains(capability))
        {
            let cells = confined
                .iter()
                .map(|it| yes(it.capabilities.contains(capability)));
            row(&mut text, &format!("`{capability}`"), cells);
        }
    }
    let _ = write!(text, "\n## Rights and system calls\n\n| | {HEAD}");
    row(
        &mut text,
        "setuid programs, `sudo`",
        confined.iter().map(|it| yes(!it.no_new_privileges)),
    );
    let all: BTreeSet<_> = confined.iter().flat_map(|it| &it.denied_calls).collect();
    for call in all {
        row(
            &mut text,
            &format!("`{call}`"),
            confined
                .iter()
                .map(|it| yes(!it.denied_calls.contains(call))),
        );
    }
    let _ = write!(
        text,
        "\n## What each of its users may hold of the kernel\n\n| | {HEAD}"
    );
    for (name, _) in bounds(&kinds[0]) {
        let most = |it: &Container| {
            let bound = bounds(it).iter().find(|(other, _)| other == name);
            bound.map_or_else(
                || "as root of the host".to_owned(),
                |(_, most)| most.to_string(),
            )
        };
        row(&mut text, &format!("`{name}`"), kinds.iter().map(most));
    }
    let seconds = LOG_INTERVAL_USEC / 1_000_000;
    let families = ADDRESS_FAMILIES.map(|it| format!("`{it}`")).join(", ");
    let devices = DEVICES
        .map(|(node, mode)| format!("`{node} {mode}`"))
        .join(", ");
    let _ = write!(
        text,
        "\n## Every guest alike\n\n| | |\n|---|---|\n\
         | Sockets | {families} |\n\
         | Devices, besides `null`, `zero`, `full`, `random`, `urandom` and `tty` | {devices} (`m`: made, and not opened) |\n\
         | Lines in the host's journal | {LOG_BURST} in {seconds} s, more where its disk has much room |\n\
         | Core dumps | none |\n\
         | Processes and threads | 16384, or `tasks-max` |\n\n"
    );
    text
}

#[test]
fn the_reference_says_what_a_guest_gets() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/guest.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (head, rest) = page.split_once(BEGIN).expect("where the tables begin");
    let (_, tail) = rest.split_once(END).expect("where they end");
    let expected = format!("{head}{BEGIN}{}{END}{tail}", tables());
    if std::env::var_os("CTR_BLESS").is_some() {
        std::fs::write(&path, &expected).expect("written");
    }
    assert_eq!(
        std::fs::read_to_string(&path).expect("the page"),
        expected,
        "CTR_BLESS=1 rewrites it"
    );
}
