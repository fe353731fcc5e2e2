//! `hub demo`: the reference city in one process.

use super::args::{DemoArgs, Folders, Place};
use super::documents::{folders, named};
use super::outcome::Outcome;
use crate::config::Config;
use crate::http::log::{self, Form};
use crate::wiring::{Plan, Ready, Running, StartError};
use hub_core::Lang;
use serde_json::json;

/// Puts a command's options over the config.
pub fn place(config: &mut Config, place: &Place, given: &Folders) {
    config.paths = folders(given, &config.paths);
    if let Some(listen) = place.listen {
        config.listen.address = listen;
        // Two hubs on one machine must not meet at the operators' port.
        if place.admin_listen.is_none() && listen.port() == 0 {
            config.listen.admin_address.set_port(0);
        }
    }
    if let Some(listen) = place.admin_listen {
        config.listen.admin_address = listen;
    }
    if let Some(data) = &place.data_dir {
        config.paths.data.clone_from(data);
    }
}

pub async fn run(args: DemoArgs, lang: Lang) -> Outcome {
    if let Err(misused) = named(&args.folders, lang) {
        return misused;
    }
    let mut config = match Config::load(None, &|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(findings) => return Outcome::findings(&findings, lang),
    };
    place(&mut config, &args.place, &args.folders);
    if !config.listen.address.ip().is_loopback() {
        let words = match lang {
            Lang::Zh => "hub demo 只能监听本机地址；对外提供服务请用 hub serve",
            Lang::En => "hub demo listens on loopback only; use hub serve to be reached from outside",
        };
        return Outcome::misused(words, lang);
    }
    config.identity.test_issuer = true;
    // A demo is reached from its own machine only, and so are those who are told.
    config.developer.inner_addresses = true;
    let plan = Plan {
        config,
        simulated: true,
        credentials: true,
        apps: true,
        ..Plan::default()
    };
    keep(plan, &args.place, args.json, lang).await
}

/// Starts a hub, says so, and keeps it running until it is told to stop.
pub async fn keep(mut plan: Plan, place: &Place, as_json: bool, lang: Lang) -> Outcome {
    log::start(Form::from_word(&plan.config.log.form), &plan.config.log.level);
    // A variable that is set to nothing is not set, and no key at all.
    let variable = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    plan.admin_token = variable("HUB_ADMIN_TOKEN");
    plan.master_key = variable("HUB_MASTER_KEY");
    let specs = plan.config.paths.specs.display().to_string();
    if !as_json {
        match lang {
            Lang::Zh => println!("正在读取 {specs} …"),
            Lang::En => println!("reading {specs} …"),
        }
    }
    let running = match Running::start(plan).await {
        Ok(running) => running,
        Err(StartError::Findings(findings)) => return Outcome::findings(&findings, lang),
        Err(StartError::Other(reason)) => return Outcome::failed(reason, lang),
    };
    if let Some(file) = &place.ready_file
        && let Err(e) = running.ready.write(file)
    {
        running.stop().await;
        return Outcome::failed(format!("{}: {e}", file.display()), lang);
    }
    if as_json {
        println!("{}", json!(running.ready));
    } else {
        println!("{}", greeting(&running, lang));
    }
    running.until_told().await;
    if !as_json {
        match lang {
            Lang::Zh => println!("正在停止 …"),
            Lang::En => println!("stopping …"),
        }
    }
    running.stop().await;
    Outcome::default()
}

/// Where the hub is, its first credentials, and three commands to try.
fn greeting(running: &Running, lang: Lang) -> String {
    let Ready {
        base_url,
        admin_url,
        client_key,
        ..
    } = &running.ready;
    let counts = running.hub().catalog().counts();
    let mut lines = vec![match lang {
        Lang::Zh => format!(
            "枢纽已就绪：{base_url}   （{} 项服务，{} 个操作）",
            counts.services, counts.operations
        ),
        Lang::En => format!(
            "the hub answers at {base_url}   ({} services, {} operations)",
            counts.services, counts.operations
        ),
    }];
    lines.push(match lang {
        Lang::Zh => format!("管理地址：      {admin_url}   （令牌在数据文件夹的 running.json）"),
        Lang::En => format!("operators:       {admin_url}   (token in running.json in the data folder)"),
    });
    if let Some(key) = client_key {
        lines.push(if lang == Lang::Zh {
            format!("应用密钥：      {key}")
        } else {
            format!("client key:      {key}")
        });
    }
    if let Some(token) = running.ready.desk_tokens.get("clerk") {
        lines.push(if lang == Lang::Zh {
            format!("登记服务：      {base_url}/agency   （令牌 {token}）")
        } else {
            format!("register at:     {base_url}/agency   (token {token})")
        });
    }
    for (id, address) in &running.ready.apps {
        lines.push(match lang {
            Lang::Zh => format!("演示应用：      {address}   （{id}）"),
            Lang::En => format!("demo app:        {address}   ({id})"),
        });
    }
    let tries = super::tries::three(running);
    if !tries.is_empty() {
        lines.push(if lang == Lang::Zh {
            "\n试一试：".to_owned()
        } else {
            "\ntry:".to_owned()
        });
        lines.extend(tries.into_iter().map(|t| format!("  {t}")));
    }
    lines.push(if lang == Lang::Zh {
        "\nCtrl-C 停止。".to_owned()
    } else {
        "\nCtrl-C stops it.".to_owned()
    });
    lines.join("\n")
}
