//! What may stand where in OpenAPI 3.x and Swagger 2.0, as tables: they lead the walks that bundle, check and convert.
//!
//! Sources: the OpenAPI Specification 3.0.4, 3.1.1, 3.2.0 and 2.0, section "Schema" (there 4.7 and 4.8). One table
//! serves 3.0 to 3.2, because a field of a later version has the same meaning wherever a person wrote it.

use super::tree::{Content, Node};

/// What an object of a description is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Root,
    Info,
    Contact,
    License,
    Server,
    Variable,
    Paths,
    PathItem,
    Operation,
    Docs,
    Parameter,
    Body,
    Media,
    Encoding,
    Responses,
    Response,
    Callback,
    Example,
    Link,
    Header,
    Tag,
    Schema,
    Discriminator,
    Xml,
    Scheme,
    Flows,
    Flow,
    Requirement,
    Components,
    OldRoot,
    OldPaths,
    OldPathItem,
    OldOperation,
    OldParameter,
    OldResponses,
    OldResponse,
    OldHeader,
    OldScheme,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Flag,
    Number,
    Any,
    Texts,
    TextMap,
    One(Kind),
    Map(Kind),
    List(Kind),
    /// A schema, a list of schemas, or true and false.
    Schemas,
    /// Lists of names, or schemas, by name.
    Dependencies,
}

type Fields = &'static [(&'static str, Form)];

use Form::{Any, Dependencies, Flag, List, Map, Number, One, Schemas, TextMap, Texts};
use Kind as K;

const T: Form = Form::Text;

