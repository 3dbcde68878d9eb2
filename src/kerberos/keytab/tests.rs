use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

// Written by MIT Kerberos's kadmin.local in a realm that lived for a second: two entries that
// were deleted again, two of HTTP/app.throwaway.test and one of HTTP/other.throwaway.test.
const REAL: &str = "
    BQL///+jAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA////swAAAAAAAAAAAAAA
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
    AAAAAAAAAAAAAAAAXQACAA5USFJPV0FXQVkuVEVTVAAESFRUUAASYXBwLnRocm93YXdheS50ZXN0
    AAAAAWsFRhkDABIAII8A+rqq041OpulB85LFlwXsQ8Dwvs1VvXRj1EXxvVITAAAAAwAAAE0AAgAO
    VEhST1dBV0FZLlRFU1QABEhUVFAAEmFwcC50aHJvd2F3YXkudGVzdAAAAAFrBUYZAwARABCYi1FX
    8ZcGqoEvslCdfTf5AAAAAwAAAF8AAgAOVEhST1dBV0FZLlRFU1QABEhUVFAAFG90aGVyLnRocm93
    YXdheS50ZXN0AAAAAWsFRhkCABIAIPCJ9L2iXb6Eo6XQEDqa3qhQN+lNy+oqmB1Q+U/ZZ82dAAAA
    Ag==";

fn real() -> Vec<u8> {
    let text: String = REAL.split_whitespace().collect();
    STANDARD.decode(text).unwrap()
}

