use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use writer::{Info, Written};

mod samba;
mod writer;

const DOMAIN: &str = "S-1-5-21-633039132-1943136480-2933518665";

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

fn decode(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).unwrap()
}

fn read(logon_info: &[u8]) -> Result<Pac, PacError> {
    Pac::read(&Buffers {
        logon_info,
        upn_dns_info: None,
        requestor: None,
    })
}

fn read_both(logon_info: &[u8], upn_dns_info: &[u8]) -> Result<Pac, PacError> {
    Pac::read(&Buffers {
        logon_info,
        upn_dns_info: Some(upn_dns_info),
        requestor: None,
    })
}

fn samba(user: [&str; 2]) -> Pac {
    let [logon_info, upn_dns_info] = user.map(decode);
    read_both(&logon_info, &upn_dns_info).unwrap()
}

fn groups(pac: &Pac) -> Vec<String> {
    pac.groups.iter().map(Sid::to_string).collect()
}

/// The groups of `DOMAIN` with these RIDs, and Samba's only other: that the KDC itself, and no
/// service on its word, saw the client's proof (MS-DTYP section 2.4.2.4).
fn in_domain(rids: &[u32]) -> Vec<String> {
    let rids = rids.iter().map(|rid| format!("{DOMAIN}-{rid}"));
    rids.chain(["S-1-18-1".to_owned()]).collect()
}

/// A FILETIME as `samba-tool user show` prints it.
fn filetime(filetime: u64) -> SystemTime {
    let unix = Duration::from_nanos((filetime - 116_444_736_000_000_000) * 100);
    SystemTime::UNIX_EPOCH + unix
}

#[test]
fn a_user_of_samba_is_who_samba_says() {
    let alice = samba(samba::ALICE);
    assert_eq!(alice.sid, sid(&format!("{DOMAIN}-1103")));
    assert_eq!(alice.account, "alice");
    assert_eq!(alice.domain, "PACDOM");
    assert_eq!(alice.dns_domain.as_deref(), Some("PAC.TEST"));
    assert_eq!(alice.upn.as_deref(), Some("alice@pac.test"));
    assert_eq!(groups(&alice), in_domain(&[513]));
    assert_eq!(alice.deny_only, []);
    assert_eq!(alice.primary_group_rid, 513);
    assert!(!alice.flags.is_machine());
    assert!(!alice.flags.is_disabled());
    assert_eq!(
        alice.password_last_set,
        Some(filetime(134_399_924_852_794_430))
    );
    let day = Duration::from_secs(24 * 60 * 60);
    let set = filetime(134_399_924_852_794_430);
    assert_eq!(alice.password_can_change, Some(set + day));
    assert_eq!(alice.password_must_change, Some(set + 42 * day));
    assert_eq!(alice.logon, Some(filetime(134_399_925_261_384_840)));
    assert_eq!((alice.logoff, alice.kick_off), (None, None));
}

#[test]
fn nested_groups_of_each_scope_are_there_and_the_primary_group_is_once() {
    let bob = samba(samba::BOB);
    let expected = [513, 1107, 1108, 1109, 1110, 1111, 1112, 1113];
    assert_eq!(groups(&bob), in_domain(&expected));
    assert_eq!(bob.primary_group_rid, 1113);
}

#[test]
fn a_name_need_not_be_ascii() {
    let joerg = samba(samba::JOERG);
    assert_eq!(joerg.account, "jörg");
    assert_eq!(joerg.upn.as_deref(), Some("jörg@pac.test"));
    assert_eq!(joerg.sid, sid(&format!("{DOMAIN}-1104")));
}

#[test]
fn who_signs_in_by_another_name_keeps_the_account() {
    let norman = samba(samba::NORMAN);
    assert_eq!(norman.account, "norman");
    assert_eq!(norman.upn.as_deref(), Some("root@PAC.TEST"));
    assert_eq!(norman.sid, sid(&format!("{DOMAIN}-1106")));
}