const ROOT: Fields = &[
    ("openapi", T),
    ("$self", T),
    ("info", One(K::Info)),
    ("jsonSchemaDialect", T),
    ("servers", List(K::Server)),
    ("paths", One(K::Paths)),
    ("webhooks", Map(K::PathItem)),
    ("components", One(K::Components)),
    ("security", List(K::Requirement)),
    ("tags", List(K::Tag)),
    ("externalDocs", One(K::Docs)),
];
const INFO: Fields = &[
    ("title", T),
    ("summary", T),
    ("description", T),
    ("termsOfService", T),
    ("contact", One(K::Contact)),
    ("license", One(K::License)),
    ("version", T),
];
const SERVER: Fields = &[
    ("url", T),
    ("name", T),
    ("description", T),
    ("variables", Map(K::Variable)),
];
const VARIABLE: Fields = &[("enum", Texts), ("default", T), ("description", T)];
const PATH_ITEM: Fields = &[
    ("$ref", T),
    ("summary", T),
    ("description", T),
    ("get", One(K::Operation)),
    ("put", One(K::Operation)),
    ("post", One(K::Operation)),
    ("delete", One(K::Operation)),
    ("options", One(K::Operation)),
    ("head", One(K::Operation)),
    ("patch", One(K::Operation)),
    ("trace", One(K::Operation)),
    ("query", One(K::Operation)),
    ("additionalOperations", Map(K::Operation)),
    ("servers", List(K::Server)),
    ("parameters", List(K::Parameter)),
];
const OPERATION: Fields = &[
    ("tags", Texts),
    ("summary", T),
    ("description", T),
    ("externalDocs", One(K::Docs)),
    ("operationId", T),
    ("parameters", List(K::Parameter)),
    ("requestBody", One(K::Body)),
    ("responses", One(K::Responses)),
    ("callbacks", Map(K::Callback)),
    ("deprecated", Flag),
    ("security", List(K::Requirement)),
    ("servers", List(K::Server)),
];
const PARAMETER: Fields = &[
    ("name", T),
    ("in", T),
    ("description", T),
    ("required", Flag),
    ("deprecated", Flag),
    ("allowEmptyValue", Flag),
    ("style", T),
    ("explode", Flag),
    ("allowReserved", Flag),
    ("schema", One(K::Schema)),
    ("example", Any),
    ("examples", Map(K::Example)),
    ("content", Map(K::Media)),
];
const HEADER: Fields = &[
    ("description", T),
    ("required", Flag),
    ("deprecated", Flag),
    ("allowEmptyValue", Flag),
    ("style", T),
    ("explode", Flag),
    ("schema", One(K::Schema)),
    ("example", Any),
    ("examples", Map(K::Example)),
    ("content", Map(K::Media)),
];
const BODY: Fields = &[("description", T), ("content", Map(K::Media)), ("required", Flag)];
const MEDIA: Fields = &[
    ("schema", One(K::Schema)),
    ("itemSchema", One(K::Schema)),
    ("example", Any),
    ("examples", Map(K::Example)),
    ("encoding", Map(K::Encoding)),
    ("prefixEncoding", List(K::Encoding)),
    ("itemEncoding", One(K::Encoding)),
];
const ENCODING: Fields = &[
    ("contentType", T),
    ("headers", Map(K::Header)),
    ("encoding", Map(K::Encoding)),
    ("prefixEncoding", List(K::Encoding)),
    ("itemEncoding", One(K::Encoding)),
    ("style", T),
    ("explode", Flag),
    ("allowReserved", Flag),
];
const RESPONSE: Fields = &[
    ("summary", T),
    ("description", T),
    ("headers", Map(K::Header)),
    ("content", Map(K::Media)),
    ("links", Map(K::Link)),
];
const EXAMPLE: Fields = &[
    ("summary", T),
    ("description", T),
    ("value", Any),
    ("dataValue", Any),
    ("serializedValue", T),
    ("externalValue", T),
];
const LINK: Fields = &[
    ("operationRef", T),
    ("operationId", T),
    ("parameters", Any),
    ("requestBody", Any),
    ("description", T),
    ("server", One(K::Server)),
];
const TAG: Fields = &[
    ("name", T),
    ("summary", T),
    ("description", T),
    ("externalDocs", One(K::Docs)),
    ("parent", T),
    ("kind", T),
];
const SCHEME: Fields = &[
    ("type", T),
    ("description", T),
    ("name", T),
    ("in", T),
    ("scheme", T),
    ("bearerFormat", T),
    ("flows", One(K::Flows)),
    ("openIdConnectUrl", T),
    ("oauth2MetadataUrl", T),
    ("deprecated", Flag),
];
const FLOWS: Fields = &[
    ("implicit", One(K::Flow)),
    ("password", One(K::Flow)),
    ("clientCredentials", One(K::Flow)),
    ("authorizationCode", One(K::Flow)),
    ("deviceAuthorization", One(K::Flow)),
];
const FLOW: Fields = &[
    ("authorizationUrl", T),
    ("deviceAuthorizationUrl", T),
    ("tokenUrl", T),
    ("refreshUrl", T),
    ("scopes", TextMap),
];
const COMPONENTS: Fields = &[
    ("schemas", Map(K::Schema)),
    ("responses", Map(K::Response)),
    ("parameters", Map(K::Parameter)),
    ("examples", Map(K::Example)),
    ("requestBodies", Map(K::Body)),
    ("headers", Map(K::Header)),
    ("securitySchemes", Map(K::Scheme)),
    ("links", Map(K::Link)),
    ("callbacks", Map(K::Callback)),
    ("pathItems", Map(K::PathItem)),
    ("mediaTypes", Map(K::Media)),
];
const SCHEMA: Fields = &[
    ("$ref", T),
    ("$defs", Map(K::Schema)),
    ("definitions", Map(K::Schema)),
    ("type", Any),
    ("title", T),
    ("description", T),
    ("format", T),
    ("pattern", T),
    ("nullable", Flag),
    ("deprecated", Flag),
    ("readOnly", Flag),
    ("writeOnly", Flag),
    ("uniqueItems", Flag),
    ("multipleOf", Number),
    ("maximum", Number),
    ("minimum", Number),
    ("exclusiveMaximum", Any),
    ("exclusiveMinimum", Any),
    ("maxLength", Number),
    ("minLength", Number),
    ("maxItems", Number),
    ("minItems", Number),
    ("maxProperties", Number),
    ("minProperties", Number),
    ("required", Texts),
    ("properties", Map(K::Schema)),
    ("patternProperties", Map(K::Schema)),
    ("dependentSchemas", Map(K::Schema)),
    ("dependencies", Dependencies),
    ("items", Schemas),
    ("prefixItems", List(K::Schema)),
    ("additionalItems", One(K::Schema)),
    ("contains", One(K::Schema)),
    ("unevaluatedItems", One(K::Schema)),
    ("unevaluatedProperties", One(K::Schema)),
    ("propertyNames", One(K::Schema)),
    ("additionalProperties", One(K::Schema)),
    ("contentSchema", One(K::Schema)),
    ("if", One(K::Schema)),
    ("then", One(K::Schema)),
    ("else", One(K::Schema)),
    ("not", One(K::Schema)),
    ("allOf", List(K::Schema)),
    ("anyOf", List(K::Schema)),
    ("oneOf", List(K::Schema)),
    ("discriminator", One(K::Discriminator)),
    ("xml", One(K::Xml)),
    ("externalDocs", One(K::Docs)),
];
const OLD_ROOT: Fields = &[
    ("swagger", T),
    ("info", One(K::Info)),
    ("host", T),
    ("basePath", T),
    ("schemes", Texts),
    ("consumes", Texts),
    ("produces", Texts),
    ("paths", One(K::OldPaths)),
    ("definitions", Map(K::Schema)),
    ("parameters", Map(K::OldParameter)),
    ("responses", Map(K::OldResponse)),
    ("securityDefinitions", Map(K::OldScheme)),
    ("security", List(K::Requirement)),
    ("tags", List(K::Tag)),
    ("externalDocs", One(K::Docs)),
];
const OLD_PATH_ITEM: Fields = &[
    ("$ref", T),
    ("get", One(K::OldOperation)),
    ("put", One(K::OldOperation)),
    ("post", One(K::OldOperation)),
    ("delete", One(K::OldOperation)),
    ("options", One(K::OldOperation)),
    ("head", One(K::OldOperation)),
    ("patch", One(K::OldOperation)),
    ("parameters", List(K::OldParameter)),
];
const OLD_OPERATION: Fields = &[
    ("tags", Texts),
    ("summary", T),
    ("description", T),
    ("externalDocs", One(K::Docs)),
    ("operationId", T),
    ("consumes", Texts),
    ("produces", Texts),
    ("parameters", List(K::OldParameter)),
    ("responses", One(K::OldResponses)),
    ("schemes", Texts),
    ("deprecated", Flag),
    ("security", List(K::Requirement)),
];
/// The words a parameter or header of Swagger 2.0 says about its value.
pub(super) const OLD_VALUE: [&str; 17] = [
    "type",
    "format",
    "items",
    "default",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "enum",
    "multipleOf",
    "additionalProperties",
];
const OLD_PARAMETER: Fields = &[
    ("name", T),
    ("in", T),
    ("description", T),
    ("required", Flag),
    ("schema", One(K::Schema)),
    ("type", T),
    ("format", T),
    ("allowEmptyValue", Flag),
    ("items", One(K::Schema)),
    ("collectionFormat", T),
    ("default", Any),
    ("maximum", Number),
    ("exclusiveMaximum", Flag),
    ("minimum", Number),
    ("exclusiveMinimum", Flag),
    ("maxLength", Number),
    ("minLength", Number),
    ("pattern", T),
    ("maxItems", Number),
    ("minItems", Number),
    ("uniqueItems", Flag),
    ("enum", Any),
    ("multipleOf", Number),
];
const OLD_RESPONSE: Fields = &[
    ("description", T),
    ("schema", One(K::Schema)),
    ("headers", Map(K::OldHeader)),
    ("examples", Any),
];
const OLD_SCHEME: Fields = &[
    ("type", T),
    ("description", T),
    ("name", T),
    ("in", T),
    ("flow", T),
    ("authorizationUrl", T),
    ("tokenUrl", T),
    ("scopes", TextMap),
];

