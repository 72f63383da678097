//! How a declaration is written decides nothing.

use proptest::prelude::*;

use super::cases;
use super::declarations::{bytes, model};
use super::written::toml;
use crate::declaration::parse;

fn read(text: &str) -> std::sync::Arc<crate::model::Model> {
    match parse("declaration.toml", text.as_bytes()) {
        Ok(parsed) => parsed.model,
        Err(problems) => panic!("{problems}\n{text}"),
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_declaration_in_any_order_is_the_same_model(bytes in bytes(), order: u64) {
        let model = model(&bytes);
        prop_assert_eq!(&*read(&toml(&model, 0)), &model);
        prop_assert_eq!(&*read(&toml(&model, order)), &model);
    }
}