#[test]
fn a_computer_is_told_by_its_flags() {
    let carol = samba(samba::CAROL);
    assert_eq!(carol.account, "carol$");
    assert!(carol.flags.is_machine());
    assert_eq!(carol.password_must_change, None);
    assert_eq!(groups(&carol), in_domain(&[515]));
}

#[test]
fn the_writer_of_these_tests_writes_what_samba_does() {
    let [logon_info, _] = samba::ALICE.map(decode);
    let times = std::array::from_fn(|time| {
        let place = 20 + 8 * time;
        u64::from_le_bytes(logon_info[place..place + 8].try_into().unwrap())
    });
    let alice = Info {
        times,
        full_name: "Alice Example",
        domain_sid: DOMAIN,
        ..Info::default()
    };
    assert_eq!(alice.bytes(), logon_info);
}

#[test]
fn a_user_may_have_1200_groups_and_more() {
    for count in [0, 1, 2, 1_200, 7_000] {
        let members: Vec<_> = (0..count).map(|group| (2_000 + group, 7)).collect();
        let info = Info {
            groups: members.clone(),
            ..Info::default()
        };
        let pac = read(&info.bytes()).unwrap();
        let mut expected = vec![sid("S-1-5-21-1-2-3-513")];
        expected.extend(
            members
                .iter()
                .map(|(rid, _)| sid("S-1-5-21-1-2-3").with_rid(*rid).unwrap()),
        );
        expected.push(sid("S-1-18-1"));
        assert_eq!(pac.groups, expected);
    }
}

#[test]
fn groups_of_each_kind_are_of_their_own_domain() {
    let info = Info {
        groups: vec![(513, 7), (1200, 7)],
        user_flags: 0x220,
        extra_sids: vec![("S-1-18-1", 7), ("S-1-5-21-9-9-9-1300", 7)],
        resource_domain: Some("S-1-5-21-4-5-6"),
        resource_groups: vec![(1400, 0x2000_0007), (1200, 0x2000_0007)],
        ..Info::default()
    };
    assert_eq!(
        groups(&read(&info.bytes()).unwrap()),
        [
            "S-1-5-21-1-2-3-513",
            "S-1-5-21-1-2-3-1200",
            "S-1-5-21-4-5-6-1200",
            "S-1-5-21-4-5-6-1400",
            "S-1-5-21-9-9-9-1300",
            "S-1-18-1",
        ]
    );
}

#[test]
fn a_group_that_may_only_deny_grants_nothing() {
    let info = Info {
        primary_group_id: 513,
        groups: vec![(513, 0x10), (1200, 0x17), (1201, 3), (1202, 4), (1203, 0)],
        user_flags: 0x220,
        extra_sids: vec![("S-1-5-21-9-9-9-1300", 0x14)],
        resource_domain: Some("S-1-5-21-4-5-6"),
        resource_groups: vec![(1400, 0x2000_0010)],
        ..Info::default()
    };
    let pac = read(&info.bytes()).unwrap();
    assert_eq!(groups(&pac), ["S-1-5-21-1-2-3-1202"]);
    let deny_only: Vec<_> = pac.deny_only.iter().map(Sid::to_string).collect();
    assert_eq!(
        deny_only,
        [
            "S-1-5-21-1-2-3-513",
            "S-1-5-21-1-2-3-1200",
            "S-1-5-21-1-2-3-1201",
            "S-1-5-21-1-2-3-1203",
            "S-1-5-21-4-5-6-1400",
            "S-1-5-21-9-9-9-1300",
        ]
    );
}

#[test]
fn a_client_of_another_domain_is_the_first_extra_sid_and_not_its_group() {
    let foreign = Info {
        user_id: 0,
        primary_group_id: 0,
        extra_sids: vec![("S-1-5-21-9-9-9-500", 7), ("S-1-18-1", 7)],
        ..Info::default()
    };
    let pac = read(&foreign.bytes()).unwrap();
    assert_eq!(pac.sid, sid("S-1-5-21-9-9-9-500"));
    assert_eq!(groups(&pac), ["S-1-5-21-1-2-3-513", "S-1-18-1"]);
    let nobody = Info {
        user_id: 0,
        extra_sids: vec![],
        ..Info::default()
    };
    assert_eq!(
        read(&nobody.bytes()),
        Err(PacError::LogonInfo(Defect::NoAccount))
    );
}

