//! Attributes of a real LDAP server in a type of the application's own.

use std::time::SystemTime;

use axum::Router;
use axum::routing::get;
use serde::Deserialize;
use tower_spnego::User;
use tower_spnego::attributes::{Bytes, generalized_time};
use tower_spnego::testing::TestLdap;

use crate::ldap::people;
use crate::site::{Site, layer, realm, token};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Employee {
    employee_number: u32,
    /// The server spells it `departmentNumber`.
    #[serde(rename = "DEPARTMENTNUMBER")]
    departments: Vec<String>,
    title: Option<String>,
    jpeg_photo: Option<Bytes>,
    #[serde(with = "generalized_time")]
    create_timestamp: SystemTime,
    has_subordinates: bool,
}

const LOADED: [&str; 6] = [
    "employeeNumber",
    "departmentNumber",
    "title",
    "jpegPhoto",
    "createTimestamp",
    "hasSubordinates",
];

async fn describe(user: User) -> String {
    match user.attributes_as::<Employee>() {
        Ok(mut employee) => {
            employee.departments.sort();
            format!(
                "{} in {:?}, {:?}, photo {:?}, {} hours old, {}",
                employee.employee_number,
                employee.departments,
                employee.title,
                employee.jpeg_photo.as_deref(),
                employee.create_timestamp.elapsed().expect("past").as_secs() / 3_600,
                employee.has_subordinates,
            )
        }
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn an_entry_of_slapd_is_read_into_a_struct_also_out_of_the_session() {
    let (realm, ldap) = (realm(), TestLdap::start().expect("a server"));
    let dn = format!("uid=alice,{}", ldap.people());
    let change = |lines: &str| {
        ldap.ldif(&format!("dn: {dn}\nchangetype: modify\n{lines}"))
            .expect("changed");
    };
    change(
        "replace: employeeNumber\nemployeeNumber: 4711\n-\n\
         replace: departmentNumber\ndepartmentNumber: R&D\ndepartmentNumber: Board\n-\n\
         replace: jpegPhoto\njpegPhoto:: /9j/4AAQ\n",
    );
    let directory = people(&ldap)
        .attributes(LOADED)
        .build()
        .expect("a directory");
    let routes = Router::new().route("/", get(describe));
    let site = Site::of(routes, layer(&realm).directory(directory));
    let mut alice = site.browser();
    let known = "4711 in [\"Board\", \"R&D\"], Some(\"Engineer\"), photo Some([255, 216, 255, 224, 0, 16]), \
                 0 hours old, false";
    let answer = alice.get_with("/", &token(&realm, "alice")).await;
    assert_eq!(answer.body, known);
    assert_eq!(alice.get("/").await.body, known);

    change("replace: employeeNumber\nemployeeNumber: none of yours\n");
    let answer = alice.get_with("/", &token(&realm, "alice")).await;
    assert_eq!(
        answer.body,
        "the attribute employeeNumber: expected u32, which its value is not"
    );
    change("delete: employeeNumber\n");
    let answer = alice.get_with("/", &token(&realm, "alice")).await;
    let expected = "the attribute employeeNumber: the user has none; ";
    assert!(answer.body.starts_with(expected), "{answer:?}");
}