fn data(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

fn record_of(realm: &[u8], components: &[&[u8]], kvno: u8, rest: &[u8]) -> Vec<u8> {
    let mut record = (components.len() as u16).to_be_bytes().to_vec();
    record.extend(data(realm));
    record.extend(components.iter().flat_map(|component| data(component)));
    record.extend([0, 0, 0, 1]);
    record.extend([0x60, 0, 0, 0]);
    record.push(kvno);
    record.extend([0, 18]);
    record.extend(data(b"KEYKEYKEYKEYKEYK"));
    record.extend(rest);
    record
}

fn record(principal: &str, kvno: u8, rest: &[u8]) -> Vec<u8> {
    let (name, realm) = principal.split_once('@').unwrap();
    let components: Vec<&[u8]> = name.split('/').map(str::as_bytes).collect();
    record_of(realm.as_bytes(), &components, kvno, rest)
}

fn file(records: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![5, 2];
    for record in records {
        file.extend((record.len() as u32).to_be_bytes());
        file.extend(record);
    }
    file
}

fn listed(bytes: &[u8]) -> Vec<(String, u32, i32)> {
    Keytab::parse(bytes)
        .unwrap()
        .entries()
        .map(|entry| (entry.principal.to_string(), entry.kvno, entry.enctype))
        .collect()
}

#[test]
fn a_real_keytab_lists_what_klist_lists() {
    assert_eq!(
        listed(&real()),
        [
            ("HTTP/app.throwaway.test@THROWAWAY.TEST".to_owned(), 3, 18),
            ("HTTP/app.throwaway.test@THROWAWAY.TEST".to_owned(), 3, 17),
            ("HTTP/other.throwaway.test@THROWAWAY.TEST".to_owned(), 2, 18),
        ]
    );
}

#[test]
fn principals_are_listed_once_in_order() {
    let keytab = Keytab::parse(&file(&[
        record("HTTP/b@LAB", 1, &[]),
        record("HTTP/a@CORP", 1, &[]),
        record("HTTP/b@LAB", 2, &[]),
    ]))
    .unwrap();
    let principals: Vec<String> = keytab.principals().map(ToString::to_string).collect();
    assert_eq!(principals, ["HTTP/b@LAB", "HTTP/a@CORP"]);
}

#[test]
fn realms_are_those_of_exactly_this_name() {
    let keytab = Keytab::parse(&file(&[
        record("HTTP/app@LAB", 1, &[]),
        record("HTTP/app@CORP", 1, &[]),
        record("HTTP/app@CORP", 2, &[]),
        record("http/app@LOWER", 1, &[]),
        record("HTTP/APP@UPPER", 1, &[]),
        record("HTTP/app/x@LONGER", 1, &[]),
        record("app@SHORTER", 1, &[]),
        record("host/app@HOST", 1, &[]),
    ]))
    .unwrap();
    assert_eq!(keytab.realms_of("HTTP", "app"), ["LAB", "CORP"]);
    assert_eq!(keytab.realms_of("HTTP", "APP"), ["UPPER"]);
    assert!(keytab.realms_of("HTTP", "other").is_empty());
}

#[test]
fn the_long_version_of_a_key_overrides_the_short_one() {
    for (rest, kvno) in [
        (&[][..], 7),
        (&[0, 0, 0, 0], 7),
        (&[0, 0, 1, 7], 263),
        (&[0, 0, 1, 7, 0, 0, 0, 0], 263),
        (&[1, 7], 7),
    ] {
        let entries = listed(&file(&[record("HTTP/app@CORP", 7, rest)]));
        assert_eq!(
            entries,
            [("HTTP/app@CORP".to_owned(), kvno, 18)],
            "{rest:?}"
        );
    }
}

#[test]
fn version_1_has_numbers_of_this_machine_and_counts_the_realm() {
    let data = |bytes: &[u8]| [&(bytes.len() as u16).to_ne_bytes(), bytes].concat();
    let mut record = 3_u16.to_ne_bytes().to_vec();
    record.extend(
        [b"CORP".as_slice(), b"HTTP", b"app"]
            .into_iter()
            .flat_map(data),
    );
    record.extend([0; 4]);
    record.push(7);
    record.extend(17_u16.to_ne_bytes());
    record.extend(data(b"KEY"));
    let mut file = vec![5, 1];
    file.extend((-6_i32).to_ne_bytes());
    file.extend([0; 6]);
    file.extend((record.len() as u32).to_ne_bytes());
    file.extend(record);
    assert_eq!(listed(&file), [("HTTP/app@CORP".to_owned(), 7, 17)]);
}

#[test]
fn names_are_kept_with_their_escapes() {
    let records = [record_of(b"CORP", &[b"a/b@c\\d"], 1, &[])];
    assert_eq!(listed(&file(&records))[0].0, r"a\/b\@c\\d@CORP");
}

#[test]
fn a_name_that_is_no_principal_is_left_out_and_the_rest_kept() {
    let records = [
        record_of(b"CORP", &[b"\xff"], 1, &[]),
        record_of(b"\xff", &[b"alice"], 1, &[]),
        record_of(b"CORP", &[b"al\nice"], 1, &[]),
        record_of(b"CORP", &[], 1, &[]),
        record_of(b"CORP", &[b""], 1, &[]),
        record_of(b"", &[b"alice"], 1, &[]),
        record("HTTP/app@CORP", 1, &[]),
    ];
    assert_eq!(
        listed(&file(&records)),
        [("HTTP/app@CORP".to_owned(), 1, 18)]
    );
}

#[test]
fn a_record_of_no_length_ends_the_file() {
    let mut bytes = file(&[record("HTTP/app@CORP", 1, &[]), vec![]]);
    bytes.extend(b"left from before");
    assert_eq!(listed(&bytes).len(), 1);
    assert!(listed(&[5, 2]).is_empty());
}

#[test]
fn what_is_no_keytab_says_why() {
    use KeytabError::*;
    let good = record("HTTP/app@CORP", 1, &[]);
    for (what, bytes, why) in [
        ("nothing", vec![], NotKeytab),
        ("one byte", vec![5], NotKeytab),
        ("text", b"[libdefaults]".to_vec(), NotKeytab),
        ("a credential cache", vec![5, 4, 0, 12], UnknownVersion(4)),
        ("half a length", vec![5, 2, 0, 0], CutOff),
        ("a record past the end", vec![5, 2, 0, 0, 0, 9, 0], CutOff),
        (
            "a hole past the end",
            vec![5, 2, 0xff, 0xff, 0xff, 0xf0, 0],
            CutOff,
        ),
        ("the longest hole", vec![5, 2, 0x80, 0, 0, 0], CutOff),
        (
            "a record too short",
            file(&[good[..good.len() - 1].to_vec()]),
            CutOff,
        ),
        ("many components", file(&[vec![0xff; 64]]), CutOff),
    ] {
        assert_eq!(Keytab::parse(&bytes).err(), Some(why), "{what}");
    }
}

#[test]
fn no_cut_and_no_changed_byte_makes_the_reader_panic() {
    let whole = real();
    for end in 0..whole.len() {
        let _ = Keytab::parse(&whole[..end]);
    }
    for version in [1, 2] {
        for place in 2..whole.len() {
            for mask in [0x01, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[1] = version;
                changed[place] ^= mask;
                let _ = Keytab::parse(&changed);
            }
        }
    }
}

#[test]
fn a_keytab_that_is_cut_off_inside_a_record_is_refused() {
    let whole = file(&[
        record("HTTP/app@CORP", 1, &[]),
        record("HTTP/b@CORP", 1, &[]),
    ]);
    let first_ends = file(&[record("HTTP/app@CORP", 1, &[])]).len();
    for end in 3..whole.len() {
        let outcome = Keytab::parse(&whole[..end]).map(|keytab| keytab.entries().len());
        if end == first_ends {
            assert_eq!(outcome, Ok(1));
        } else {
            assert_eq!(outcome, Err(KeytabError::CutOff), "{end}");
        }
    }
}

#[test]
fn debug_shows_no_key() {
    let keytab = Keytab::parse(&file(&[record("HTTP/app@CORP", 1, &[])])).unwrap();
    let text = format!("{keytab:?}");
    assert!(text.contains("HTTP/app@CORP"), "{text}");
    assert!(
        !text.contains("KEY") && !text.contains("75, 69, 89"),
        "{text}"
    );
}