#[test]
fn buffers_that_disagree_are_refused() {
    let alice = samba::ALICE.map(decode);
    let bob = samba::BOB.map(decode);
    let requestor = |sid: &str, rest: &[u8]| {
        let requestor = [self::sid(sid).to_bytes(), rest.to_vec()].concat();
        Pac::read(&Buffers {
            logon_info: &alice[0],
            upn_dns_info: Some(&alice[1]),
            requestor: Some(&requestor),
        })
    };
    assert!(requestor(&format!("{DOMAIN}-1103"), &[]).is_ok());
    assert_eq!(
        requestor(&format!("{DOMAIN}-500"), &[]),
        Err(PacError::SidsDiffer)
    );
    assert_eq!(
        requestor(&format!("{DOMAIN}-1103"), &[0]),
        Err(PacError::Requestor)
    );
    assert_eq!(read_both(&alice[0], &bob[1]), Err(PacError::SidsDiffer));

    let mut renamed = alice[1].clone();
    let name = renamed.windows(4).rposition(|part| part == b"e\0\x01\x05");
    renamed[name.unwrap()] = b'a';
    assert_eq!(
        read_both(&alice[0], &renamed),
        Err(PacError::AccountsDiffer)
    );
}

#[test]
fn upn_dns_info_may_lack_the_extension_and_its_texts() {
    let [logon_info, upn_dns_info] = samba::ALICE.map(decode);
    let mut plain = upn_dns_info;
    plain[8] = 0;
    let pac = read_both(&logon_info, &plain).unwrap();
    assert_eq!(pac.dns_domain.as_deref(), Some("PAC.TEST"));

    let pac = read_both(&logon_info, &[0; 12]).unwrap();
    assert_eq!((pac.dns_domain, pac.upn), (None, None));
    let extended = [&[0; 8][..], &[2, 0, 0, 0], &[0; 8]].concat();
    assert_eq!(
        read_both(&logon_info, &extended).unwrap_err(),
        PacError::UpnDnsInfo(Defect::NoAccount)
    );
}

#[test]
fn upn_dns_info_points_neither_into_its_header_nor_out_of_itself() {
    let [logon_info, upn_dns_info] = samba::ALICE.map(decode);
    let uncut = read_both(&logon_info, &upn_dns_info).unwrap();
    for end in 0..upn_dns_info.len() {
        match read_both(&logon_info, &upn_dns_info[..end]) {
            // Padding.
            Ok(pac) => assert!(pac == uncut && end >= 0x52 + 28 - 6, "{end}"),
            Err(error) => assert!(matches!(error, PacError::UpnDnsInfo(_)), "{error}"),
        }
    }
    for place in [0, 2, 4, 6, 12, 14, 16, 18] {
        for value in [1_u16, 3, 8, 12, 19, 111, 112, 113, 0x7fff, 0xfffe, 0xffff] {
            let mut spoiled = upn_dns_info.clone();
            spoiled[place..place + 2].copy_from_slice(&value.to_le_bytes());
            if let Ok(pac) = read_both(&logon_info, &spoiled) {
                // Another piece of the buffer may be text as well.
                assert!(place < 8 && pac.sid == uncut.sid, "{place} {value}");
                assert_eq!(pac.account, uncut.account);
            }
        }
    }
}

