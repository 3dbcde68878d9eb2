//! What is remembered of people whose tickets have a PAC.

use tower_spnego::testing::GroupScope;
use tower_spnego::{Cached, TicketDirectory};

use super::{domain, layer};
use crate::cached::{Counted, LONG};
use crate::site::{SPN, Site};

#[tokio::test]
async fn a_ticket_with_other_groups_is_not_answered_by_what_an_older_one_said() {
    const TEST: &str = "active_directory::cached::\
                        a_ticket_with_other_groups_is_not_answered_by_what_an_older_one_said";
    let Some(ad) = domain(TEST) else {
        return;
    };
    ad.add_group("Engineers", GroupScope::Global)
        .expect("added");
    let engineers = ad.sid("Engineers").expect("found").parse();
    let counted =
        Counted::new(TicketDirectory::new().group(engineers.expect("a SID"), "Engineers"));
    let site = Site::new(layer(&ad).directory(Cached::new(counted.clone(), LONG)));
    let is_engineer = async |token: &[u8]| {
        let answer = site.browser().get_with("/who", token).await;
        assert!(answer.body.starts_with("alice <"), "{answer:?}");
        answer.body.contains("Engineers")
    };
    let older = ad.ticket_cache("alice").expect("a ticket");
    let token = || older.token(SPN).expect("a token");
    assert!(!is_engineer(&token()).await);
    assert!(!is_engineer(&token()).await);
    // A ticket of another sign-in to the domain, with the same groups.
    let same = ad.ticket_cache("alice").expect("a ticket").token(SPN);
    assert!(!is_engineer(&same.expect("a token")).await);
    assert_eq!(counted.asked(), 1);

    ad.add_members("Engineers", ["alice"]).expect("added");
    let newer = ad.ticket_cache("alice").expect("a ticket").token(SPN);
    assert!(is_engineer(&newer.expect("a token")).await);
    assert!(!is_engineer(&token()).await);
    assert_eq!(counted.asked(), 2);
}
