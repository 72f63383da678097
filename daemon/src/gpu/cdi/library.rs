//! Where a guest's dynamic loader looks by itself.

use std::path::{Path, PathBuf};

/// The folders that `ld.so(8)` searches without being told, and those of Debian's multiarch layout for
/// the processor that this is built for.
const SEARCHED: [&str; 4] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"];

/// Those of a specification's library folders that a guest's loader has to be told of, in their order.
pub fn extra_library_folders(folders: &[PathBuf]) -> Vec<PathBuf> {
    let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
    let searched = |folder: &Path| {
        let parent = folder.parent();
        SEARCHED.iter().any(|it| folder == Path::new(it))
            || (folder.ends_with(&triplet)
                && SEARCHED[..2].iter().any(|it| parent == Some(Path::new(it))))
    };
    let mut extra: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if !searched(folder) && !extra.contains(folder) {
            extra.push(folder.clone());
        }
    }
    extra
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::extra_library_folders;

    #[test]
    fn only_what_the_loader_does_not_search_is_told() {
        let own = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        let nested = format!("{own}/vdpau");
        let folders = [
            "/usr/lib64",
            &own,
            &nested,
            "/opt/x/lib",
            "/usr/lib/sparc64-linux-gnu",
            &nested,
            "/lib",
        ];
        let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
        let wanted = [&nested, "/opt/x/lib", "/usr/lib/sparc64-linux-gnu"];
        assert_eq!(
            extra_library_folders(&folders),
            wanted.map(PathBuf::from).to_vec()
        );
    }
}
