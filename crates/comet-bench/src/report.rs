//! What the bench hands out: a table for people (which is Markdown as well) and JSON for machines.
//! The comparison itself is made in `verdict`.

mod json;
mod table;

pub use json::write_json;
pub use table::write_table;
