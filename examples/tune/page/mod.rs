//! What the page is made of: the look of all reports, and drawings of its own.

pub(crate) mod drawing;
#[path = "../../page/html.rs"]
pub(crate) mod html;
