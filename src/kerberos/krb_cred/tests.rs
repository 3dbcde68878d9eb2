use super::*;

/// An element with the shortest form of its length.
fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).expect("short");
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&header, contents].concat()
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

fn numbered(number: u8, contents: &[u8]) -> Vec<u8> {
    element(context(number), contents)
}

fn int(value: u8) -> Vec<u8> {
    element(INTEGER, &[value])
}

fn typed_bytes(kind: u8) -> Vec<u8> {
    let bytes = element(OCTET_STRING, b"secret");
    sequence(&[numbered(0, &int(kind)), numbered(1, &bytes)])
}

fn string(text: &str) -> Vec<u8> {
    element(GENERAL_STRING, text.as_bytes())
}

fn name_of(components: &[&str]) -> Vec<u8> {
    let components: Vec<_> = components.iter().copied().map(string).collect();
    sequence(&[numbered(0, &int(1)), numbered(1, &sequence(&components))])
}

fn time_of(text: &str) -> Vec<u8> {
    element(GENERALIZED_TIME, text.as_bytes())
}

/// The fields of a KrbCredInfo that nobody leaves out.
fn bare_info() -> Vec<Vec<u8>> {
    vec![
        numbered(0, &typed_bytes(18)),
        numbered(1, &string("A.TEST")),
        numbered(2, &name_of(&["alice"])),
        numbered(8, &string("A.TEST")),
        numbered(9, &name_of(&["krbtgt", "A.TEST"])),
    ]
}

/// All fields of a KrbCredInfo.
fn whole_info() -> Vec<Vec<u8>> {
    let mut info = bare_info();
    let optional = [numbered(3, &element(BIT_STRING, &[0, 0x40, 0, 0, 0]))]
        .into_iter()
        .chain((4..=7).map(|number| numbered(number, &time_of("20261124120000Z"))));
    info.splice(3..3, optional);
    info.push(numbered(10, &sequence(&[typed_bytes(2), typed_bytes(20)])));
    info
}

fn part_of(infos: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let infos: Vec<_> = infos.iter().map(|info| sequence(info)).collect();
    part_with(&[numbered(0, &sequence(&infos))])
}

fn part_with(fields: &[Vec<u8>]) -> Vec<u8> {
    element(ENC_KRB_CRED_PART, &sequence(fields))
}

fn message_with(tickets: usize, sealed: &[u8]) -> Vec<u8> {
    // A ticket's fields are not read: MIT takes none of them for optional.
    let tickets = vec![element(TICKET, &sequence(&[])); tickets];
    let fields = [
        numbered(0, &int(5)),
        numbered(1, &int(22)),
        numbered(2, &sequence(&tickets)),
        numbered(
            3,
            &sequence(&[
                numbered(0, &int(18)),
                numbered(1, &int(1)),
                numbered(2, &element(OCTET_STRING, sealed)),
            ]),
        ),
    ];
    element(KRB_CRED, &sequence(&fields))
}

fn describes(part: &[u8], tickets: usize) -> bool {
    let message = message_with(tickets, b"");
    let cred = KrbCred::read(&message).expect("reads");
    cred.is_described_by(part)
}

/// With every field that there is, and padding.
fn whole_part() -> Vec<u8> {
    let infos = sequence(&[sequence(&bare_info())]);
    part_with(&[
        numbered(0, &infos),
        numbered(1, &int(7)),
        numbered(2, &time_of("20261124120000Z")),
        numbered(3, &int(0)),
        numbered(4, &typed_bytes(2)),
        numbered(5, &typed_bytes(2)),
    ])
}

#[test]
fn what_clients_send_is_sound() {
    let message = message_with(2, b"sealed");
    let cred = KrbCred::read(&message).expect("reads");
    assert_eq!((cred.tickets, cred.enctype), (2, 18));
    assert_eq!(cred.sealed, b"sealed");

    assert!(describes(&part_of(&[bare_info()]), 1));
    assert!(describes(&part_of(&[whole_info()]), 1));
    assert!(describes(&whole_part(), 1));
    assert!(describes(&part_of(&[bare_info(), bare_info()]), 2));
    let padded = [part_of(&[bare_info()]), vec![0; 7]].concat();
    assert!(describes(&padded, 1));
}

