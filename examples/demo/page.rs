//! The site's pages as HTML.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use tower_sessions::cookie::time::OffsetDateTime;
use tower_spnego::{Group, User};

/// What the page of a signed-in person shows.
pub(crate) struct Visit<'a> {
    pub(crate) user: &'a User,
    pub(crate) signed_in: SystemTime,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) now: SystemTime,
    pub(crate) page_views: u32,
}

pub(crate) fn home(visit: &Visit) -> String {
    let user = visit.user;
    let name = escape(user.display_name());
    let content = format!(
        r#"<header>
  <span class="portrait" aria-hidden="true">{initials}</span>
  <div>
    <h1>Hello, {name}</h1>
    <p>Your Kerberos ticket signed you in. Nobody asked you for a password.</p>
  </div>
  <form method="post" action="/sign-out"><button>Sign out</button></form>
</header>
<div class="cards">
<section>
  <h2>Who you are</h2>
  <dl>{account}</dl>
</section>
<section>
  <h2>This login</h2>
  <dl>{login}</dl>
  <p class="note">{session_note}</p>
</section>
<section>
  <h2>Your groups</h2>
  {groups}
</section>
<section>
  <h2>From the directory</h2>
  <dl>{attributes}</dl>
</section>
</div>"#,
        initials = escape(&initials(user.display_name())),
        account = account(user),
        login = login(visit),
        session_note = session_note(visit.page_views),
        groups = groups(user.groups()),
        attributes = attributes(user),
    );
    document(&format!("{name} · tower-spnego"), &content)
}

pub(crate) fn signed_out() -> String {
    document(
        "Signed out · tower-spnego",
        r#"<section class="alone">
  <h1>You are signed out</h1>
  <p>The session is empty, and its old cookie is worth nothing. Your ticket is still yours, and no
  page takes it before you ask to sign in.</p>
  <p><a class="button" href="/sign-in">Sign in again</a></p>
</section>"#,
    )
}

/// `title` and `content` are HTML.
fn document(title: &str, content: &str) -> String {
    let style = include_str!("style.css");
    format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
<main>
{content}
</main>
<footer>A demo of <b>tower-spnego</b>: Kerberos single sign-on for axum</footer>
</html>
"#
    )
}

fn account(user: &User) -> String {
    let principal = user.principal().to_string();
    let mut rows = row("Name", &escape(user.display_name()));
    rows += &row("Username", &escape(user.username()));
    rows += &row("Principal", &escape(&principal));
    if let Some(mail) = user.email() {
        rows += &row("Mail", &escape(mail));
    }
    rows
}

fn login(visit: &Visit) -> String {
    let ends = match visit.expires {
        Some(end) => format!("{} <small>{}</small>", moment(end), until(visit.now, end)),
        None => "with the session".to_owned(),
    };
    row("Signed in", &moment(visit.signed_in))
        + &row("Ends", &ends)
        + &row("Page views", &visit.page_views.to_string())
}

fn session_note(page_views: u32) -> &'static str {
    match page_views {
        1 => "Reload the page: from now on the cookie alone will do.",
        _ => "The ticket began this session; since then the cookie has been enough.",
    }
}

fn groups<'a>(groups: impl ExactSizeIterator<Item = &'a Group>) -> String {
    if groups.len() == 0 {
        return r#"<p class="note">You are in no group.</p>"#.to_owned();
    }
    let items = groups.fold(String::new(), |mut items, group| {
        let (name, dn) = (escape(group.name()), escape(group.dn().unwrap_or_default()));
        let _ = write!(items, "<li><b>{name}</b> <small>{dn}</small></li>");
        items
    });
    format!("<ul>{items}</ul>")
}

fn attributes(user: &User) -> String {
    user.attributes()
        .fold(String::new(), |rows, (name, values)| {
            rows + &row(&escape(name), &escape(&values.join(", ")))
        })
}

/// Both are HTML.
fn row(term: &str, description: &str) -> String {
    format!("<dt>{term}</dt><dd>{description}</dd>")
}

fn initials(name: &str) -> String {
    let words = name.split_whitespace();
    words
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect()
}

/// In UTC: the server does not know where the person is.
fn moment(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time).to_utc();
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute) = (time.hour(), time.minute());
    let month_number = u8::from(month);
    format!(
        r#"<time datetime="{year}-{month_number:02}-{day:02}T{hour:02}:{minute:02}Z">{day} {month} {year}, {hour:02}:{minute:02} UTC</time>"#
    )
}

fn until(now: SystemTime, end: SystemTime) -> String {
    let left = end.duration_since(now).unwrap_or(Duration::ZERO);
    let minutes = left.as_secs().div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("in {minutes} min"),
        (hours, 0) => format!("in {hours} h"),
        (hours, minutes) => format!("in {hours} h {minutes} min"),
    }
}

/// For text and for attribute values in double quotes. The directory's administrator, and often the
/// person, may write what they like into it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(user: &User) -> String {
        home(&Visit {
            user,
            signed_in: SystemTime::UNIX_EPOCH,
            expires: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(10 * 60 * 60)),
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1),
            page_views: 1,
        })
    }

    #[test]
    fn markup_from_the_directory_is_text() -> Result<(), tower_spnego::PrincipalError> {
        const MARKUP: &str = "<script>alert('&\"')</script>";
        let page = page_of(
            &User::builder("<script>@EXAMPLE.TEST".parse()?)
                .username(MARKUP)
                .display_name(MARKUP)
                .email(MARKUP)
                .group(Group::new(MARKUP).with_dn(MARKUP))
                .attribute(MARKUP, [MARKUP.to_owned()])
                .build(),
        );
        assert!(!page.contains("<script"), "{page}");
        let escaped = "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;";
        assert!(
            page.contains(&format!("<h1>Hello, {escaped}</h1>")),
            "{page}"
        );
        // Title, heading, name, username, mail, group and its DN, attribute and its value.
        assert_eq!(page.matches(escaped).count(), 9, "{page}");
        Ok(())
    }

    #[test]
    fn a_person_with_a_bare_principal_has_a_page() -> Result<(), tower_spnego::PrincipalError> {
        let page = page_of(&User::builder("alice@EXAMPLE.TEST".parse()?).build());
        assert!(page.contains("<h1>Hello, alice</h1>"), "{page}");
        assert!(page.contains("You are in no group."), "{page}");
        Ok(())
    }

    #[test]
    fn times_are_for_people() {
        let start = SystemTime::UNIX_EPOCH;
        assert!(moment(start).contains(">1 January 1970, 00:00 UTC<"));
        for (seconds, words) in [
            (0, "in 0 min"),
            (61, "in 2 min"),
            (35_999, "in 10 h"),
            (36_001, "in 10 h 1 min"),
        ] {
            assert_eq!(until(start, start + Duration::from_secs(seconds)), words);
        }
        assert_eq!(until(start + Duration::from_secs(9), start), "in 0 min");
    }
}
