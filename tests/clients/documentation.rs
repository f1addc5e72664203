//! docs/api.md lists all of the schema.

use prost::Message as _;
use prost_types::{
    EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
};

#[test]
fn everything_in_the_schema_is_in_the_documentation() {
    let files = FileDescriptorSet::decode(watchword::wire::DESCRIPTORS).unwrap();
    let file = files.file.iter().find(|f| f.package() == "watchword.v1");
    let file = file.unwrap();
    let mut names = Vec::new();
    for service in &file.service {
        names.push(service.name());
        names.extend(service.method.iter().map(MethodDescriptorProto::name));
    }
    for message in &file.message_type {
        names.push(message.name());
        names.extend(message.field.iter().map(FieldDescriptorProto::name));
    }
    for list in &file.enum_type {
        names.push(list.name());
        names.extend(list.value.iter().map(EnumValueDescriptorProto::name));
    }
    assert!(names.len() > 50, "{names:?}");
    let page = include_str!("../../docs/api.md");
    let missing: Vec<&str> = names
        .into_iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