/// The fields an object may have; none where any name may stand.
pub(super) fn fields(kind: Kind) -> Option<Fields> {
    Some(match kind {
        K::Root => ROOT,
        K::Info => INFO,
        K::Contact => &[("name", T), ("url", T), ("email", T)],
        K::License => &[("name", T), ("url", T), ("identifier", T)],
        K::Server => SERVER,
        K::Variable => VARIABLE,
        K::PathItem => PATH_ITEM,
        K::Operation => OPERATION,
        K::Docs => &[("description", T), ("url", T)],
        K::Parameter => PARAMETER,
        K::Body => BODY,
        K::Media => MEDIA,
        K::Encoding => ENCODING,
        K::Response => RESPONSE,
        K::Example => EXAMPLE,
        K::Link => LINK,
        K::Header => HEADER,
        K::Tag => TAG,
        K::Schema => SCHEMA,
        K::Discriminator => &[("propertyName", T), ("mapping", TextMap), ("defaultMapping", T)],
        K::Xml => &[
            ("name", T),
            ("namespace", T),
            ("prefix", T),
            ("attribute", Flag),
            ("wrapped", Flag),
            ("nodeType", T),
        ],
        K::Scheme => SCHEME,
        K::Flows => FLOWS,
        K::Flow => FLOW,
        K::Components => COMPONENTS,
        K::OldRoot => OLD_ROOT,
        K::OldPathItem => OLD_PATH_ITEM,
        K::OldOperation => OLD_OPERATION,
        K::OldParameter => OLD_PARAMETER,
        K::OldResponse => OLD_RESPONSE,
        K::OldHeader => OLD_PARAMETER,
        K::OldScheme => OLD_SCHEME,
        K::Paths | K::OldPaths | K::Responses | K::OldResponses | K::Callback | K::Requirement => return None,
    })
}