#[test]
fn what_is_cut_off_anywhere_is_refused() {
    for user in [samba::ALICE, samba::BOB, samba::JOERG] {
        let [logon_info, _] = user.map(decode);
        let uncut = read(&logon_info).unwrap();
        for end in 0..logon_info.len() {
            let mut cut = logon_info[..end].to_vec();
            assert!(read(&cut).is_err(), "{end}");
            // And where the header says that this is all.
            if let Some(length) = end.checked_sub(16) {
                cut[8..12].copy_from_slice(&(length as u32).to_le_bytes());
                match read(&cut) {
                    Ok(pac) => assert!(pac == uncut && logon_info.len() - end < 8, "{end}"),
                    Err(error) => assert!(matches!(error, PacError::LogonInfo(_)), "{error}"),
                }
            }
        }
    }
}

#[test]
fn no_length_and_no_count_may_be_another() {
    let info = Info {
        user_flags: 0x220,
        extra_sids: vec![("S-1-18-1", 7), ("S-1-5-21-9-9-9-1300", 7)],
        resource_domain: Some("S-1-5-21-4-5-6"),
        resource_groups: vec![(1400, 7), (1401, 7)],
        ..Info::default()
    };
    let written = info.write();
    assert!(read(&written.bytes).is_ok());
    assert_eq!(written.lengths.len(), 1 + 8 * 5 + 2 + 2 + 2 + 4 * 2);
    for &(place, size) in &written.lengths {
        let field = place..place + size;
        for value in [
            0_u32,
            1,
            2,
            3,
            0x7f,
            0x7fff,
            1_000_000,
            i32::MAX as u32,
            u32::MAX,
        ] {
            let value = &value.to_le_bytes()[..size];
            if written.bytes[field.clone()] == *value {
                continue;
            }
            let mut spoiled = written.bytes.clone();
            spoiled[field.clone()].copy_from_slice(value);
            assert!(read(&spoiled).is_err(), "{place} {value:?}");
        }
    }
}

#[test]
fn a_million_elements_are_believed_only_where_they_are() {
    let info = Info {
        user_flags: 0x220,
        resource_domain: Some("S-1-5-21-4-5-6"),
        resource_groups: vec![(1400, 7)],
        ..Info::default()
    };
    let Written { bytes, .. } = info.write();
    // Counts in the structure, and where their arrays begin, in the order of the file.
    let groups = place_of(&bytes, &[1, 0, 0, 0, 1, 2, 0, 0]);
    let extra = place_of(&bytes, &[1, 0, 0, 0, 0x38, 0, 2, 0]);
    let resource = place_of(&bytes, &[1, 0, 0, 0, 0x78, 5, 0, 0]);
    for (count, array) in [(128, groups), (216, extra), (228, resource)] {
        for claimed in [2, 1_000_000_u32, 0x2000_0000, u32::MAX] {
            let mut spoiled = bytes.clone();
            for place in [count, array] {
                assert_eq!(spoiled[place..place + 4], [1, 0, 0, 0]);
                spoiled[place..place + 4].copy_from_slice(&claimed.to_le_bytes());
            }
            let defect = match read(&spoiled) {
                Err(PacError::LogonInfo(defect)) => defect,
                other => panic!("{other:?}"),
            };
            assert!(
                claimed == 2 || defect == Defect::CutOff,
                "{claimed} {defect}"
            );
        }
    }
}

fn place_of(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .rposition(|window| window == part)
        .unwrap()
}

