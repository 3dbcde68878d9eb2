use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::*;

/// A user with these attributes, each value in bytes.
fn user(attributes: &[(&str, &[&[u8]])]) -> User {
    let mut user = User::builder("alice@CORP".parse().unwrap());
    for (name, values) in attributes {
        user = user.binary_attribute(*name, values.iter().copied());
    }
    user.build()
}

/// What a user with one attribute, `x`, of these values is as a struct of one field.
fn field<T>(values: &[&str]) -> Result<T, AttributesError>
where
    T: for<'de> Deserialize<'de>,
{
    #[derive(serde::Deserialize)]
    struct One<T> {
        x: T,
    }

    let values: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
    let user = user(&[("x", &values)]);
    user.attributes_as::<One<T>>().map(|one| one.x)
}

fn error<T: fmt::Debug>(result: Result<T, AttributesError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn names_are_compared_without_regard_to_ascii_case_and_others_are_left_alone() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Person {
        #[serde(rename = "employeeNumber")]
        number: u32,
        #[serde(alias = "TITLE-OF-OLD")]
        title: String,
    }

    let user = user(&[
        ("EMPLOYEENUMBER", &[b"7"]),
        ("title-of-old", &[b"Dr."]),
        ("memberOf", &[b"cn=a", b"cn=b"]),
        ("jpegPhoto", &[b"\xff"]),
    ]);
    let expected = Person {
        number: 7,
        title: "Dr.".to_owned(),
    };
    assert_eq!(user.attributes_as(), Ok(expected));
}

#[test]
fn an_attribute_with_one_value_is_whatever_it_reads_as() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Staff,
        Student,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Number(u16);

    assert_eq!(field(&["4711"]), Ok(4711_u32));
    assert_eq!(field(&["-9223372036854775808"]), Ok(i64::MIN));
    assert_eq!(
        field(&["340282366920938463463374607431768211455"]),
        Ok(u128::MAX)
    );
    assert_eq!(field(&["1.5"]), Ok(1.5_f64));
    assert_eq!(field(&["TRUE"]), Ok(true));
    assert_eq!(field(&["FALSE"]), Ok(false));
    assert_eq!(field(&["ä"]), Ok('ä'));
    assert_eq!(field(&["Dr."]), Ok("Dr.".to_owned()));
    assert_eq!(field(&["student"]), Ok(Kind::Student));
    assert_eq!(field(&["17"]), Ok(Number(17)));
    assert_eq!(field(&["::1"]), Ok("::1".parse::<IpAddr>().unwrap()));
    assert_eq!(field(&["7"]), Ok(Some(7)));
    assert_eq!(field(&["Dr."]), Ok(Bytes(b"Dr.".to_vec())));
    assert_eq!(field(&["7"]), Ok(vec![7]));
    assert_eq!(field(&["7"]), Ok(Some(vec![Number(7)])));
    assert_eq!(field(&["a"]), Ok(serde_json::json!("a")));
}

#[test]
fn an_attribute_with_several_values_is_a_list_or_a_set() {
    let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    let expected: BTreeSet<String> = set(&["a", "b"]);
    assert_eq!(field(&["b", "a"]), Ok(expected));
    assert_eq!(field(&["3", "1"]), Ok(vec![3_u8, 1]));
    assert_eq!(field(&["3", "1"]), Ok((3, "1".to_owned())));
    assert_eq!(
        field(&["TRUE", "FALSE"]),
        Ok(Some(vec![Some(true), Some(false)]))
    );
    assert_eq!(field(&["a", "b"]), Ok(serde_json::json!(["a", "b"])));
}

#[test]
fn an_attribute_without_a_value_is_none() {
    assert_eq!(field::<Option<String>>(&[]), Ok(None));
    assert!(error(field::<String>(&[])).starts_with("the attribute x: the user has none; "));
    let empty = User::builder("alice@CORP".parse().unwrap());
    let empty = empty.attribute("x", [""; 0]).build();
    let all: HashMap<String, Vec<String>> = empty.attributes_as().unwrap();
    assert_eq!(all.len(), 0);
}

