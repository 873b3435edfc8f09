//! What the reports of the examples are made of: one HTML file that needs nothing else, neither
//! script nor net.

pub(crate) mod drawing;
pub(crate) mod html;
