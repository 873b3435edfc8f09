//! The console in a real browser: what people see of an overload, and that nothing else
//! happens there.
//!
//! `CHROMIUM` tells which browser, else it is `chromium`. With `SCREENSHOTS=docs/console` the
//! pictures are kept; with `SCREENSHOTS_OF=http://127.0.0.1:9090/console/` they are of the
//! console there, such as that of the example.

#![cfg(all(feature = "console", unix))]

mod devtools;
mod shop;

use std::{env, fs, path::Path};

use brownout::{AdmissionBuilder, Circuit};
use devtools::Page;
use shop::Shop;

const STATEMENTS: [&str; 2] = ["product by id", "search by words"];

/// The element of the plot with this title, or of what is in it.
fn plot(title: &str, inside: &str) -> String {
    format!(
        "[...document.querySelectorAll('figure')].find((figure) => \
         figure.querySelector('h3').textContent.startsWith('{title}')).querySelector('{inside}')"
    )
}

const IS_LIVE: &str = "document.getElementById('stream').textContent === 'Live'";
const SENTENCE: &str = "document.getElementById('sentence').textContent";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn an_overload_is_seen_and_so_is_its_end() {
    let shop = Shop::open("shop", STATEMENTS);
    let server = shop.serve_at("127.0.0.1:0");
    let mut page = Page::open().await;
    page.go(&server.url()).await;

    page.wait_for(IS_LIVE).await;
    page.wait_for(&format!("{SENTENCE} === 'All is well.'")).await;
    let line = plot("Admitted", "path.area.full");
    page.wait_for(&format!("{line}?.getAttribute('d').length > 40")).await;
    page.wait_for(&plot("Circuit", ".state-closed")).await;
    let would = plot("Would have refused", "h3");
    assert_eq!(page.value(&format!("{would}.checkVisibility()")).await, false);
    let refused = format!("{}.textContent", plot("Refused per second, by priority", ".legend b"));
    page.wait_for(&format!("{refused} === '0'")).await;
    page.wait_for("document.body.innerText.includes('search by words')").await;
    let before = page.text(&format!("{line}.getAttribute('d')")).await;

    let overload = shop.overload().await;
    assert_eq!(shop.admission.breaker().circuit(), Circuit::Open);
    page.wait_for(&format!("{SENTENCE}.includes('the circuit of shop is forced open')")).await;
    page.wait_for("document.getElementById('said').textContent.includes('is forced open')").await;
    page.wait_for("document.getElementById('verdict').dataset.health === 'down'").await;
    page.wait_for(&plot("Circuit", "g, svg[role=img] .state-open")).await;
    page.wait_for(&format!("Number({refused}) > 0")).await;
    let reasons = format!("{}.textContent", plot("Refused per second, by reason", ".legend"));
    page.wait_for(&format!("{reasons}.includes('circuit open')")).await;
    let in_flight = format!("{}.textContent", plot("Limit", ".legend b"));
    page.wait_for(&format!("{in_flight} === '{}'", shop::LIMIT)).await;
    let slowdown = format!("parseFloat({}.textContent)", plot("Slowdown", ".legend b"));
    page.wait_for(&format!("{slowdown} > 4")).await;
    let log = "document.getElementById('transitions').textContent";
    page.wait_for(&format!("{log}.includes('from closed to open: forced')")).await;
    assert_ne!(page.text(&format!("{line}.getAttribute('d')")).await, before);

    drop(overload);
    page.wait_for(&format!("!{SENTENCE}.includes('is forced open')")).await;
    page.wait_for(&format!("{in_flight} !== '{}'", shop::LIMIT)).await;
    page.wait_for(&plot("Circuit", "svg[role=img] .state-open ~ rect:not(.state-open)")).await;

    assert!(page.complaints().is_empty(), "{:#?}", page.complaints());
    let ours = |url: &&str| url.starts_with(&server.url()) || url.starts_with("data:");
    let requests = page.requests();
    assert!(requests.len() >= 5 && requests.iter().all(ours), "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn what_would_be_refused_is_seen_where_nothing_is_enforced() {
    let shop = Shop::open_with("shop", STATEMENTS, AdmissionBuilder::report_only);
    let server = shop.serve_at("127.0.0.1:0");
    let mut page = Page::open().await;
    page.go(&server.url()).await;
    page.wait_for(&format!("{SENTENCE}.endsWith('nothing is enforced, the gates only report.')"))
        .await;
    page.wait_for(
        "document.getElementById('level-text').textContent.endsWith('would be left out')",
    )
    .await;
    let title = plot("Would have refused", "h3");
    page.wait_for(&format!("{title}.checkVisibility()")).await;
    page.wait_for(&format!("{}.textContent === '0'", plot("Would have refused", ".legend b")))
        .await;

    let full = shop.fill().await;
    let legend = plot("Would have refused", ".legend");
    page.wait_for(&format!("{legend}.textContent.startsWith('queue full')")).await;
    page.wait_for(&format!("Number({}.textContent) > 0", plot("Would have refused", ".legend b")))
        .await;
    page.wait_for(&plot("Would have refused", "path.area.full")).await;
    let refused = format!("{}.textContent", plot("Refused per second, by reason", ".legend b"));
    assert_eq!(page.text(&refused).await, "0");
    for width in [1440, 360] {
        page.look((width, 900), "light").await;
        page.wait_for("document.documentElement.scrollWidth <= innerWidth").await;
        assert_eq!(page.text(include_str!("contrast.js")).await, "", "{width}");
    }
    drop(full);
    assert!(page.complaints().is_empty(), "{:#?}", page.complaints());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn a_lost_connection_is_told_and_found_again_with_its_history() {
    let shop = Shop::open("shop", STATEMENTS);
    let server = shop.serve_at("127.0.0.1:0");
    let (address, url) = (server.address.to_string(), server.url());
    let mut page = Page::open().await;
    page.go(&url).await;
    page.wait_for(IS_LIVE).await;
    let points = format!("{}.getAttribute('d').length", plot("Admitted", "path.area.full"));
    page.wait_for(&format!("{points} > 60")).await;
    let before = page.value(&points).await;
    drop(server);
    let stream = "document.getElementById('stream').textContent";
    page.wait_for(&format!("/^Connection lost, last data \\d\\d:\\d\\d:\\d\\d/.test({stream})"))
        .await;
    page.wait_for("document.body.classList.contains('stale')").await;
    let server = shop.serve_at(&address);
    page.wait_for(IS_LIVE).await;
    page.wait_for("!document.body.classList.contains('stale')").await;
    page.wait_for(&format!("{points} > {before}")).await;
    let gaps = format!("{}.querySelectorAll('path').length", plot("Admitted", "g.tone-blue"));
    assert_eq!(page.value(&gaps).await, 1, "what was meanwhile is there, too");
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn names_are_text_and_the_policy_holds() {
    let hostile = "</script><script>window.harm = 1</script><img src=x onerror='window.harm = 1'>";
    let shop = Shop::open("<b onclick=alert(1)>shop</b>", [hostile, "search by words"]);
    let server = shop.serve_at("127.0.0.1:0");
    let mut page = Page::open().await;
    page.go(&server.url()).await;
    let overload = shop.overload().await;
    page.wait_for("document.body.innerText.includes(\"<img src=x onerror='window.harm\")").await;
    page.wait_for("document.querySelector('h2').isConnected").await;
    page.wait_for(&format!("{SENTENCE}.includes('<b onclick=alert(1)>shop</b>')")).await;
    let made = "document.querySelectorAll('main img, main script, main h2 b, main h1 b').length";
    assert_eq!(page.value(made).await, 0);
    assert_eq!(page.value("typeof window.harm").await, "undefined");
    assert!(page.complaints().is_empty(), "{:#?}", page.complaints());
    drop(overload);

    let breach = "new Promise((told) => {
        document.addEventListener('securitypolicyviolation', (event) => told(event.effectiveDirective));
        document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }));
    })";
    assert_eq!(page.text(breach).await, "img-src");
    let inline = "try { document.body.innerHTML = '<p>'; 'done' } catch (error) { error.name }";
    assert_eq!(page.text(inline).await, "TypeError");
    assert!(!page.complaints().is_empty(), "a breach would have been heard");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium"]
