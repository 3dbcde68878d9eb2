use super::*;

const ADMINISTRATORS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0];

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

#[test]
fn the_packet_form_and_the_text_are_one_sid() {
    let read = Sid::from_bytes(ADMINISTRATORS).unwrap();
    assert_eq!(read.to_string(), "S-1-5-32-544");
    assert_eq!(read, sid("S-1-5-32-544"));
    assert_eq!(read.to_bytes(), ADMINISTRATORS);
    assert_eq!(format!("{read:?}"), "Sid(S-1-5-32-544)");
}

#[test]
fn each_number_may_be_as_large_as_it_can_be() {
    for text in [
        "S-1-0-0",
        "S-1-5-4294967295",
        "S-1-4294967295-1",
        "S-1-0x000100000000-1",
        "S-1-0xFFFFFFFFFFFF-4294967295",
        "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15",
    ] {
        assert_eq!(sid(text).to_string(), text);
        assert_eq!(Sid::from_bytes(&sid(text).to_bytes()), Ok(sid(text)));
    }
}

#[test]
fn what_is_spelled_in_another_way_is_no_sid() {
    for text in [
        "",
        "S",
        "S-1",
        "S-1-",
        "S-1-5",
        "S-1-5-",
        "S-2-5-32",
        "s-1-5-32",
        " S-1-5-32",
        "S-1-5-32 ",
        "S-1-5--32",
        "S-1-+5-32",
        "S-1-5-+32",
        "S-1-5-032",
        "S-1-05-32",
        "S-1-0x000000000005-32",
        "S-1-0x00010000000A",
        "S-1-0x00010000000a-32",
        "S-1-0x1000000000000-32",
        "S-1-4294967296-32",
        "S-1-18446744073709551616-32",
        "S-1-5-4294967296",
        "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
        "S-1-5-٣",
        "DOMAIN\\alice",
    ] {
        assert_eq!(text.parse::<Sid>(), Err(SidError), "{text}");
    }
}

#[test]
fn bytes_that_are_too_few_or_too_many_are_no_sid() {
    for end in 0..ADMINISTRATORS.len() {
        assert_eq!(Sid::from_bytes(&ADMINISTRATORS[..end]), Err(SidError));
    }
    let with = |place: usize, byte: u8| {
        let mut bytes = ADMINISTRATORS.to_vec();
        bytes[place] = byte;
        Sid::from_bytes(&bytes)
    };
    assert_eq!(with(0, 2), Err(SidError), "the revision");
    for count in [0, 1, 3, 15, 16, 255] {
        assert_eq!(with(1, count), Err(SidError), "{count} sub-authorities");
    }
    assert_eq!(
        Sid::from_bytes(&[ADMINISTRATORS, &[0]].concat()),
        Err(SidError)
    );
    assert_eq!(Sid::from_bytes(&[1, 0, 0, 0, 0, 0, 0, 5]), Err(SidError));
    let sixteen = [&[1, 16, 0, 0, 0, 0, 0, 5][..], &[0; 64]].concat();
    assert_eq!(Sid::from_bytes(&sixteen), Err(SidError));
}

#[test]
fn a_domain_and_a_rid_are_an_account() {
    let account = sid("S-1-5-21-1-2-3").with_rid(500).unwrap();
    assert_eq!(account, sid("S-1-5-21-1-2-3-500"));
    let longest = sid("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15");
    assert_eq!(longest.with_rid(500), Err(SidError));
}

#[test]
fn sids_are_ordered_by_their_numbers() {
    let ordered = [
        "S-1-1-0",
        "S-1-5-9",
        "S-1-5-21",
        "S-1-5-21-0",
        "S-1-5-21-0-0",
        "S-1-5-21-0-1",
        "S-1-5-21-3-1",
        "S-1-5-32",
        "S-1-0x000100000000-0",
    ]
    .map(sid);
    assert!(ordered.is_sorted_by(|a, b| a < b));
}

#[cfg(feature = "ldap")]
#[test]
fn a_domains_sid_is_told_from_those_that_every_domain_has() {
    for (text, is_of_a_domain) in [
        ("S-1-5-21-1-2-3-513", true),
        ("S-1-5-21-0-0-3-513", true),
        ("S-1-5-21-0-0-0-497", false),
        ("S-1-5-32-544", false),
        ("S-1-5-11", false),
        ("S-1-1-0", false),
        ("S-1-18-1", false),
        ("S-1-16-21-1-2-3-513", false),
    ] {
        let sid: Sid = text.parse().unwrap();
        assert_eq!(sid.is_of_a_domain(), is_of_a_domain, "{text}");
    }
}
