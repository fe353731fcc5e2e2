//! `hub client`: clients and keys of the running hub, through its operators' door.

use super::args::{AdminReach, Client, NewClient, OneClient};
use super::outcome::Outcome;
use super::running::{Hub, ready};
use hub_core::{Lang, RawRequest};
use serde_json::{Value, json};

pub async fn run(command: Client, lang: Lang) -> Outcome {
    let (reach, method, path, body) = match &command {
        Client::List(reach) => (reach, "GET", "/admin/clients".to_owned(), None),
        Client::New(new) => (&new.reach, "POST", "/admin/clients".to_owned(), Some(description(new))),
        Client::Rotate(OneClient { client, reach }) => (reach, "POST", keys(client), Some(json!({}))),
        Client::Revoke(OneClient { client, reach }) => (reach, "DELETE", keys(client), None),
    };
    match ask(reach, method, path, body).await {
        Ok((status, answer)) if status < 300 && reach.json => Outcome::json(&answer),
        Ok((status, answer)) if status < 300 => Outcome::done(words(&command, &answer, lang)),
        Ok((_, problem)) if reach.json => Outcome::json(&problem).with_code(1),
        Ok((_, problem)) => Outcome::failed(text(&problem, "detail"), lang),
        Err(reason) => Outcome::failed(reason, lang),
    }
}

fn keys(client: &str) -> String {
    let client: String = url::form_urlencoded::byte_serialize(client.as_bytes()).collect();
    format!("/admin/clients/{client}/keys")
}

fn description(new: &NewClient) -> Value {
    json!({
        "tenant": new.tenant,
        "name": new.name.as_ref().unwrap_or(&new.tenant),
        "plan": new.plan,
        "environment": new.environment,
        "origins": new.origins,
    })
}

async fn ask(reach: &AdminReach, method: &str, path: String, body: Option<Value>) -> Result<(u16, Value), String> {
    let known = ready(&reach.data_dir);
    let missing = || {
        format!(
            "no running hub in {}: start one, or give --admin and --admin-token",
            reach.data_dir.display()
        )
    };
    let address = reach
        .address()
        .or_else(|| known.as_ref().map(|r| r.admin_url.clone()))
        .ok_or_else(missing)?;
    let token = reach
        .token()
        .or_else(|| known.map(|r| r.admin_token))
        .ok_or_else(missing)?;
    let request = RawRequest {
        method: method.to_owned(),
        target: path,
        headers: vec![
            ("authorization".into(), format!("Bearer {token}")),
            ("content-type".into(), "application/json".into()),
        ],
        body: body.map(|b| b.to_string().into_bytes()).unwrap_or_default(),
    };
    let answer = Hub::at(&address)?.send(request).await?;
    let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    Ok((answer.status, value))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn words(command: &Client, answer: &Value, lang: Lang) -> String {
    match command {
        Client::List(_) => {
            let items = answer
                .get("items")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let lines = items.iter().map(|c| {
                let columns = ["id", "tenant", "plan", "environment"].map(|n| text(c, n).to_owned());
                columns.join("\t")
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Client::Revoke(one) => match lang {
            Lang::Zh => format!("已撤销 {} 的全部密钥", one.client),
            Lang::En => format!("all keys of {} are revoked", one.client),
        },
        Client::New(_) | Client::Rotate(_) => {
            let (id, key) = (text(answer, "id"), text(answer, "key"));
            match lang {
                Lang::Zh => format!("应用 {id}\n密钥 {key}\n密钥只显示这一次，请妥善保存。"),
                Lang::En => format!("client {id}\nkey    {key}\nThe key is shown this once only; keep it safe."),
            }
        }
    }
}
