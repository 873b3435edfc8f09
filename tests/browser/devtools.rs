//! A headless Chromium, spoken to over its DevTools protocol through a pipe: no port, and
//! nothing to install but the browser.

use std::{env, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep},
};

/// What there is to see, and whether it is drawn and listens to keys.
const LOOK: &str = "`focus ${document.hasFocus()} on ${document.activeElement?.outerHTML.slice(0, 200)}, \
    ${document.visibilityState}\n${document.body.innerText}`";

/// One page in a browser of its own, which ends with it.
pub(crate) struct Page {
    _browser: Child,
    _profile: TempDir,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    calls: u64,
    session: Option<String>,
    /// What it told of by itself.
    heard: Vec<Value>,
}

impl Page {
    /// An empty one, with everything listened to that may be wrong with it.
    pub(crate) async fn open() -> Self {
        let profile = tempfile::tempdir().expect("there is a place for it");
        // Its descriptors 3 and 4 are the pipe.
        let script = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
        let program = env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into());
        let folder = format!("--user-data-dir={}", profile.path().display());
        let mut browser = Command::new("sh")
            .args(["-c", script, &program, "--headless", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe"])
            .args([&folder, "about:blank"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("there is a shell");
        let input = browser.stdin.take().expect("it is piped");
        let output = BufReader::new(browser.stdout.take().expect("it is piped"));
        let (calls, session, heard) = (0, None, Vec::new());
        let mut page =
            Self { _browser: browser, _profile: profile, input, output, calls, session, heard };
        page.attach().await;
        page
    }

    async fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let how = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call("Target.attachToTarget", how).await;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
        // No window has the focus here, and one without it neither takes keys nor draws for sure.
        self.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
    }

    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        self.input.write_all(format!("{call}\0").as_bytes()).await.expect("it listens");
        loop {
            let mut message = self.next().await;
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.heard.push(message);
        }
    }

    async fn next(&mut self) -> Value {
        let mut message = Vec::new();
        self.output.read_until(0, &mut message).await.expect("it can be read");
        let message = message.strip_suffix(&[0]).expect("the browser is there: is CHROMIUM right?");
        serde_json::from_slice(message).expect("it is JSON")
    }

    pub(crate) async fn go(&mut self, url: &str) {
        let went = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(went["errorText"].is_null(), "{went}");
    }

    /// What the expression is, once it is settled.
    pub(crate) async fn value(&mut self, expression: &str) -> Value {
        let how = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut found = self.call("Runtime.evaluate", how).await;
        assert!(found["exceptionDetails"].is_null(), "{expression}: {found}");
        found["result"]["value"].take()
    }

    pub(crate) async fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression).await;
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// Waits until it is true. What it asks for may not be there yet.
    pub(crate) async fn wait_for(&mut self, expression: &str) {
        let late = Instant::now() + Duration::from_secs(60);
        let tried = format!("(() => {{ try {{ return Boolean({expression}) }} catch {{ }} }})()");
        while self.value(&tried).await != true {
            if Instant::now() > late {
                let page = self.text(LOOK).await;
                panic!("never: {expression}\n{page}\n{:#?}", self.complaints());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// As wide and high in CSS pixels, with this `prefers-color-scheme`.
    pub(crate) async fn look(&mut self, (width, height): (u32, u32), scheme: &str) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// A picture of the page from top to bottom, in Base64.
    pub(crate) async fn picture(&mut self) -> String {
        let how = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.call("Page.captureScreenshot", how).await;
        picture["data"].as_str().expect("it is text").to_owned()
    }

    /// Errors, warnings, exceptions and breaches of the policy, so far.
    pub(crate) fn complaints(&self) -> Vec<&Value> {
        let is_one = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some("Audits.issueAdded") => {
                event["params"]["issue"]["code"] == "ContentSecurityPolicyIssue"
            }
            _ => false,
        };
        self.heard.iter().filter(is_one).collect()
    }

    /// What it asked for.
    pub(crate) fn requests(&self) -> Vec<&str> {
        let events =
            self.heard.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        events.filter_map(|event| event["params"]["request"]["url"].as_str()).collect()
    }
}
