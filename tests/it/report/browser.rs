//! A browser without a screen.

use std::process::Command;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Which colours the system has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Colours {
    Light,
    Dark,
}

/// Has Chromium show a page in a frame of this width, and returns what a script tells of it: the
/// body of a function of `view`, the page's window, and `page`, its document.
///
/// The page itself stays as it is. It stands in a frame as no window is as narrow as a phone.
///
/// # Panics
///
/// If Chromium is missing or cannot show it.
pub(super) fn measure(page: &str, width: u32, colours: Colours, script: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let page = page.replace('&', "&amp;").replace('"', "&quot;");
    let around = format!(
        r#"<!DOCTYPE html><meta charset="utf-8">
<iframe id="frame" width="{width}" height="800" style="border: 0" srcdoc="{page}"></iframe>
<script>
  const frame = document.getElementById("frame");
  frame.onload = () => {{
    const measure = (view, page) => {{ {script} }};
    let measured;
    try {{ measured = measure(frame.contentWindow, frame.contentDocument); }}
    catch (error) {{ measured = {{ error: String(error) }}; }}
    const bytes = new TextEncoder().encode(JSON.stringify(measured));
    const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    document.documentElement.innerHTML = "measured:" + btoa(binary) + ":measured";
  }};
</script>"#
    );
    let file = folder.path().join("page.html");
    std::fs::write(&file, around).unwrap();
    let scheme = match colours {
        Colours::Dark => 0,
        Colours::Light => 1,
    };
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args(["--no-first-run", "--disable-background-networking"])
        // On a phone they lie over the page.
        .args(["--hide-scrollbars", "--window-size=1400,900"])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg("--dump-dom")
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap_or_else(|error| {
            panic!("`chromium` is missing: apt-get install chromium ({error})")
        });
    let shown = String::from_utf8_lossy(&output.stdout);
    let measured = shown
        .split("measured:")
        .nth(1)
        .and_then(|rest| rest.split(':').next());
    let measured = measured.unwrap_or_else(|| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        panic!(
            "chromium measured nothing ({}): {shown}\n{stderr}",
            output.status
        )
    });
    let measured: Value = serde_json::from_slice(&STANDARD.decode(measured).unwrap()).unwrap();
    assert_eq!(measured.get("error"), None);
    measured
}