#[test]
fn an_empty_value_is_a_value() {
    assert_eq!(field(&[""]), Ok(Some(String::new())));
    assert!(field::<u32>(&[""]).is_err());
}

#[test]
fn text_can_be_borrowed() {
    #[derive(serde::Deserialize)]
    struct Borrowed<'a> {
        title: &'a str,
        photo: &'a [u8],
    }

    let user = user(&[("title", &[b"Dr."]), ("photo", &[b"\xff"])]);
    let borrowed: Borrowed<'_> = user.attributes_as().unwrap();
    assert_eq!((borrowed.title, borrowed.photo), ("Dr.", &b"\xff"[..]));
}

#[test]
fn bytes_are_any_value_and_text_is_not() {
    #[derive(Debug, serde::Deserialize)]
    struct Photos {
        photo: Vec<Bytes>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Texts {
        #[serde(rename = "photo")]
        _photo: Vec<String>,
    }

    let user = user(&[("photo", &[b"\xff\xd8", b"text"])]);
    let photos: Photos = user.attributes_as().unwrap();
    let photos: Vec<Vec<u8>> = photos.photo.into_iter().map(Vec::from).collect();
    assert_eq!(photos, [b"text".to_vec(), b"\xff\xd8".to_vec()]);
    assert_eq!(
        error(user.attributes_as::<Texts>()),
        "the attribute photo: expected a string, and its value is no text (UTF-8); \
         attributes::Bytes takes any"
    );
    assert_eq!(format!("{:?}", Bytes(b"secret".to_vec())), "Bytes(6 bytes)");
}

/// Takes nothing, and quotes it.
#[derive(Debug, PartialEq)]
struct Picky;

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Err(serde::de::Error::custom(match text.as_str() {
            "long" => "too much of it".to_owned(),
            text => format!("{text:?} is nothing"),
        }))
    }
}

#[test]
fn an_error_names_the_attribute_and_what_was_expected_of_it_and_no_value() {
    #[derive(Debug, serde::Deserialize)]
    enum Kind {
        Staff,
        Student,
    }

    const SECRET: &str = "s3cret";
    let unfit =
        |expected: &str| format!("the attribute x: expected {expected}, which its value is not");
    assert_eq!(error(field::<u32>(&[SECRET])), unfit("u32"));
    assert_eq!(error(field::<u8>(&["256"])), unfit("u8"));
    assert_eq!(error(field::<f32>(&["NaN"])), unfit("f32"));
    assert_eq!(error(field::<f64>(&["inf"])), unfit("f64"));
    assert_eq!(error(field::<bool>(&["true"])), unfit("TRUE or FALSE"));
    assert_eq!(error(field::<char>(&[SECRET])), unfit("a character"));
    assert_eq!(error(field::<Vec<u32>>(&["1", SECRET])), unfit("u32"));
    assert_eq!(
        error(field::<Kind>(&[SECRET])),
        unfit("one of Staff, Student")
    );
    assert_eq!(
        error(field::<Picky>(&[SECRET])),
        unfit("what its type takes")
    );
    assert_eq!(
        error(field::<Picky>(&["long"])),
        "the attribute x: too much of it"
    );
    assert_eq!(
        error(field::<HashMap<String, String>>(&[SECRET])),
        unfit("a map")
    );
    assert_eq!(
        error(field::<Vec<Vec<String>>>(&[SECRET])),
        unfit("a sequence")
    );
    assert_eq!(
        error(field::<String>(&[SECRET, "b"])),
        "the attribute x: expected a string, and it has 2 values; a Vec or a set takes several"
    );
    for count in 1..=3 {
        let values = ["1"; 3];
        let pair = field::<(u8, u8)>(&values[..count]);
        assert_eq!(pair.is_ok(), count == 2, "{pair:?}");
    }
    let error = field::<u32>(&[SECRET]).unwrap_err();
    assert_eq!(error.attribute(), Some("x"));
    assert!(!format!("{error:?}").contains(SECRET));
}

