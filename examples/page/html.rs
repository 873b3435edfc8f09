//! The look of a report, and how text gets into it.

use std::fmt::{Arguments, Write as _};

use super::drawing::Colour;

/// The beginning of a page; [`END`] ends it.
pub(crate) fn head(title: &str) -> String {
    format!("{BEFORE_TITLE}{0}</title>{STYLE}<main><h1>{0}</h1>", escaped(title))
}

pub(crate) const END: &str = "</main></html>\n";

pub(crate) fn add(page: &mut String, text: Arguments<'_>) {
    page.write_fmt(text).expect("a string takes any text");
}

/// For text, and for attributes in double quotes.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

/// Which line has which colour.
pub(crate) fn legend(page: &mut String, names: &[&str], colours: &[Colour]) {
    page.push_str("<p class=legend>");
    for (name, (r, g, b)) in names.iter().zip(colours.iter().cycle()) {
        let name = escaped(name);
        add(page, format_args!("<span><i style='background:rgb({r},{g},{b})'></i>{name}</span> "));
    }
    page.push_str("</p>");
}

const BEFORE_TITLE: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content='width=device-width,initial-scale=1'><title>";

const STYLE: &str = "<style>\
:root{color-scheme:light dark;--ink:#1d2429;--paper:#fbfaf8;--card:#fff;--line:#dcd9d3;--good:#1d7a48;--bad:#c03744;--open:#8a6100}\
@media(prefers-color-scheme:dark){:root{--ink:#dfe3e6;--paper:#14181b;--card:#1b2024;--line:#343b41;--good:#5cc48d;--bad:#f0808a;--open:#dba63f}}\
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:1120px;margin:auto;padding:1rem}h1{line-height:1.2}h2{margin:0;font-size:1.1rem}p{max-width:75ch;margin:.4rem 0}\
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem;margin:1rem 0}\
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:.5rem 1rem}\
figure{margin:0}figcaption{font-weight:600}svg{width:100%;height:auto;display:block}.legend span{margin-right:1rem;white-space:nowrap}\
.legend i{display:inline-block;width:.9em;height:.9em;border-radius:2px;margin-right:.4em;vertical-align:-.1em}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;text-align:left;border-bottom:1px solid var(--line)}\
th{padding-top:1rem}.figure{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.met{color:var(--good);font-weight:600}\
.missed{color:var(--bad);font-weight:600}.open{color:var(--open);font-weight:600;white-space:nowrap}.why{font-size:.85rem;min-width:12rem}pre{margin:.4rem 0;font-size:.85rem}</style>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_a_part_of_the_page() {
        let page = head("<script>alert(\"1\")</script> & more");
        assert!(!page.contains("<script>"));
        assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; more"));
    }
}
