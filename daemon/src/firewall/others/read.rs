//! The tables of the host, read.

use std::path::Path;

use super::listing::Ruleset;
use crate::firewall::NftError;
use crate::firewall::nft::nft;

/// Lists everything there is, twice: what nft's JSON only names, its text has. A change between the two
/// is another change that is heard of, and then looked at.
pub async fn read(program: &Path) -> Result<Ruleset, NftError> {
    let what = "list the rules of others";
    let json = nft(program, what, &["-s", "-j", "list", "ruleset"], "").await?;
    let text = nft(program, what, &["-s", "-a", "list", "ruleset"], "").await?;
    let parsed = tokio::task::spawn_blocking(move || Ruleset::parse(&json, &text)).await;
    match parsed {
        Ok(Ok(ruleset)) => Ok(ruleset),
        Ok(Err(source)) => Err(NftError::Listing {
            program: program.display().to_string(),
            source,
        }),
        Err(_) => Ok(Ruleset::default()),
    }
}