#[test]
fn an_error_is_of_the_field_that_has_it() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(rename = "a")]
        _a: u8,
        #[serde(rename = "b")]
        _b: u8,
    }

    let read = |attributes: &[(&str, &[&[u8]])]| {
        let error = user(attributes).attributes_as::<Strict>().unwrap_err();
        error.attribute().map(str::to_owned)
    };
    assert_eq!(
        read(&[("A", &[b"1"]), ("B", &[b"x"])]).as_deref(),
        Some("B")
    );
    assert_eq!(read(&[("a", &[b"1"])]).as_deref(), Some("b"));
    let unknown = read(&[("a", &[b"1"]), ("b", &[b"1"]), ("c", &[b"1"])]);
    assert_eq!(unknown.as_deref(), Some("c"));
    let number = user(&[("a", &[b"1"])]).attributes_as::<u8>();
    assert_eq!(
        error(number),
        "an attribute: expected u8, which its value is not"
    );
}

#[test]
fn all_attributes_are_a_map() {
    let user = user(&[("b", &[b"1", b"2"]), ("A", &[b"3"])]);
    let all: BTreeMap<String, Vec<u8>> = user.attributes_as().unwrap();
    let expected = [("A".to_owned(), vec![3]), ("b".to_owned(), vec![1, 2])];
    assert_eq!(all, BTreeMap::from(expected));
    let all: Option<serde_json::Value> = user.attributes_as().unwrap();
    assert_eq!(all, Some(serde_json::json!({"A": "3", "b": ["1", "2"]})));
}

#[test]
fn flattened_parts_are_read_as_far_as_serde_says_what_it_wants() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Person {
        number: u32,
        #[serde(flatten)]
        contact: Contact,
        #[serde(flatten)]
        rest: HashMap<String, serde_json::Value>,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Contact {
        mail: String,
        #[serde(default)]
        phone: Vec<String>,
        photo: Option<Bytes>,
        #[serde(with = "generalized_time")]
        since: SystemTime,
    }

    let user = user(&[
        ("number", &[b"7"]),
        ("mail", &[b"a@b"]),
        ("phone", &[b"1", b"2"]),
        ("photo", &[b"\xff"]),
        ("since", &[b"19700101000001Z"]),
        ("title", &[b"Dr."]),
    ]);
    let person: Person = user.attributes_as().unwrap();
    assert_eq!(person.number, 7);
    assert_eq!(person.contact.mail, "a@b");
    assert_eq!(person.contact.phone, ["1", "2"]);
    assert_eq!(person.contact.photo.as_deref(), Some(&b"\xff"[..]));
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    assert_eq!(person.contact.since, since);
    assert_eq!(person.rest["title"], "Dr.");
}

