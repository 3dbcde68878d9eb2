//! Alice's first sign-in, by curl.

use std::process::Command;

use tower_spnego::testing::TicketCache;

use crate::Failure;

/// Opens the page without a ticket, with Alice's, and with the cookie that her sign-in gave; says
/// what came, and fails where that is not what should.
pub(crate) fn check(url: &str, alice: &TicketCache) -> Result<(), Failure> {
    let jar = alice.path().with_extension("cookies");
    println!("curl opens {url}");

    let answer = open(&mut curl(alice), url)?;
    answer.report("without a ticket");
    answer.check("401", "You are not signed in")?;

    let mut with_ticket = curl(alice);
    with_ticket.args(["--negotiate", "--user", ":"]);
    let answer = open(with_ticket.arg("--cookie-jar").arg(&jar), url)?;
    answer.report("with Alice's ticket");
    answer.check("200", "Hello, Alice Liddell")?;

    let answer = open(curl(alice).arg("--cookie").arg(&jar), url)?;
    answer.report("with her cookie alone");
    answer.check("200", "Hello, Alice Liddell")
}

fn curl(alice: &TicketCache) -> Command {
    let mut curl = alice.command("curl");
    // Neither a ~/.curlrc nor a proxy comes between.
    curl.args(["--disable", "--noproxy", "*"])
        .args(["--silent", "--show-error", "--max-time", "30"])
        .args(["--header", "Accept: text/html"])
        .args(["--write-out", "\n%{http_code}"]);
    curl
}

fn open(curl: &mut Command, url: &str) -> Result<Answer, Failure> {
    let output = curl
        .arg(url)
        .output()
        .map_err(|error| format!("curl did not start: {error}"))?;
    if !output.status.success() {
        let cause = String::from_utf8_lossy(&output.stderr);
        return Err(format!("curl got no answer from {url}: {cause}").into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let (page, status) = text.rsplit_once('\n').unwrap_or(("", &text));
    Ok(Answer {
        status: status.to_owned(),
        page: page.to_owned(),
    })
}

struct Answer {
    status: String,
    page: String,
}

impl Answer {
    fn report(&self, how: &str) {
        let heading = self.all_between("<h1>", "</h1>").join(" ");
        let groups = self.all_between("<li><b>", "</b>");
        let groups = match groups.is_empty() {
            true => String::new(),
            false => format!(" (groups: {})", groups.join(", ")),
        };
        println!("  {how:<22} {}  {heading}{groups}", self.status);
    }

    fn check(&self, status: &str, heading: &str) -> Result<(), Failure> {
        if self.status == status && self.all_between("<h1>", "</h1>") == [heading] {
            return Ok(());
        }
        Err(format!(
            "The sign-in did not work: {status} with \"{heading}\" should have come, and this \
             came:\n{}\n{}",
            self.status, self.page
        )
        .into())
    }

    fn all_between(&self, start: &str, end: &str) -> Vec<&str> {
        let pieces = self.page.split(start).skip(1);
        pieces
            .filter_map(|piece| Some(piece.split_once(end)?.0))
            .collect()
    }
}
