//! The guide for load balancers: its configurations have the lines that are run elsewhere.

const GUIDE: &str = include_str!("../../src/guide/load_balancers.md");

/// The lines of the one block in this language.
fn lines(language: &str) -> Vec<&'static str> {
    let (_, block) = GUIDE
        .split_once(&format!("```{language}\n"))
        .expect(language);
    let (block, _) = block.split_once("\n```").expect("it ends");
    block.lines().map(str::trim).collect()
}

#[test]
fn nginx_is_told_what_the_examples_is() {
    let example = include_str!("../../examples/redis/nginx.conf");
    let example: Vec<_> = example.lines().map(str::trim).collect();
    let shown = lines("nginx");
    let is_about_requests = |line: &&&str| {
        let settings = ["proxy_http", "proxy_set", "large_client", "keepalive"];
        settings.iter().any(|setting| line.starts_with(setting))
    };
    let of_example: Vec<_> = example.iter().filter(is_about_requests).collect();
    assert_eq!(of_example.len(), 7, "{of_example:?}");
    for line in of_example {
        assert!(shown.contains(line), "{line}");
    }
}

#[test]
fn haproxy_is_told_what_the_table_says() {
    let shown = lines("haproxy");
    let rows = GUIDE.lines().filter(|line| {
        line.starts_with("| long headers") || line.starts_with("| `X-Forwarded-Proto`")
    });
    let cells = rows.filter_map(|row| row.split('|').nth(3));
    let said = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let said: Vec<_> = said.collect();
    assert_eq!(said.len(), 4, "{said:?}");
    for line in said {
        assert!(shown.contains(&line), "{line}");
    }
}