/// What an object cannot do without.
pub(super) fn required(kind: Kind) -> &'static [&'static str] {
    match kind {
        K::Root | K::OldRoot => &["info"],
        K::Info => &["title", "version"],
        K::License | K::Tag => &["name"],
        K::Server | K::Docs => &["url"],
        K::Variable => &["default"],
        K::Operation | K::OldOperation => &["responses"],
        K::Parameter | K::OldParameter => &["name", "in"],
        K::Body => &["content"],
        K::Response | K::OldResponse => &["description"],
        K::Discriminator => &["propertyName"],
        K::Scheme | K::OldScheme => &["type"],
        _ => &[],
    }
}

/// What the field of an object holds; none for names that have no meaning there.
pub(super) fn form(kind: Kind, key: &str) -> Option<Form> {
    let is_extension = key.starts_with("x-");
    match kind {
        K::Paths => key.starts_with('/').then_some(One(K::PathItem)),
        K::OldPaths => key.starts_with('/').then_some(One(K::OldPathItem)),
        K::Responses => (!is_extension).then_some(One(K::Response)),
        K::OldResponses => (!is_extension).then_some(One(K::OldResponse)),
        K::Callback => (!is_extension).then_some(One(K::PathItem)),
        K::Requirement => Some(Any),
        _ => fields(kind)?
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, form)| *form),
    }
}

/// Whether `{"$ref": …}` may stand for an object.
pub(super) fn may_refer(kind: Kind) -> bool {
    matches!(
        kind,
        K::PathItem
            | K::OldPathItem
            | K::Parameter
            | K::OldParameter
            | K::Body
            | K::Media
            | K::Response
            | K::OldResponse
            | K::Callback
            | K::Example
            | K::Link
            | K::Header
            | K::Schema
            | K::Scheme
    )
}

/// Where shared objects of a kind are kept.
pub(super) fn room(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        K::Schema => "schemas",
        K::Response => "responses",
        K::Parameter => "parameters",
        K::Example => "examples",
        K::Body => "requestBodies",
        K::Header => "headers",
        K::Scheme => "securitySchemes",
        K::Link => "links",
        K::Callback => "callbacks",
        K::PathItem => "pathItems",
        K::Media => "mediaTypes",
        _ => return None,
    })
}

/// Whether a node is a reference of its kind.
pub(super) fn reference(node: &Node, kind: Kind) -> Option<&str> {
    may_refer(kind).then(|| node.text_at("$ref")).flatten()
}

/// Calls `act` for an object and then for every object in it, parents first, with its kind and its JSON pointer.
pub(super) fn walk(node: &mut Node, kind: Kind, pointer: &mut String, act: &mut impl FnMut(&mut Node, Kind, &str)) {
    act(node, kind, pointer);
    let Content::Map(map) = &mut node.content else { return };
    for (key, member) in map.iter_mut() {
        let Some(form) = form(kind, key) else { continue };
        step(pointer, key, |pointer| inside(member, form, pointer, act));
    }
}

fn inside(node: &mut Node, form: Form, pointer: &mut String, act: &mut impl FnMut(&mut Node, Kind, &str)) {
    match (form, &mut node.content) {
        (One(kind), _) => walk(node, kind, pointer, act),
        (Map(kind), Content::Map(map)) => {
            for (key, member) in map.iter_mut() {
                step(pointer, key, |pointer| walk(member, kind, pointer, act));
            }
        }
        (Dependencies, Content::Map(map)) => {
            for (key, member) in map.iter_mut().filter(|(_, m)| m.map().is_some()) {
                step(pointer, key, |pointer| walk(member, K::Schema, pointer, act));
            }
        }
        (List(kind), Content::List(items)) => each(items, kind, pointer, act),
        (Schemas, Content::List(items)) => each(items, K::Schema, pointer, act),
        (Schemas, _) => walk(node, K::Schema, pointer, act),
        _ => {}
    }
}

fn each(items: &mut [Node], kind: Kind, pointer: &mut String, act: &mut impl FnMut(&mut Node, Kind, &str)) {
    for (index, item) in items.iter_mut().enumerate() {
        step(pointer, &index.to_string(), |pointer| walk(item, kind, pointer, act));
    }
}

fn step(pointer: &mut String, key: &str, go: impl FnOnce(&mut String)) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(&crate::document::escape(key));
    go(pointer);
    pointer.truncate(length);
}