async fn it_is_read_on_a_phone_in_the_dark_and_by_keyboard() {
    let shop = Shop::open("shop", STATEMENTS);
    let server = shop.serve_at("127.0.0.1:0");
    let mut page = Page::open().await;
    let url = env::var("SCREENSHOTS_OF").unwrap_or_else(|_| server.url());
    page.go(&url).await;
    page.wait_for(&plot("Latency", "path")).await;
    for (size, shape) in [((1440, 900), "desktop"), ((360, 780), "phone")] {
        for scheme in ["light", "dark"] {
            page.look(size, scheme).await;
            let drawn = plot("Latency", "svg");
            page.wait_for(&format!("{drawn}.clientWidth <= {drawn}.parentElement.clientWidth"))
                .await;
            let wide = "document.documentElement.scrollWidth <= innerWidth";
            assert_eq!(page.value(wide).await, true, "{shape} {scheme}");
            let faint = page.text(include_str!("contrast.js")).await;
            assert_eq!(faint, "", "{shape} {scheme}");
            keep(&page.picture().await, &format!("{shape}-{scheme}.png"));
        }
    }
    let said = format!("{}.getAttribute('aria-valuetext')", plot("Limit", "[role=slider]"));
    // On the last sample the cursor is none, so that neither key may come to that.
    let points = format!("{}.getAttribute('d').split('L').length", plot("Limit", ".canvas .line"));
    page.wait_for(&format!("{points} > 4")).await;
    page.value(&format!("{}.focus()", plot("Limit", "[role=slider]"))).await;
    for key in ["Home", "ArrowRight"] {
        page.press(key).await;
        page.wait_for(&plot("Latency", ".cursor")).await;
    }
    let then = page.text(&said).await;
    assert!(then.contains("in flight ") && then.contains("limit "), "{then}");
    page.press("Escape").await;
    page.wait_for(&format!("!{}", plot("Latency", ".cursor"))).await;
    let now = page.text(&said).await;
    assert_ne!(now.split(',').next(), then.split(',').next(), "it is later");
    let nameless = "[...document.querySelectorAll('section')].filter((section) => \
        !section.getAttribute('aria-label') && !section.getAttribute('aria-labelledby')).length";
    assert_eq!(page.value(nameless).await, 0);
    let details = plot("Limit", "summary");
    page.value(&format!("{details}.click()")).await;
    page.wait_for(&format!(
        "{} && {}.rows.length === 3",
        plot("Limit", "table"),
        plot("Limit", "table")
    ))
    .await;
    assert!(page.complaints().is_empty(), "{:#?}", page.complaints());
}

/// Where the pictures for the documentation go, if they are asked for.
fn keep(picture: &str, name: &str) {
    assert!(picture.len() > 10_000, "{name} is empty");
    let Ok(folder) = env::var("SCREENSHOTS") else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::create_dir_all(&folder).expect("it can be made");
    fs::write(folder.join(name), decoded(picture)).expect("it can be written");
}

/// Base64, without spaces.
fn decoded(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(value).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let number = four.iter().fold(0, |sum, digit| sum << 6 | u32::from(*digit));
        let number = number << (6 * (4 - four.len()));
        number.to_be_bytes()[1..four.len()].to_vec()
    });
    bytes.collect()
}