#[test]
fn what_is_no_kerb_validation_info_is_refused_with_its_reason() {
    let good = Info::default().bytes();
    let with = |place: usize, bytes: &[u8]| {
        let mut spoiled = good.clone();
        spoiled[place..place + bytes.len()].copy_from_slice(bytes);
        spoiled
    };
    let resource = |flags, domain| Info {
        user_flags: flags,
        resource_domain: domain,
        resource_groups: vec![(1400, 7)],
        ..Info::default()
    };
    let account = |account: Vec<u16>| Info {
        account,
        ..Info::default()
    };
    for (what, buffer, defect) in [
        ("nothing", vec![], Defect::CutOff),
        ("a header alone", good[..16].to_vec(), Defect::CutOff),
        ("version 2", with(0, &[2]), Defect::Header),
        ("big-endian", with(1, &[0]), Defect::Header),
        ("a longer header", with(2, &[16]), Defect::Header),
        (
            "a pointer to nothing",
            with(16, &[0; 4]),
            Defect::NullPointer,
        ),
        ("no account's text", with(72, &[0; 4]), Defect::NullPointer),
        ("no groups' array", with(132, &[0; 4]), Defect::NullPointer),
        ("no domain's SID", with(172, &[0; 4]), Defect::NullPointer),
        ("no extra SIDs", with(220, &[0; 4]), Defect::NullPointer),
        ("an odd length", with(68, &[9]), Defect::StringLength),
        ("an odd maximum", with(70, &[11]), Defect::StringLength),
        ("beyond its maximum", with(70, &[8]), Defect::StringLength),
        ("no account", account(vec![]).bytes(), Defect::NoAccount),
        (
            "a lone high surrogate",
            account(vec![0xd83d]).bytes(),
            Defect::Utf16,
        ),
        (
            "a lone low surrogate",
            account(vec![0xde00, 0xd83d]).bytes(),
            Defect::Utf16,
        ),
        (
            "bytes after it",
            [good.clone(), vec![0]].concat(),
            Defect::Trailing,
        ),
        (
            "a domain with no room for a RID",
            Info {
                domain_sid: "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15",
                ..Info::default()
            }
            .bytes(),
            Defect::Sid,
        ),
        (
            "extra SIDs without their flag",
            with(136, &[0]),
            Defect::Unflagged,
        ),
        (
            "resource groups without their flag",
            resource(0x20, Some("S-1-5-21-4-5-6")).bytes(),
            Defect::Unflagged,
        ),
        (
            "resource groups of no domain",
            resource(0x220, None).bytes(),
            Defect::NullPointer,
        ),
    ] {
        assert_eq!(read(&buffer), Err(PacError::LogonInfo(defect)), "{what}");
    }
    let mut padded = good.clone();
    padded.extend([0; 8]);
    padded[8..12].copy_from_slice(&(good.len() as u32 - 8).to_le_bytes());
    assert_eq!(
        read(&padded),
        Err(PacError::LogonInfo(Defect::Trailing)),
        "more than padding"
    );
}

#[test]
fn a_pair_of_surrogates_is_a_character() {
    let info = Info {
        account: "😀".encode_utf16().collect(),
        ..Info::default()
    };
    assert_eq!(read(&info.bytes()).unwrap().account, "😀");
}

#[test]
fn no_input_makes_the_reader_panic() {
    let seeds: Vec<_> = [samba::ALICE, samba::BOB, samba::JOERG]
        .map(|user| user.map(decode))
        .to_vec();
    let try_it = |logon_info: &[u8], upn_dns_info: &[u8]| {
        if let Ok(pac) = read_both(logon_info, upn_dns_info) {
            assert!(8 * pac.groups.len() <= logon_info.len());
        }
    };
    for [logon_info, upn_dns_info] in &seeds {
        for (buffer, is_logon_info) in [(logon_info, true), (upn_dns_info, false)] {
            for place in 0..buffer.len() {
                for value in [&[0][..], &[1], &[0x7f], &[0x80], &[0xff; 2], &[0xff; 4]] {
                    let mut spoiled = buffer.clone();
                    for (byte, value) in spoiled[place..].iter_mut().zip(value) {
                        *byte = *value;
                    }
                    match is_logon_info {
                        true => try_it(&spoiled, upn_dns_info),
                        false => try_it(logon_info, &spoiled),
                    }
                }
            }
        }
    }
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for _ in 0..100_000 {
        let [mut logon_info, mut upn_dns_info] = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            let spoiled = match random.below(3) {
                0 => &mut upn_dns_info,
                _ => &mut logon_info,
            };
            let place = random.below(spoiled.len());
            spoiled[place] = random.below(256) as u8;
        }
        try_it(&logon_info, &upn_dns_info);
        let noise: Vec<u8> = (0..random.below(48))
            .map(|_| random.below(256) as u8)
            .collect();
        try_it(&noise, &noise);
    }
}

struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
