//! From typed names to containers, with "did you mean" for the others.

use ctr_api::wire::{ContainerStatus, GroupStatus, HostStatus};

use crate::error::{Error, Exit};

/// The group called `name`.
pub(crate) fn group<'a>(host: &'a HostStatus, name: &str) -> Result<&'a GroupStatus, Error> {
    host.groups
        .iter()
        .find(|group| group.name == name)
        .ok_or_else(|| no_group(host, name))
}

/// The containers called `names`, each once; every one of the group where none is named.
pub(crate) fn containers<'a>(
    host: &'a HostStatus,
    group_name: &str,
    names: &[String],
) -> Result<Vec<&'a ContainerStatus>, Error> {
    let group = group(host, group_name)?;
    if names.is_empty() {
        return Ok(group.containers.iter().collect());
    }
    let mut found: Vec<&ContainerStatus> = Vec::with_capacity(names.len());
    for name in names {
        let container = container_in(group, name)?;
        if !found.iter().any(|it| it.name == container.name) {
            found.push(container);
        }
    }
    Ok(found)
}

/// The one container called `name`.
pub(crate) fn container<'a>(
    host: &'a HostStatus,
    group_name: &str,
    name: &str,
) -> Result<&'a ContainerStatus, Error> {
    container_in(group(host, group_name)?, name)
}

/// A name goes before an alias, and both before the machine name.
fn container_in<'a>(group: &'a GroupStatus, name: &str) -> Result<&'a ContainerStatus, Error> {
    let all = &group.containers;
    all.iter()
        .find(|it| it.name == name)
        .or_else(|| {
            all.iter()
                .find(|it| it.aliases.iter().any(|alias| alias == name))
        })
        .or_else(|| all.iter().find(|it| it.machine == name))
        .ok_or_else(|| no_container(group, name))
}

fn no_group(host: &HostStatus, name: &str) -> Error {
    let known: Vec<_> = host
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    Error::new(Exit::NO_SUCH, format!("there is no group `{name}`"))
        .hint(suggestion(name, &known, &known, "groups"))
}

fn no_container(group: &GroupStatus, name: &str) -> Error {
    let names: Vec<_> = group.containers.iter().map(|it| it.name.as_str()).collect();
    let aliases = group
        .containers
        .iter()
        .flat_map(|it| &it.aliases)
        .map(String::as_str);
    let candidates: Vec<_> = names.iter().copied().chain(aliases).collect();
    Error::new(
        Exit::NO_SUCH,
        format!("there is no container `{name}` in {}", group.name),
    )
    .hint(suggestion(
        name,
        &candidates,
        &names,
        &format!("containers of {}", group.name),
    ))
}

fn suggestion(typed: &str, candidates: &[&str], listed: &[&str], what: &str) -> String {
    let list = if listed.is_empty() {
        format!("there are no {what}; they are declared in /etc/ctr/containers.toml")
    } else {
        format!("the {what} are {}", listed.join(", "))
    };
    match closest(typed, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {list}"),
        None => list,
    }
}

/// The candidate that was probably meant: a few letters off, or one that begins like it.
pub(crate) fn closest<'a>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    candidates
        .into_iter()
        .map(|it| (strsim::jaro_winkler(typed, it), it))
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, it)| it)
}

#[cfg(test)]
mod tests {
    use super::{container, containers, group};
    use crate::error::{Error, Exit};
    use crate::render::Paint;
    use crate::sample;

    fn text(error: &Error) -> String {
        assert_eq!(error.exit, Exit::NO_SUCH);
        error.render(Paint::plain())
    }

    #[test]
    fn an_alias_and_the_machine_name_are_as_good_as_the_name() {
        let host = sample::host();
        for name in ["postgres", "pg", "dev-postgres"] {
            let found = container(&host, "dev", name).expect("declared");
            assert_eq!(found.name, "postgres");
        }
    }

    #[test]
    fn the_same_container_is_taken_once() {
        let host = sample::host();
        let names = ["pg".to_owned(), "postgres".to_owned()];
        assert_eq!(containers(&host, "dev", &names).expect("declared").len(), 1);
    }

    #[test]
    fn a_wrong_name_gets_the_near_one_and_the_list() {
        let host = sample::host();
        let error = container(&host, "ml", "olama").expect_err("misspelt");
        assert_eq!(
            text(&error),
            "error: there is no container `olama` in ml\n\
             hint: did you mean `ollama`? the containers of ml are ollama, jupyter, comfyui, vllm\n"
        );
    }

    #[test]
    fn a_wrong_group_gets_the_list_alone_where_nothing_is_near() {
        let host = sample::host();
        let error = group(&host, "production").expect_err("not declared");
        assert_eq!(
            text(&error),
            "error: there is no group `production`\nhint: the groups are dev, ml\n"
        );
    }
}