#[test]
fn an_error_beneath_flatten_prints_no_value_either() {
    #[derive(Debug, serde::Deserialize)]
    struct Person {
        #[serde(flatten)]
        _part: Part,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Part {
        #[serde(rename = "x")]
        _x: Picky,
    }

    let read = |value: &[u8]| error(user(&[("x", &[value])]).attributes_as::<Person>());
    let expected = "an attribute: expected what its type takes, which its value is not";
    assert_eq!(read(b"s3cret"), expected);
    assert_eq!(read(b"long"), "an attribute: too much of it");
}

fn at(seconds: u64, nanoseconds: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

#[test]
fn a_generalized_time_is_read_as_rfc_4517_writes_it() {
    // `date -u -d '2026-01-31 12:00' +%s`
    const NOON: u64 = 1_769_860_800;
    for (text, expected) in [
        ("20260131120000Z", at(NOON, 0)),
        ("202601311200Z", at(NOON, 0)),
        ("2026013112Z", at(NOON, 0)),
        ("20260131120000.0Z", at(NOON, 0)),
        ("20260131120000.25Z", at(NOON, 250_000_000)),
        ("20260131120000,123456789Z", at(NOON, 123_456_789)),
        (
            "20260131120000.12345678999999999999999999999Z",
            at(NOON, 123_456_789),
        ),
        ("202601311200.5Z", at(NOON + 30, 0)),
        ("2026013112.75Z", at(NOON + 2_700, 0)),
        ("20260131130000+0100", at(NOON, 0)),
        ("20260131130000+01", at(NOON, 0)),
        ("20260131083000-0330", at(NOON, 0)),
        (
            "20260131235959+2359",
            at(NOON, 0) - Duration::from_secs(12 * 3_600 - 60 + 1),
        ),
        ("20261231235960Z", at(1_798_761_600, 0)),
        ("20240229000000Z", at(1_709_164_800, 0)),
        (
            "19691231235959.5Z",
            SystemTime::UNIX_EPOCH - Duration::from_millis(500),
        ),
        (
            "16010101000000Z",
            SystemTime::UNIX_EPOCH - Duration::from_secs(11_644_473_600),
        ),
    ] {
        assert_eq!(generalized_time::parse(text), Some(expected), "{text}");
    }
    assert!(generalized_time::parse("99991231235959Z").is_some());
    assert!(generalized_time::parse("00000101000000Z").is_some());
    for text in [
        "",
        "Z",
        "20260131120000",
        "20260131Z",
        "2026013Z",
        "20260132120000Z",
        "20260230120000Z",
        "20250229120000Z",
        "20261331120000Z",
        "20260031120000Z",
        "20260100120000Z",
        "20260131240000Z",
        "20260131126000Z",
        "20260131120061Z",
        "20260131120000.Z",
        "20260131120000.5",
        "20260131120000.5.5Z",
        "20260131120000z",
        "20260131120000ZZ",
        "20260131120000+24",
        "20260131120000+0160",
        "20260131120000+1",
        "20260131120000+",
        "2026013112000Z",
        "+0260131120000Z",
        "2026-01-31T12:00:00Z",
        " 20260131120000Z",
        "２０２６0131120000Z",
    ] {
        assert_eq!(generalized_time::parse(text), None, "{text}");
    }
}

#[test]
fn times_are_one_or_none_or_several() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Times {
        #[serde(with = "generalized_time")]
        one: SystemTime,
        #[serde(with = "generalized_time", default)]
        none: Option<SystemTime>,
        #[serde(deserialize_with = "generalized_time::deserialize")]
        some: Option<SystemTime>,
        #[serde(with = "generalized_time")]
        several: Vec<SystemTime>,
        #[serde(with = "file_time", default)]
        never: Option<SystemTime>,
        #[serde(with = "file_time", default)]
        unset: Option<SystemTime>,
        #[serde(with = "file_time", default)]
        then: Option<SystemTime>,
        #[serde(with = "file_time", default)]
        absent: Option<SystemTime>,
    }

    let attributes: &[(&str, &[&[u8]])] = &[
        ("one", &[b"19700101000001Z"]),
        ("some", &[b"19700101000002Z"]),
        ("several", &[b"19700101000003Z", b"19700101000004Z"]),
        ("never", &[b"9223372036854775807"]),
        ("unset", &[b"0"]),
        ("then", &[b"116444736000000001"]),
    ];
    let times: Times = user(attributes).attributes_as().unwrap();
    assert_eq!(times.one, at(1, 0));
    assert_eq!((times.none, times.some), (None, Some(at(2, 0))));
    assert_eq!(times.several, [at(3, 0), at(4, 0)]);
    assert_eq!((times.never, times.unset, times.absent), (None, None, None));
    assert_eq!(times.then, Some(at(0, 100)));

    let broken = |name: &str, value: &[u8]| {
        let mut attributes = attributes.to_vec();
        attributes.retain(|(own, _)| *own != name);
        let values = [value];
        attributes.push((name, &values));
        error(user(&attributes).attributes_as::<Times>())
    };
    for value in [b"yesterday".as_slice(), b"", b"116444736000000001"] {
        assert_eq!(
            broken("one", value),
            "the attribute one: expected a generalizedTime, such as 20260131120000Z, which its \
             value is not"
        );
    }
    for value in [
        b"-1".as_slice(),
        b"",
        b"9223372036854775808",
        b"1.5",
        b"20260131120000Z",
    ] {
        assert_eq!(
            broken("never", value),
            "the attribute never: expected a time in 100 ns since 1601, which its value is not"
        );
    }
}
