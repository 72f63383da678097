//! Containers and groups are declared, and declared no more.

use crate::guests::{BOOTS, EVERYTHING, booted, bystander, declaration, group, sleeper};
use crate::scenario::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let lab = |web: &[String]| group("lab", 3, &[&[bystander()], web].concat());
    let everything = sleeper("web", 11, EVERYTHING);
    let (without, with) = (
        declaration(&[lab(&[])]),
        declaration(&[lab(std::slice::from_ref(&everything))]),
    );
    let ephemeral = declaration(&[lab(&[sleeper(
        "web",
        11,
        "autostart = true\nephemeral = true",
    )])]);
    let boots = declaration(&[lab(&[booted("web", 11, "")])]);
    let red = |net: u8| group("red", net, &[sleeper("one", 11, "autostart = true")]);
    let group_too = declaration(&[lab(&[]), red(4)]);
    // Whoever publishes the port waits for who did.
    let published = "autostart = true\nports = [{ port = 8080, publish = { host-port = 18080 } }]";
    let named = |name: &str, net: u8| {
        let group = group(name, net, &[sleeper("one", 11, published)]);
        declaration(&[lab(&[]), group])
    };
    let two = |red: u8, blue: u8| {
        let of = |name: &str, net: u8| group(name, net, &[sleeper("one", 11, "autostart = true")]);
        declaration(&[lab(&[]), of("red", red), of("blue", blue)])
    };
    vec![
        Scenario::declared("container declared", &without, &with).starting_from_nothing("lab-web"),
        Scenario::declared("container undeclared", &with, &without),
        Scenario::declared("container that boots declared", &without, &boots)
            .starting_from_nothing("lab-web")
            .shallow(BOOTS),
        Scenario::declared("ephemeral container undeclared", &ephemeral, &without),
        Scenario::declared("group declared", &without, &group_too).starting_from_nothing("red-one"),
        Scenario::declared("group undeclared", &group_too, &without),
        Scenario::declared("group renamed", &named("old", 4), &named("new", 4)),
        Scenario::declared("subnet moved", &named("red", 4), &named("red", 5)),
        Scenario::declared("subnets swapped", &two(4, 5), &two(5, 4)),
        // It takes everything away; cut, it has not, and what is declared comes up again.
        Scenario {
            may_start: vec!["ctr-lab-web.service", "ctr-lab-by.service"],
            ..Scenario::asked("down", &with, "true", "ctr down --yes")
        },
    ]
}
