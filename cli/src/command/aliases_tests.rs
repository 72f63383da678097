use super::{aliases, script};
use crate::args::Shell;
use crate::sample;

#[test]
fn the_old_words_are_there() {
    let aliases = aliases(&sample::host());
    for (old, new) in [
        ("ml-ollama-enter", "ctr ml enter ollama"),
        ("ml-jupyter-status", "ctr ml status jupyter"),
        ("ml-vllm-stop", "ctr ml stop vllm"),
        ("ollama-list", "ctr ml run ollama list"),
        ("dev-ml-start", "ctr dev start dev-ml"),
        ("dev-pg-enter", "ctr dev enter postgres"),
        ("dev-pg-psql", "ctr dev run postgres psql"),
        ("dev-proxy-start", "ctr dev start proxy"),
        ("ml-status-all", "ctr ml status-all"),
        ("dev-stop-all", "ctr dev stop-all"),
    ] {
        assert_eq!(
            aliases.get(old).map(|it| it.join(" ")).as_deref(),
            Some(new),
            "{old}"
        );
    }
}

#[test]
fn an_action_needs_its_group_where_two_groups_have_the_name() {
    let mut host = sample::host();
    let mut twin = host.groups[1].containers[0].clone();
    twin.group = "dev".to_owned();
    twin.machine = "dev-ollama".to_owned();
    host.groups[0].containers.push(twin);
    let aliases = aliases(&host);
    assert!(!aliases.contains_key("ollama-list"));
    assert!(aliases.contains_key("ml-ollama-list"));
}

#[test]
fn each_shell_gets_its_own_form() {
    let bash = script(&sample::host(), Shell::Bash);
    assert!(
        bash.contains("alias dev-pg-psql='ctr dev run postgres psql'\n"),
        "{bash}"
    );
    assert_eq!(bash, script(&sample::host(), Shell::Zsh));
    let fish = script(&sample::host(), Shell::Fish);
    assert!(
        fish.contains("alias dev-pg-psql 'ctr dev run postgres psql'\n"),
        "{fish}"
    );
}

#[test]
fn a_word_that_a_shell_would_split_is_quoted_twice() {
    let mut host = sample::host();
    host.groups[1].containers[0].name = "o'l lama".to_owned();
    host.groups[1].containers[0].machine = "ml-ollama".to_owned();
    let bash = script(&host, Shell::Bash);
    let wanted = r"alias ml-ollama-enter='ctr ml enter '\''o'\''\'\'''\''l lama'\'''";
    assert!(bash.contains(wanted), "{bash}");
    let fish = script(&host, Shell::Fish);
    assert!(
        fish.contains(r"alias ml-ollama-enter 'ctr ml enter \'o\\\'l lama\''"),
        "{fish}"
    );
}

#[test]
fn a_name_that_is_no_alias_is_left_out() {
    let mut host = sample::host();
    host.groups[1].containers[0].aliases = vec!["a;b".to_owned()];
    assert!(!script(&host, Shell::Bash).contains(';'));
}
