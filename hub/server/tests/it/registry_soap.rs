//! A WSDL on its way to a callable address.

use crate::registry_desk::Desk;
use crate::support::http;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

/// A WSDL as a framework writes it; `rpc` or `document`.
fn wsdl(server: &str, style: &str) -> String {
    let (types, parts) = match style {
        "rpc" => (
            String::new(),
            r#"<message name="In"><part name="No" type="xsd:string"/><part name="Year" type="xsd:int"/></message>
  <message name="Out"><part name="Area" type="xsd:decimal"/><part name="Owners" type="xsd:int"/></message>"#,
        ),
        _ => (
            r#"<types><xsd:schema targetNamespace="urn:title" elementFormDefault="qualified">
    <xsd:element name="GetTitle"><xsd:complexType><xsd:sequence>
      <xsd:element name="No" type="xsd:string"/><xsd:element name="Year" type="xsd:int"/>
    </xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="GetTitleResponse"><xsd:complexType><xsd:sequence>
      <xsd:element name="Area" type="xsd:decimal"/><xsd:element name="Owners" type="xsd:int"/>
    </xsd:sequence></xsd:complexType></xsd:element>
  </xsd:schema></types>"#
                .to_owned(),
            r#"<message name="In"><part name="p" element="tns:GetTitle"/></message>
  <message name="Out"><part name="p" element="tns:GetTitleResponse"/></message>"#,
        ),
    };
    let namespace = if style == "rpc" {
        r#" namespace="urn:title""#
    } else {
        ""
    };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions name="Title" targetNamespace="urn:title" xmlns="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:tns="urn:title" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  {types}
  {parts}
  <portType name="Port"><operation name="GetTitle"><input message="tns:In"/><output message="tns:Out"/></operation></portType>
  <binding name="B" type="tns:Port"><soap:binding style="{style}" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="GetTitle"><soap:operation soapAction="urn:title/GetTitle"/>
      <input><soap:body use="literal"{namespace}/></input><output><soap:body use="literal"{namespace}/></output></operation>
  </binding>
  <service name="S"><port name="P" binding="tns:B"><soap:address location="{server}/ws"/></port></service>
</definitions>"#
    )
}

/// A SOAP service that insists on what its WSDL says and answers as it says.
fn soap_service(style: &'static str) -> (String, actix_web::dev::ServerHandle) {
    let server = HttpServer::new(move || {
        App::new().default_service(web::to(move |http: actix_web::HttpRequest, body: web::Bytes| async move {
            let text = String::from_utf8(body.to_vec()).unwrap();
            let document = roxmltree::Document::parse(&text).unwrap();
            let call = document.descendants().find(|n| n.tag_name().name() == "GetTitle").unwrap();
            let action = http.headers().get("soapaction").map(|v| v.to_str().unwrap().trim_matches('"').to_owned());
            let children: Vec<_> = call.children().filter(roxmltree::Node::is_element).collect();
            let names: Vec<&str> = children.iter().map(|c| c.tag_name().name()).collect();
            let own = if style == "rpc" { None } else { Some("urn:title") };
            let right = action.as_deref() == Some("urn:title/GetTitle")
                && call.tag_name().namespace() == Some("urn:title")
                && names == ["No", "Year"]
                && children.iter().all(|c| c.tag_name().namespace() == own)
                && children[0].text() == Some("U1")
                && children[1].text() == Some("2026");
            if !right {
                return HttpResponse::InternalServerError().body(format!("{action:?} {text}"));
            }
            let inner = if style == "rpc" {
                "<Area>96.5</Area><Owners>2</Owners>"
            } else {
                "<t:Area>96.5</t:Area><t:Owners>2</t:Owners>"
            };
            HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(format!(
                r#"<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><t:GetTitleResponse xmlns:t="urn:title">{inner}</t:GetTitleResponse></soap:Body></soap:Envelope>"#
            ))
        }))
    });
    let server = server.workers(1).bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", server.addrs()[0]);
    let server = server.disable_signals().run();
    let handle = server.handle();
    std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
    (base, handle)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wsdl_goes_live_without_a_manifest_of_its_own() {
    let desk = Desk::open().await;
    for style in ["document", "rpc"] {
        let (base, handle) = soap_service(style);
        let target = format!("/registry/versions?system={style}&file=title.wsdl");
        let url = format!("{}{target}", desk.hub.ready().base_url);
        let request = http()
            .post(url)
            .header("authorization", desk.bearer("clerk"))
            .body(wsdl(&base, style));
        let uploaded: Value = serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap();
        let version = uploaded["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{uploaded}"))
            .to_owned();
        desk.allow_inner(&version).await;
        for (role, step) in [("clerk", "ask"), ("reviewer", "approve")] {
            let got = desk.step(role, &version, step, json!({})).await;
            assert_eq!(got.status, 200, "{style} {step}: {}", got.body);
        }
        let token = format!("Bearer {}", desk.hub.ready().subject_tokens[desk.persona()]);
        let key = uuid::Uuid::now_v7().to_string();
        let headers = [
            ("x-api-key", desk.live.as_str()),
            ("authorization", &token),
            ("idempotency-key", &key),
        ];
        let body = json!({"No": "U1", "Year": 2026});
        let got = desk
            .hub
            .ask(
                "POST",
                &format!("/gateway/first/{style}/v1/GetTitle"),
                &headers,
                Some(&body),
            )
            .await;
        assert_eq!(
            (got.status, &got.body),
            (200, &json!({"Area": 96.5, "Owners": 2})),
            "{style}: {}",
            got.body
        );
        handle.stop(true).await;
    }
    desk.close().await;
}