#[test]
fn as_many_tickets_are_described_as_there_are() {
    assert!(KrbCred::read(&message_with(0, b"")).is_none());
    for (infos, tickets) in [(0, 1), (1, 2), (2, 1)] {
        assert!(!describes(&part_of(&vec![bare_info(); infos]), tickets));
    }
}

#[test]
fn key_client_and_server_are_named_whole() {
    for place in 0..5 {
        let mut info = bare_info();
        info.remove(place);
        assert!(!describes(&part_of(&[info]), 1), "{place}");
    }
    for (place, number) in [(2, 2), (4, 9)] {
        let mut info = bare_info();
        info[place] = numbered(number, &name_of(&[]));
        assert!(!describes(&part_of(&[info]), 1), "{place}");
    }
    assert!(!describes(&part_of(&[bare_info(), vec![]]), 2));
    assert!(!describes(b"", 1));
}

/// MIT passes over what stands in the wrong place.
#[test]
fn fields_stand_in_order_once_and_there_are_no_others() {
    let length = whole_info().len();
    for place in 1..length {
        let mut info = whole_info();
        info.swap(place - 1, place);
        assert!(!describes(&part_of(&[info]), 1), "{place}");
    }
    for place in 0..length {
        let mut info = whole_info();
        info.insert(place, info[place].clone());
        assert!(!describes(&part_of(&[info]), 1), "{place}");
    }
    for place in 0..=length {
        let mut info = whole_info();
        info.insert(place, numbered(11, &int(1)));
        assert!(!describes(&part_of(&[info]), 1), "{place}");
    }
}

#[test]
fn times_are_those_that_mit_can_read() {
    let with = |text: &str| {
        let mut info = bare_info();
        info.insert(3, numbered(6, &time_of(text)));
        describes(&part_of(&[info]), 1)
    };
    for sound in ["19700101000000Z", "20370913024805Z", "21051231235959Z"] {
        assert!(with(sound), "{sound}");
    }
    for broken in [
        "",
        "20261124120000",
        "20261124120000+",
        "2026112412000Z",
        "202611241200000Z",
        "+0261124120000Z",
        "20261324120000Z",
        "20261100120000Z",
        "20261124240000Z",
        "20261124126000Z",
        "20261124120060Z",
        "19691231235959Z",
        "21060101000000Z",
    ] {
        assert!(!with(broken), "{broken}");
    }
}

#[test]
fn what_is_cut_off_anywhere_is_refused() {
    let message = message_with(1, b"sealed");
    for end in 0..message.len() {
        assert!(KrbCred::read(&message[..end]).is_none(), "{end}");
    }
    assert!(KrbCred::read(&[&message[..], b"\0"].concat()).is_none());
    for part in [part_of(&[whole_info()]), whole_part()] {
        for end in 0..part.len() {
            assert!(!describes(&part[..end], 1), "{end}");
        }
    }
}

#[test]
fn no_byte_anywhere_makes_it_panic() {
    let message = message_with(1, b"sealed");
    let parts = [part_of(&[whole_info()]), whole_part()];
    let cred = KrbCred::read(&message).expect("reads");
    for input in parts.iter().chain([&message]) {
        for place in 0..input.len() {
            for byte in 0..=u8::MAX {
                let mut broken = input.clone();
                broken[place] = byte;
                KrbCred::read(&broken);
                cred.is_described_by(&broken);
                forwarded(&broken);
            }
        }
    }
}

#[test]
fn it_is_found_where_mit_finds_it() {
    let checksum = |flags: u32, option: &[u8]| {
        let binding = [&16_u32.to_le_bytes()[..], &[0; 16]].concat();
        [&binding, &flags.to_le_bytes()[..], option].concat()
    };
    let option = b"\x01\0\x03\0abc";
    assert_eq!(forwarded(&checksum(1, option)), Some(&b"abc"[..]));
    assert_eq!(
        forwarded(&checksum(3, b"\x01\0\x02\0abc")),
        Some(&b"ab"[..])
    );
    assert_eq!(forwarded(&checksum(2, option)), None);
    assert_eq!(forwarded(&checksum(1, b"\x01\0\x04\0abc")), None);
    let whole = checksum(1, option);
    for end in 0..whole.len() {
        assert_eq!(forwarded(&whole[..end]), None, "{end}");
    }
}
