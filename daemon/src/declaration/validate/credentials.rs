//! Secrets: each from one place, at a place in the guest that nothing else takes.

use std::path::Path;

use super::{DeclaredContainer, elements};
use crate::declaration::collect::Collector;
use crate::declaration::file::{Credential, Port, Table as _};
use crate::declaration::place::quote;
use crate::declaration::suggest::closest;
use crate::model::{CREDENTIALS_IN_GUEST, CREDENTIALS_VARIABLE};

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let container = declared.container;
    let credentials = container.credentials.iter().flat_map(|it| &it.value.0);
    for entry in credentials.clone() {
        one_source(&entry.name.value.to_string(), &entry.value, problems);
    }
    let names: Vec<&str> = credentials.map(|it| it.name.value.as_str()).collect();
    // A table that was not understood says nothing about what is in it.
    let all_known =
        !container.written().contains(&"credentials") || container.credentials.is_some();
    for port in elements(container.ports.as_ref()) {
        token(&port.value, all_known.then_some(names.as_slice()), problems);
    }
    if names.is_empty() {
        return;
    }
    in_the_way(declared, problems);
}

fn one_source(name: &str, credential: &Credential, problems: &mut Collector) {
    let path = credential.written().contains(&"path");
    let generate = credential.generate.as_ref();
    match (path, generate) {
        (true, Some(generate)) if generate.value => {
            problems
                .error(
                    &generate.place,
                    format!("the credential {name} is either a file of the host or made by ctrd"),
                )
                .hint("remove `path` or `generate`");
        }
        (false, Some(generate)) if !generate.value => {
            problems
                .error(
                    &generate.place,
                    format!("the credential {name} comes from nowhere"),
                )
                .hint("write `generate = true`, or the `path` of a file that holds it");
        }
        (false, None) if !credential.written().contains(&"generate") => {
            problems
                .error(
                    &credential.place,
                    format!("the credential {name} comes from nowhere"),
                )
                .hint("add the `path` of a file that holds it, or `generate = true`");
        }
        _ => {}
    }
}

/// `names` is `None` where it is not known which credentials there are.
fn token(port: &Port, names: Option<&[&str]>, problems: &mut Collector) {
    let Some(token) = &port.token else { return };
    let name = token.value.as_str();
    if let Some(names) = names.filter(|names| !names.contains(&name)) {
        let recorded = problems.error(
            &token.place,
            format!("{} is no credential of this container", quote(name)),
        );
        match closest(name, names.iter().copied()) {
            Some(meant) => recorded.hint(format!("did you mean \"{meant}\"?")),
            None => recorded.hint(format!(
                "declare it: credentials = {{ \"{name}\" = {{ generate = true }} }}"
            )),
        };
    }
    if !port.written().contains(&"url") {
        problems
            .error(
                &token.place,
                "`token` is a part of the port's address, and it has none",
            )
            .hint("add url = \"http\", or remove `token`");
    }
}

/// What is declared besides may not stand where the credentials do.
fn in_the_way(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let container = declared.container;
    let place = Path::new(CREDENTIALS_IN_GUEST);
    let binds = elements(container.binds.as_ref())
        .iter()
        .filter_map(|bind| bind.value.guest.as_ref())
        .map(|guest| (guest.value.0.as_path(), &guest.place));
    let files = container
        .files
        .iter()
        .flat_map(|files| &files.value.0)
        .map(|file| (file.name.value.0.as_path(), &file.name.place));
    for (path, at) in binds
        .chain(files)
        .filter(|(path, _)| path.starts_with(place))
    {
        problems
            .error(
                at,
                format!(
                    "{} in the guest belongs to the container's credentials",
                    path.display()
                ),
            )
            .hint("choose another path in the guest");
    }
    let variables = container.environment.iter().flat_map(|it| &it.value.0);
    for variable in variables.filter(|it| it.name.value.0 == CREDENTIALS_VARIABLE) {
        problems
            .error(
                &variable.name.place,
                format!("{CREDENTIALS_VARIABLE} is set by ctrd: it says where the credentials are"),
            )
            .hint("remove it, or the container's `credentials`");
    }
}
